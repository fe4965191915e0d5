"""Every route answers 200 to somebody, and what it answers fits the SDK's annotations.

The fixture `everything_served_fits` looks at each answer here, as everywhere in this package.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import Simulator, discounts
from caixa_subscriptions.simulator.core import Response
from caixa_subscriptions.simulator.resources.empty import FAMILIES
from caixa_subscriptions.simulator.routes import ROUTES, find
from tests.simulator.plausible import named, path_of
from tests.simulator.tools import DAY, GOOD, START, Calls, ids, trial_without_card

DISPUTED = "4000000000000259"
WARNED_OF = "4000000000005423"
# No object of these can be there, so that nobody is ever answered 200.
NEVER = {f"GET /v1/{family}/{{id}}" for family in (*FAMILIES, "tax_ids")} | {
    "POST /v1/refunds/{refund}/cancel",  # every refund here succeeds at once
}


class Covering(Calls):
    """Notes which routes have answered 200."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.covered: set[str] = set()

    def raw(self, method: str, path: str, *args: Any, **kwargs: Any) -> Response:
        response = super().raw(method, path, *args, **kwargs)
        if response.status == 200:
            self.covered.add(named(find(method, path)[0]))
        return response


def test_every_route_answers(simulator: Simulator) -> None:
    call = Covering(simulator)
    for part in (_catalogue, _customers, _subscriptions, _invoices, _intents, _money, _settings):
        part(call)
    for part in (_newest, _read, _remove):
        part(call)
    routes = {named(one) for one in ROUTES}
    assert routes >= NEVER
    assert sorted(routes - call.covered) == sorted(NEVER)


def _made(call: Calls, path: str, **params: Any) -> tuple[dict[str, Any], str]:
    """The new object, and its path, which takes an update of its metadata."""
    made = call("POST", path, **params)
    return made, f"{path}/{made['id']}"


def _updated(call: Calls, path: str, **params: Any) -> str:
    _, own = _made(call, path, **params)
    assert call("POST", own, metadata={"a": "b"})["metadata"] == {"a": "b"}
    return own


def _catalogue(call: Calls) -> None:
    price = call.price()
    call("POST", f"/v1/prices/{price['id']}", nickname="Monthly")
    _updated(call, "/v1/products", name="Books")
    feature, path = _made(call, "/v1/entitlements/features", name="Exports", lookup_key="exports")
    call("POST", path, name="Export")
    features = f"/v1/products/{price['product']}/features"
    call("POST", features, entitlement_feature=feature["id"])
    coupon = _updated(call, "/v1/coupons", percent_off=10, duration="forever", id="TEN")
    promotion = {"type": "coupon", "coupon": coupon.rpartition("/")[2]}
    _updated(call, "/v1/promotion_codes", promotion=promotion)
    _updated(call, "/v1/tax_rates", display_name="VAT", percentage=19, inclusive=False)
    call.subscribe(call.customer(GOOD), price)


def _customers(call: Calls) -> None:
    customer = call.customer(GOOD, email="ana@example.com")["id"]
    spare = call.card(GOOD, customer)["id"]
    call("POST", f"/v1/payment_methods/{spare}/detach")


def _subscriptions(call: Calls) -> None:
    sold = call.subscribe(call.customer(GOOD), call.price(), discounts=[{"coupon": "TEN"}])
    path = f"/v1/subscriptions/{sold['id']}"
    call("POST", path, metadata={"a": "b"})
    call("DELETE", f"{path}/discount")
    _, item = _made(
        call, "/v1/subscription_items", subscription=sold["id"], price=call.price()["id"]
    )
    call("POST", item, quantity=2)
    call("DELETE", item)
    call("DELETE", path)
    paused = call.get(trial_without_card(call, "pause")["id"])
    path = f"/v1/subscriptions/{paused['id']}"
    card = call("GET", f"/v1/customers/{paused['customer']}/payment_methods")["data"][0]["id"]
    call("POST", path, trial_end="now")
    call("POST", path, default_payment_method=card)
    call("POST", f"{path}/resume")


def _invoices(call: Calls) -> None:
    customer = call.customer(GOOD)["id"]
    item = _updated(call, "/v1/invoiceitems", customer=customer, amount=1, currency="usd")
    call("DELETE", item)
    call("DELETE", _draft(call, customer))
    for end in ("pay", "void", "mark_uncollectible"):
        path = _draft(call, customer)
        call("POST", f"{path}/finalize")
        call("POST", f"{path}/{end}")
    call("POST", "/v1/invoiceitems", customer=customer, amount=300, currency="usd")
    call("POST", "/v1/invoices/create_preview", customer=customer)


