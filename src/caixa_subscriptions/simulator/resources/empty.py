"""Families the simulator has no object of: every list of them is empty, whatever the filter, and
every id unknown. dj-stripe asks for all of them when it syncs."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.errors import missing
from caixa_subscriptions.simulator.routes import Handler, Params, list_page, route
from caixa_subscriptions.simulator.world import World

# Path -> the SDK's name of the family. Stripe itself has country specs and tax codes of its own.
FAMILIES = {
    "application_fees": "ApplicationFee",
    "country_specs": "CountrySpec",
    "disputes": "Dispute",
    "file_links": "FileLink",
    "files": "File",
    "identity/verification_reports": "identity.VerificationReport",
    "identity/verification_sessions": "identity.VerificationSession",
    "issuing/authorizations": "issuing.Authorization",
    "issuing/cardholders": "issuing.Cardholder",
    "issuing/cards": "issuing.Card",
    "issuing/disputes": "issuing.Dispute",
    "issuing/transactions": "issuing.Transaction",
    "payouts": "Payout",
    "radar/early_fraud_warnings": "radar.EarlyFraudWarning",
    "refunds": "Refund",
    "reviews": "Review",
    "shipping_rates": "ShippingRate",
    "subscription_schedules": "SubscriptionSchedule",
    "tax_codes": "TaxCode",
    "tax_ids": "TaxId",
    "transfers": "Transfer",
}


def _list(path: str) -> Handler:
    def list_none(world: World, params: Params) -> dict[str, Any]:
        return list_page([], params, f"/v1/{path}")

    return list_none


def _retrieve(family: str) -> Handler:
    words = "".join(f"_{one.lower()}" if one.isupper() else one for one in family.split(".")[-1])

    def retrieve_none(world: World, params: Params, object_id: str) -> dict[str, Any]:
        raise missing(words.strip("_"), object_id)

    return retrieve_none


def _list_of_customer(name: str) -> Handler:
    def list_none(world: World, params: Params, customer_id: str) -> dict[str, Any]:
        world.get("customer", customer_id)
        return list_page([], params, f"/v1/customers/{customer_id}/{name}")

    return list_none


for _path, _family in FAMILIES.items():
    route("GET", f"/v1/{_path}", f"{_family}ListParams", "*")(_list(_path))
    route("GET", f"/v1/{_path}/{{id}}", f"{_family}RetrieveParams", "*")(_retrieve(_family))
for _name, _class in (
    ("sources", "CustomerPaymentSourceListParams"),
    ("tax_ids", "CustomerTaxIdListParams"),
):
    route("GET", f"/v1/customers/{{customer}}/{_name}", _class, "*")(_list_of_customer(_name))
