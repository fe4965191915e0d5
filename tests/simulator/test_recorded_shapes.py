"""The keys and types served, against recordings of Stripe's test mode."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.reference import required_folder
from tests.simulator.tools import Calls, advance

Types = dict[str, set[str]]

KINDS = (
    "billing_portal.session",
    "charge",
    "checkout.session",
    "customer",
    "invoice",
    "invoice_payment",
    "line_item",
    "payment_intent",
    "payment_method",
    "plan",
    "price",
    "setup_intent",
    "subscription",
    "subscription_item",
)
# Recorded, and not served, because it hangs on something else than the object's kind.
NOT_SERVED = {
    "charge.refunds",  # when expanded
    "customer.invoice_credit_balance",  # when expanded
    "customer.tax",  # when expanded
    "invoice.confirmation_secret",  # when expanded
    "invoice.payments",  # when expanded
    "payment_method.boleto",
    # The account's other payment methods.
    *(
        f"{kind}.payment_method_options.{method}"
        for kind in ("checkout.session", "payment_intent", "setup_intent")
        for method in (
            *("acss_debit", "afterpay_clearpay", "alipay", "cashapp"),
            *("klarna", "link", "us_bank_account", "wechat_pay"),
        )
    ),
}
# Served, and not recorded: they came after the recordings, and the SDK's classes have them.
SINCE = {
    "checkout.session.managed_payments",
    "invoice.amount_paid_off_stripe",
    "line_item.subscription",
    "setup_intent.customer_account",
    "subscription.billing_schedules",
    "subscription.managed_payments",
    "subscription_item.billed_until",
}
# Recorded expanded, served as an id.
EXPANDED = {
    "charge.balance_transaction",
    "charge.payment_intent",
    "subscription.default_payment_method",
    "subscription.latest_invoice",
    "subscription.pending_setup_intent",
}


def shapes(value: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(hash, key, JSON type) of everything in the answer; an object's path is its kind."""
    if isinstance(value, list):
        for one in value:
            yield from shapes(one, path)
    elif isinstance(value, dict):
        kind = value.get("object")
        path = kind if isinstance(kind, str) and kind != "list" else path
        for key, one in value.items():
            yield path, key, type(one).__name__
            if key != "metadata":
                yield from shapes(one, f"{path}.{key}")


def gathered(answers: Iterable[Any]) -> dict[str, Types]:
    found: dict[str, Types] = defaultdict(lambda: defaultdict(set))
    for answer in answers:
        for path, key, kind in shapes(answer):
            found[path][key].add(kind)
    return found


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    return [
        one
        for path in sorted(required_folder().glob("*.json"))
        for one in json.loads(path.read_text())
    ]


@pytest.fixture(scope="module")
def recorded(answers: list[dict[str, Any]]) -> dict[str, Types]:
    versions = (".clover", ".dahlia")
    current = [
        one["body"]
        for one in answers
        if one["status"] == 200 and one["headers"].get("Stripe-Version", "").endswith(versions)
    ]
    assert current
    return gathered(current)


@pytest.fixture
def served(call: Calls) -> dict[str, Types]:
    price = call.price()
    simulator = call.simulator
    paid = simulator.complete_checkout(
        call.session(price, customer=call.customer(email="a@example.com")["id"])["id"]
    )
    simulator.complete_checkout(
        call.session(price, subscription_data={"trial_period_days": 7})["id"]
    )
    call.session(price, cancel_url="https://shop.example/back")
    call("POST", "/v1/billing_portal/sessions", customer=paid["customer"], return_url="https://a.b")
    advance(simulator, days=32)
    return gathered(obj for kind in KINDS for obj in simulator.list_objects(kind, limit=1000))


@pytest.mark.parametrize("kind", KINDS)
def test_keys_and_types(recorded: dict[str, Types], served: dict[str, Types], kind: str) -> None:
    paths = [path for path in served if path == kind or path.startswith(f"{kind}.")]
    assert kind in recorded
    wrong = []
    for path in paths:
        if path not in recorded:
            continue  # of a hash that no recording fills
        theirs, ours = recorded[path], served[path]
        for key in sorted(theirs.keys() | ours.keys()):
            name = f"{path}.{key}"
            if key not in ours:
                if name not in NOT_SERVED:
                    wrong.append(f"{name}: missing")
            elif key not in theirs:
                if name not in SINCE:
                    wrong.append(f"{name}: not recorded")
            elif name not in EXPANDED and not _agree(theirs[key], ours[key]):
                wrong.append(f"{name}: {theirs[key]} recorded, {ours[key]} served")
    assert wrong == []


def _agree(theirs: set[str], ours: set[str]) -> bool:
    theirs, ours = theirs - {"NoneType"}, ours - {"NoneType"}
    return not theirs or not ours or ours <= theirs


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/v1/customers/cus_"),
        ("POST", "/v1/payment_methods/abcd/attach"),
        ("POST", "/v1/subscriptions"),
    ],
)
def test_errors_as_recorded(
    answers: list[dict[str, Any]], call: Calls, method: str, url: str
) -> None:
    """The body but for its ids, and which headers come with it."""
    (theirs, *_) = [
        one
        for one in reversed(answers)
        if one["status"] >= 400 and one["method"] == method and one["url"].startswith(url)
    ]
    customer = call.customer()["id"]
    params: dict[str, Any] = {"customer": customer} if method == "POST" else {}
    if url == "/v1/subscriptions":
        params["items"] = [{"price": call.price()["id"]}]
    headers = {"Idempotency-Key": "one"} if method == "POST" else {}
    ours = call.raw(method, theirs["url"], params, headers)
    assert ours.status == theirs["status"]
    for error in (ours.body["error"], theirs["body"]["error"]):
        error.pop("request_log_url", None)
    assert ours.body == theirs["body"]
    assert ours.headers.keys() == theirs["headers"].keys()