def _draft(call: Calls, customer: str) -> str:
    call("POST", "/v1/invoiceitems", customer=customer, amount=700, currency="usd")
    invoice = {"customer": customer, "auto_advance": False}
    return _updated(call, "/v1/invoices", **invoice, pending_invoice_items_behavior="include")


def _intents(call: Calls) -> None:
    pay = {"amount": 100, "currency": "usd", "payment_method": "pm_card_visa"}
    confirmed = {"confirm": True, "return_url": "https://shop.example/"}
    held = call("POST", "/v1/payment_intents", **pay, **confirmed, capture_method="manual")["id"]
    call("POST", f"/v1/payment_intents/{held}/capture")
    card = {"payment_method": "pm_card_visa"}
    for family, given in (("payment_intents", pay), ("setup_intents", card)):
        call("POST", f"{_updated(call, f'/v1/{family}', **given)}/cancel")
        path = _updated(call, f"/v1/{family}", **given)
        call("POST", f"{path}/confirm", return_url="https://shop.example/")


def _money(call: Calls) -> None:
    paid = call.subscribe(call.customer(GOOD), call.price())
    (charge,) = ids(call("GET", "/v1/charges", customer=paid["customer"]))
    _updated(call, "/v1/refunds", charge=charge, amount=1)
    call.subscribe(call.customer(WARNED_OF), call.price())
    for _ in "12":
        call.subscribe(call.customer(DISPUTED), call.price())
    first, second = ids(call("GET", "/v1/disputes"))
    call("POST", f"/v1/disputes/{first}", metadata={"a": "b"})
    call("POST", f"/v1/disputes/{second}/close")


def _settings(call: Calls) -> None:
    customer = call.customer()["id"]
    session = f"/v1/checkout/sessions/{call.session(call.price(), customer=customer)['id']}"
    call("POST", session, metadata={"a": "b"})
    call("POST", f"{session}/expire")
    features = {"invoice_history": {"enabled": True}}
    _updated(call, "/v1/billing_portal/configurations", features=features)
    call.portal(customer)
    _, clock = _made(call, "/v1/test_helpers/test_clocks", frozen_time=START)
    call("POST", f"{clock}/advance", frozen_time=START + DAY)
    hook = {"url": "https://shop.example/hook", "enabled_events": ["*"]}
    _updated(call, "/v1/webhook_endpoints", **hook)


def _newest(call: Calls) -> None:
    """`path_of` reads the newest of each list, so it needs what is read below it."""
    product = call("POST", "/v1/products", name="Books")["id"]
    (feature,) = ids(call("GET", "/v1/entitlements/features"))
    call("POST", f"/v1/products/{product}/features", entitlement_feature=feature)
    customer = call.customer()["id"]
    path = f"/v1/customers/{customer}/balance_transactions"
    call("POST", path, amount=50, currency="usd")
    call("POST", f"{_draft(call, customer)}/finalize")
    _draft(call, customer)


def _read(call: Calls) -> None:
    """Each with something there to be read, where there can be."""
    for one in ROUTES:
        if one.method != "GET" or named(one) in NEVER:
            continue
        params = {}
        if one.template.endswith("/search"):
            params["query"] = "metadata['nothing']:null"
        if one.template == "/v1/subscription_items":
            (params["subscription"],) = ids(call("GET", "/v1/subscriptions", limit=1))
        own = one.template.replace("{account}", call("GET", "/v1/account")["id"])
        call("GET", path_of(call, own), **params)


def _remove(call: Calls) -> None:
    for template in (
        "/v1/products/{product}/features/{id}",
        "/v1/webhook_endpoints/{endpoint}",
        "/v1/test_helpers/test_clocks/{clock}",
    ):
        call("DELETE", path_of(call, template))
    call("DELETE", f"/v1/products/{call('POST', '/v1/products', name='Leaflets')['id']}")
    customer = call.customer()
    with call.simulator.deed() as world:
        discounts.discount_customer(world, world.get("customer", customer["id"]), {"coupon": "TEN"})
    path = f"/v1/customers/{customer['id']}"
    call("DELETE", f"{path}/discount")
    call("DELETE", path)
    call("DELETE", "/v1/coupons/TEN")
