"""What the simulator promises of Stripe, asked of both.

Always asked of the simulator; of Stripe's test mode when STRIPE_CONTRACT_SECRET_KEY holds a test
key: `STRIPE_CONTRACT_SECRET_KEY=sk_test_... pytest tests/contract/test_lifecycle.py`.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import stripe

from tests.contract.conftest import VARIABLE, contract_key

HOUR, DAY = 3600, 86400
Client = stripe.StripeClient


def item_of(subscription: Any) -> Any:
    (item,) = subscription["items"].data
    return item


# The key


@pytest.mark.parametrize("key", ["sk_" + "live_" + "x" * 24, "pk_test_" + "x" * 24, "secret"])
def test_a_key_that_is_not_of_test_mode_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(ValueError, match="must be a key of test mode") as caught:
        contract_key()
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ["", "sk_test_" + "x" * 24, "rk_test_" + "x" * 24])
def test_a_key_of_test_mode_is_taken(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(VARIABLE, key)
    assert contract_key() == key


# Customers


def test_a_customer_is_created_changed_and_deleted(stripe_client: Client) -> None:
    customers = stripe_client.v1.customers
    customer = customers.create({"email": "ana@example.com", "name": "Ana"})
    assert (customer.object, customer.email, customer.livemode) == (
        "customer",
        "ana@example.com",
        False,
    )
    assert customers.update(customer.id, {"name": ""}).name is None
    assert customers.retrieve(customer.id).email == "ana@example.com"
    assert customers.delete(customer.id).deleted is True
    assert customers.retrieve(customer.id).deleted is True


def test_metadata_is_merged_and_unset(stripe_client: Client, add_customer: Any) -> None:
    update = stripe_client.v1.customers.update
    customer = add_customer(metadata={"a": "1", "b": "2"})
    assert update(customer.id, {"metadata": {"b": "3", "c": "4"}}).metadata.to_dict() == {
        "a": "1",
        "b": "3",
        "c": "4",
    }
    assert update(customer.id, {"metadata": {"a": ""}}).metadata.to_dict() == {"b": "3", "c": "4"}
    assert update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [{f"key{n}": "x" for n in range(51)}, {"k" * 41: "x"}, {"key": "x" * 501}],
    ids=["51 keys", "a key of 41", "a value of 501"],
)
def test_metadata_has_limits(add_customer: Any, refused: Any, metadata: dict[str, str]) -> None:
    with refused(400, type="invalid_request_error"):
        add_customer(metadata=metadata)


# Errors


def test_an_unknown_parameter_is_refused(add_customer: Any, refused: Any) -> None:
    with refused(
        400,
        type="invalid_request_error",
        code="parameter_unknown",
        param="nickname",
        message="Received unknown parameter: nickname",
    ):
        add_customer(nickname="Ana")


def test_what_the_path_names_is_missing_with_404(stripe_client: Client, refused: Any) -> None:
    with refused(404, code="resource_missing", param="id", message="No such customer: 'cus_none'"):
        stripe_client.v1.customers.retrieve("cus_none")


def test_what_a_parameter_names_is_missing_with_400(
    stripe_client: Client, add_customer: Any, refused: Any
) -> None:
    customer = add_customer("pm_card_visa")
    with refused(
        400,
        code="resource_missing",
        param="items[0][price]",
        message="No such price: 'invalid'",
    ):
        stripe_client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": "invalid"}]}
        )


# Idempotency


def test_a_repeated_key_is_answered_again(stripe_client: Client) -> None:
    customers = stripe_client.v1.customers
    key = uuid.uuid4().hex
    first, again = (customers.create({"name": "Ana"}, {"idempotency_key": key}) for _ in range(2))
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert (
        again.last_response.headers["Original-Request"] == first.last_response.headers["Request-Id"]
    )
    customers.delete(first.id)


def test_a_key_is_for_one_call(stripe_client: Client, refused: Any) -> None:
    customers = stripe_client.v1.customers
    key = uuid.uuid4().hex
    customer = customers.create({"name": "Ana"}, {"idempotency_key": key})
    with refused(400, type="idempotency_error") as caught:
        customers.create({"name": "Bia"}, {"idempotency_key": key})
    assert isinstance(caught.value, stripe.IdempotencyError)
    customers.delete(customer.id)


# Lists and expanding


def test_lists_come_in_pages_newest_first(
    stripe_client: Client, clock: Any, add_customer: Any
) -> None:
    made = [add_customer().id for _ in range(3)]
    newest_first = made[::-1]
    params: Any = {"test_clock": clock.id, "limit": 2}
    page = stripe_client.v1.customers.list(params)
    assert ([one.id for one in page.data], page.has_more) == (newest_first[:2], True)
    rest = stripe_client.v1.customers.list({**params, "starting_after": page.data[-1].id})
    assert ([one.id for one in rest.data], rest.has_more) == (newest_first[2:], False)
    back = stripe_client.v1.customers.list({**params, "ending_before": made[0]})
    assert [one.id for one in back.data] == newest_first[:2]
    assert [one.id for one in page.auto_paging_iter()] == newest_first


def test_a_page_has_a_hundred_at_most(stripe_client: Client, refused: Any) -> None:
    with refused(400, type="invalid_request_error", param="limit"):
        stripe_client.v1.customers.list({"limit": 101})


def test_customers_of_clocks_are_in_no_list_without_their_clock(
    stripe_client: Client, add_customer: Any
) -> None:
    customer = add_customer(email=f"{uuid.uuid4().hex}@example.com")
    assert stripe_client.v1.customers.list({"email": customer.email}).data == []


def test_references_are_expanded(
    stripe_client: Client, add_customer: Any, subscribe: Any, refused: Any
) -> None:
    subscription = subscribe(
        add_customer("pm_card_visa"), expand=["customer", "latest_invoice.payments"]
    )
    assert subscription.customer.object == "customer"
    (payment,) = subscription.latest_invoice.payments.data
    assert (payment.object, payment.status) == ("invoice_payment", "paid")
    with refused(400, type="invalid_request_error"):
        stripe_client.v1.subscriptions.retrieve(subscription.id, {"expand": ["nothing"]})


# The catalogue


def test_a_price_is_found_by_its_lookup_key(
    stripe_client: Client, price: Any, lookup_key: str
) -> None:
    assert (price.type, price.active, price.recurring.interval) == ("recurring", True, "month")
    (found,) = stripe_client.v1.prices.list({"lookup_keys": [lookup_key]}).data
    assert found.id == price.id


def test_a_lookup_key_belongs_to_one_price_and_can_be_handed_on(
    stripe_client: Client, price: Any, lookup_key: str, refused: Any
) -> None:
    prices = stripe_client.v1.prices
    params: Any = {
        "product": price.product,
        "currency": "usd",
        "unit_amount": 1900,
        "recurring": {"interval": "month"},
        "lookup_key": lookup_key,
    }
    with refused(400, type="invalid_request_error"):
        prices.create(params)
    dearer = prices.create({**params, "transfer_lookup_key": True})
    assert dearer.lookup_key == lookup_key
    assert prices.retrieve(price.id).lookup_key is None


# Subscriptions


def test_a_subscription_is_paid_at_once(price: Any, add_customer: Any, subscribe: Any) -> None:
    subscription = subscribe(add_customer("pm_card_visa"), expand=["latest_invoice"])
    assert subscription.status == "active"
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_create")
    assert (invoice.amount_paid, invoice.amount_remaining) == (900, 0)
    assert invoice.parent.subscription_details.subscription == subscription.id
    item = item_of(subscription)
    assert item.price.id == price.id
    assert item.current_period_start == subscription.start_date < item.current_period_end


def test_a_trial_costs_nothing_yet(clock: Any, add_customer: Any, subscribe: Any) -> None:
    subscription = subscribe(
        add_customer("pm_card_visa"), trial_period_days=7, expand=["latest_invoice"]
    )
    assert subscription.status == "trialing"
    assert subscription.trial_end == clock.frozen_time + 7 * DAY
    assert item_of(subscription).current_period_end == subscription.trial_end
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.amount_due) == ("paid", 0)


def test_without_a_card_nothing_is_sold(add_customer: Any, subscribe: Any, refused: Any) -> None:
    with refused(400, type="invalid_request_error", code="resource_missing") as caught:
        subscribe(add_customer())
    assert "no attached payment source or default payment method" in str(caught.value)


def test_a_declined_card_cannot_be_attached(add_customer: Any, refused: Any) -> None:
    with refused(
        402, type="card_error", code="card_declined", decline_code="generic_decline"
    ) as caught:
        add_customer("pm_card_chargeDeclined")
    assert isinstance(caught.value, stripe.CardError)


def test_a_first_charge_that_fails_leaves_it_incomplete(add_customer: Any, subscribe: Any) -> None:
    subscription = subscribe(add_customer("pm_card_chargeCustomerFail"), expand=["latest_invoice"])
    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")


# Time


def test_it_renews(stripe_client: Client, add_customer: Any, subscribe: Any, advance: Any) -> None:
    subscription = subscribe(add_customer("pm_card_visa"))
    period_end = item_of(subscription).current_period_end
    advance(period_end + 2 * HOUR)
    renewed = stripe_client.v1.subscriptions.retrieve(
        subscription.id, {"expand": ["latest_invoice"]}
    )
    assert (renewed.status, item_of(renewed).current_period_start) == ("active", period_end)
    invoice = renewed.latest_invoice
    assert invoice.id != subscription.latest_invoice
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_cycle")


def test_a_renewal_that_fails_is_past_due(
    stripe_client: Client, add_customer: Any, subscribe: Any, advance: Any
) -> None:
    subscription = subscribe(add_customer("pm_card_chargeCustomerFail"), trial_period_days=7)
    advance(subscription.trial_end + 2 * HOUR)
    failed = stripe_client.v1.subscriptions.retrieve(
        subscription.id, {"expand": ["latest_invoice"]}
    )
    assert (failed.status, failed.latest_invoice.status) == ("past_due", "open")
    assert (failed.latest_invoice.attempt_count, failed.latest_invoice.attempted) == (1, True)


def test_a_change_of_plan_is_prorated(
    stripe_client: Client, price: Any, add_customer: Any, subscribe: Any, advance: Any
) -> None:
    customer = add_customer("pm_card_visa")
    subscription = subscribe(customer)
    item = item_of(subscription)
    recurring: Any = {"interval": "month"}
    dearer = stripe_client.v1.prices.create(
        {
            "product": price.product,
            "currency": "usd",
            "unit_amount": 1900,
            "recurring": recurring,
        }
    )
    advance((item.current_period_start + item.current_period_end) // 2)
    changed = stripe_client.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item.id, "price": dearer.id}]}
    )
    assert (changed.status, item_of(changed).price.id) == ("active", dearer.id)
    assert item_of(changed).current_period_end == item.current_period_end
    waiting = stripe_client.v1.invoice_items.list({"customer": customer.id}).data
    assert sorted(one.amount for one in waiting) == [-450, 950]


def test_a_cancellation_waits_for_the_periods_end(
    stripe_client: Client, add_customer: Any, subscribe: Any, advance: Any
) -> None:
    subscriptions = stripe_client.v1.subscriptions
    subscription = subscribe(add_customer("pm_card_visa"))
    period_end = item_of(subscription).current_period_end
    for _ in range(2):
        waiting = subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        assert (waiting.status, waiting.cancel_at) == ("active", period_end)
        kept = subscriptions.update(subscription.id, {"cancel_at_period_end": False})
        assert (kept.cancel_at, kept.canceled_at) == (None, None)
    subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    advance(period_end + HOUR)
    ended = subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", period_end)


def test_a_cancellation_at_once(
    stripe_client: Client, clock: Any, add_customer: Any, subscribe: Any
) -> None:
    subscription = subscribe(add_customer("pm_card_visa"))
    ended = stripe_client.v1.subscriptions.cancel(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", clock.frozen_time)
    assert ended.cancellation_details.reason == "cancellation_requested"


def test_a_clock_goes_forward_only_and_not_too_far(
    stripe_client: Client, clock: Any, add_customer: Any, subscribe: Any, refused: Any
) -> None:
    clocks = stripe_client.v1.test_helpers.test_clocks
    subscribe(add_customer("pm_card_visa"))
    for frozen_time in (clock.frozen_time - DAY, clock.frozen_time + 100 * DAY):
        with refused(400, type="invalid_request_error"):
            clocks.advance(clock.id, {"frozen_time": frozen_time})


# Sessions


def test_a_checkout_session_is_open_until_it_is_expired(
    stripe_client: Client, price: Any, add_customer: Any, refused: Any
) -> None:
    sessions = stripe_client.v1.checkout.sessions
    customer = add_customer()
    session = sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://shop.example/done",
        }
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.customer) == (900, customer.id)
    assert (session.subscription, bool(session.url)) == (None, True)
    (line,) = sessions.line_items.list(session.id).data
    assert (line.price.id, line.quantity) == (price.id, 1)
    expired = sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with refused(400, type="invalid_request_error"):
        sessions.expire(session.id)


def test_a_portal_session_leads_back(stripe_client: Client, add_customer: Any) -> None:
    customer = add_customer()
    try:
        session = stripe_client.v1.billing_portal.sessions.create(
            {"customer": customer.id, "return_url": "https://shop.example/billing"}
        )
    except stripe.InvalidRequestError as error:
        if "default configuration" not in str(error):
            raise
        pytest.skip("the account has no default portal configuration: save one in its dashboard")
    assert (session.object, session.customer) == ("billing_portal.session", customer.id)
    assert session.return_url == "https://shop.example/billing"
    assert session.url.startswith("http")


# Events


def test_events_tell_what_happened(
    stripe_client: Client, add_customer: Any, subscribe: Any
) -> None:
    subscription = subscribe(add_customer("pm_card_visa"))
    stripe_client.v1.subscriptions.update(subscription.id, {"metadata": {"note": "hello"}})
    types: Any = ["customer.subscription.created", "customer.subscription.updated"]
    told = [
        event
        for event in stripe_client.v1.events.list({"types": types, "limit": 100}).data
        if event.data.object.id == subscription.id
    ]
    assert told[-1].type == "customer.subscription.created"
    assert told[0].type == "customer.subscription.updated"
    assert told[0].data.previous_attributes["metadata"].to_dict() == {"note": None}
    assert {event.livemode for event in told} == {False}
