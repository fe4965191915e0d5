"""One subscription's life by Stripe's official Python SDK, over HTTP.

    python lifecycle.py http://127.0.0.1:12111

Prints a line per step, and leaves with an error at the first difference. `lifecycle.mjs` is the
same in JavaScript and must print the same lines.
"""

import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import stripe

KEY = "sk_test_simulator000000000000000000"
START = 1_780_315_200  # 2026-06-01 12:00 UTC
HOUR, DAY = 3600, 86400


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


def step(name, seen, wanted):
    print(f"{name}: {' '.join(str(value) for value in seen)}")
    if seen != wanted:
        sys.exit(f"{name}: expected {wanted}")


def submit(url, **fields):
    """Post the hosted page's form; the status."""
    data = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.build_opener(NoRedirect).open(url, data, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        return answer.code


def main(host):
    v1 = stripe.StripeClient(KEY, base_addresses={"api": host}).v1

    clock = v1.test_helpers.test_clocks.create({"frozen_time": START, "name": "Lifecycle"})
    step("clock", [clock.status, clock.frozen_time], ["ready", START])

    def advance(name, frozen_time):
        answer = v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": frozen_time})
        seen = [answer.status]
        deadline = time.monotonic() + 60
        while (answer := v1.test_helpers.test_clocks.retrieve(clock.id)).status == "advancing":
            if time.monotonic() > deadline:
                sys.exit(f"{name}: the clock does not arrive")
            time.sleep(0.05)
        step(
            name,
            [*seen, answer.status, answer.frozen_time - START],
            ["advancing", "ready", frozen_time - START],
        )

    customer = v1.customers.create(
        {"email": "ana@example.com", "name": "Ana", "test_clock": clock.id}
    )
    step(
        "customer",
        [customer.email, customer.test_clock == clock.id],
        ["ana@example.com", True],
    )

    card = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    customer = v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": card.id}}
    )
    step(
        "card",
        [
            card.card.brand,
            card.card.last4,
            customer.invoice_settings.default_payment_method == card.id,
        ],
        ["visa", "4242", True],
    )

    product = v1.products.create({"name": "Reports"})
    step("product", [product.name, product.active], ["Reports", True])

    price = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "lookup_key": "reports_monthly",
        }
    )
    step(
        "price",
        [price.unit_amount, price.currency, price.recurring.interval],
        [900, "usd", "month"],
    )

    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "subscription_data": {"trial_period_days": 7},
            "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
        }
    )
    step(
        "checkout",
        [session.status, session.subscription is None, session.amount_total],
        ["open", True, 0],
    )

    declined = submit(session.url, card_number="4000 0000 0000 0002", expiry="12/34", cvc="123")
    step(
        "declined on the page",
        [declined, v1.checkout.sessions.retrieve(session.id).status],
        [402, "open"],
    )

    sent = submit(session.url, card_number="4242 4242 4242 4242", expiry="12/34", cvc="123")
    session = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    step(
        "paid on the page",
        [sent, session.status, session.subscription.customer == customer.id],
        [303, "complete", True],
    )

    def subscription():
        return v1.subscriptions.retrieve(session.subscription.id, {"expand": ["latest_invoice"]})

    trial = subscription()
    step(
        "trial",
        [trial.status, trial.trial_end - START, trial.latest_invoice.amount_paid],
        ["trialing", 7 * DAY, 0],
    )

    advance("to the trial's end", START + 7 * DAY + 2 * HOUR)
    first = subscription()
    step(
        "first payment",
        [first.status, first.latest_invoice.status, first.latest_invoice.amount_paid],
        ["active", "paid", 900],
    )

    period_end = first["items"].data[0].current_period_end
    advance("to the renewal", period_end + 2 * HOUR)
    renewed = subscription()
    step(
        "renewal",
        [
            renewed.status,
            renewed.latest_invoice.billing_reason,
            renewed.latest_invoice.status,
            renewed.latest_invoice.id != first.latest_invoice.id,
            renewed["items"].data[0].current_period_start == period_end,
        ],
        ["active", "subscription_cycle", "paid", True, True],
    )

    bad = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    v1.subscriptions.update(renewed.id, {"default_payment_method": bad.id})
    advance("to a decline", renewed["items"].data[0].current_period_end + 2 * HOUR)
    failed = subscription()
    step(
        "decline",
        [failed.status, failed.latest_invoice.status, failed.latest_invoice.attempt_count],
        ["past_due", "open", 1],
    )

    try:
        v1.invoices.pay(failed.latest_invoice.id)
    except stripe.CardError as error:
        seen = [error.http_status, error.code, error.error.decline_code]
    else:
        seen = ["paid"]
    step("declined again", seen, [402, "card_declined", "generic_decline"])

    v1.subscriptions.update(renewed.id, {"default_payment_method": card.id})
    paid = v1.invoices.pay(failed.latest_invoice.id)
    step(
        "recovery",
        [paid.status, paid.amount_remaining, subscription().status],
        ["paid", 0, "active"],
    )

    dearer = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1900,
            "recurring": {"interval": "month"},
        }
    )
    item = subscription()["items"].data[0]
    advance(
        "to mid-period",
        (item.current_period_start + item.current_period_end) // 2,
    )
    changed = v1.subscriptions.update(renewed.id, {"items": [{"id": item.id, "price": dearer.id}]})
    waiting = v1.invoice_items.list({"customer": customer.id}).data
    step(
        "plan change",
        [
            changed.status,
            changed["items"].data[0].price.id == dearer.id,
            changed["items"].data[0].current_period_end == item.current_period_end,
            *sorted(one.amount for one in waiting),
        ],
        ["active", True, True, -450, 950],
    )
    advance("to the dearer renewal", item.current_period_end + 2 * HOUR)
    dear = subscription()
    step(
        "dearer renewal",
        [dear.status, dear.latest_invoice.status, dear.latest_invoice.amount_paid],
        ["active", "paid", 1900 + 950 - 450],
    )

    ended = v1.subscriptions.cancel(renewed.id)
    step("cancel", [ended.status, ended.ended_at is not None], ["canceled", True])

    told = [
        event.type
        for event in v1.events.list({"limit": 100}).auto_paging_iter()
        if getattr(event.data.object, "id", None) == renewed.id
    ]
    step(
        "events",
        [told[-1], told[0]],
        ["customer.subscription.created", "customer.subscription.deleted"],
    )

    gone = v1.test_helpers.test_clocks.delete(clock.id)
    step("clean up", [gone.deleted], [True])


if __name__ == "__main__":
    main(sys.argv[1])
