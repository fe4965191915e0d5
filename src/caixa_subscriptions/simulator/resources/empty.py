"""Families the simulator has no object of: every list of them is empty, whatever the filter, and
every id unknown. dj-stripe asks for all of them when it syncs."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, missing
from caixa_subscriptions.simulator.routes import Handler, Params, list_page, route
from caixa_subscriptions.simulator.world import World

# Path -> the SDK's name of the family. Stripe itself has country specs and tax codes of its own.
FAMILIES = {
    "application_fees": "ApplicationFee",
    "country_specs": "CountrySpec",
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
    "reviews": "Review",
    "shipping_rates": "ShippingRate",
    "subscription_schedules": "SubscriptionSchedule",
    "tax_codes": "TaxCode",
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


@route("GET", "/v1/tax_ids", "TaxIdListParams", "*", tolerates="id")
def list_tax_ids(world: World, params: Params) -> dict[str, Any]:
    """By `id`, as dj-stripe asks, or not (the option `djstripe_lists`)."""
    if "id" in params and not world.option("djstripe_lists"):
        raise StripeError(
            400, "Received unknown parameter: id", code="parameter_unknown", param="id"
        )
    return list_page([], params, "/v1/tax_ids")


@route("GET", "/v2/core/accounts", None, "*", tolerates="include[] limit")
def list_accounts_v2(world: World, params: Params) -> dict[str, Any]:
    """A list of API v2 (Stripe docs: api/v2/core/accounts)."""
    return {"data": [], "next_page_url": None, "previous_page_url": None}


route("GET", "/v1/tax_ids/{id}", "TaxIdRetrieveParams")(_retrieve("TaxId"))
for _path, _family in FAMILIES.items():
    route("GET", f"/v1/{_path}", f"{_family}ListParams", "*")(_list(_path))
    route("GET", f"/v1/{_path}/{{id}}", f"{_family}RetrieveParams", "*")(_retrieve(_family))
for _name, _class in (
    ("sources", "CustomerPaymentSourceListParams"),
    ("tax_ids", "CustomerTaxIdListParams"),
):
    route("GET", f"/v1/customers/{{customer}}/{_name}", _class, "*")(_list_of_customer(_name))
