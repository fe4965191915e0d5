"""Links of the customer portal that lead to one thing."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    DECLINED,
    GOOD,
    Browser,
    call,
    form_with,
    parsed,
    portal_path,
)
from tests.simulator.pages.test_portal_plans import plan_page, price_of
from tests.simulator.pages.test_portal_steps import links, subscribed

APP = "https://app.example/billing/"
REDIRECT = {"type": "redirect", "redirect": {"return_url": "https://shop.example/after?x=1"}}
CONFIRMED = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you!"}}


def flow_path(
    simulator: Simulator,
    subscription: dict[str, Any],
    kind: str,
    *,
    after: dict[str, Any] | None = None,
    configuration: str | None = None,
    **about: Any,
) -> str:
    flow: dict[str, Any] = {"type": kind}
    if after:
        flow["after_completion"] = after
    if kind.startswith("subscription"):
        flow[kind] = {"subscription": subscription["id"]} | about
    params: dict[str, Any] = {"flow_data": flow}
    if configuration:
        params["configuration"] = configuration
    return portal_path(simulator, subscription["customer"], **params)


def selling(simulator: Simulator, subscription: dict[str, Any]) -> str:
    plan_page(simulator, subscription)
    return str(simulator.list_objects("billing_portal.configuration")[0]["id"])


def test_a_flow_to_another_card_that_leads_back_to_the_shop(
    browser: Browser, simulator: Simulator
) -> None:
    subscription = subscribed(simulator)
    path = flow_path(simulator, subscription, "payment_method_update", after=REDIRECT)
    page = browser.get(path)
    assert [form.button for form in parsed(page).forms] == ["Save card"]
    assert "Invoices" not in page.text
    assert APP in links(page)
    assert "https://shop.example" in page.headers["content-security-policy"]
    declined = browser.submit(page, "Save card", card_number=DECLINED)
    assert (declined.status, "declined" in declined.text) == (402, True)
    assert "Invoices" not in declined.text
    answer = browser.submit(page, "Save card", card_number=GOOD)
    assert (answer.status, answer.location) == (303, "https://shop.example/after?x=1")
    again = browser.get(path)
    assert (again.status, "All done" in again.text) == (200, True)
    assert parsed(again).forms == []
    assert "https://shop.example/after?x=1" in links(again)


def test_a_flow_to_a_cancellation_that_is_confirmed(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = flow_path(simulator, subscription, "subscription_cancel", after=CONFIRMED)
    page = browser.get(path)
    assert "Keep subscription" in page.text
    assert links(page).count(APP) == 2
    answer = browser.submit(page, "Cancel subscription")
    assert (answer.status, answer.location) == (303, path)
    end = browser.get(path)
    assert "See you!" in end.text
    assert APP in links(end)
    form = {"subscription": subscription["id"]}
    assert browser.post(f"{path}/renew", form).location == path  # the link was for one thing
    assert simulator.list_objects("subscription")[0]["cancel_at"]


def test_a_flow_that_ends_on_the_homepage(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = flow_path(simulator, subscription, "subscription_cancel")
    assert browser.submit(browser.get(path), "Cancel subscription").location == path
    page = browser.get(path)
    assert "Invoices" in page.text
    assert browser.submit(page, "Renew subscription").status == 303
    assert "Cancel subscription" in browser.get(path).text


def test_a_flow_to_another_plan(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    made = selling(simulator, subscription)
    path = flow_path(simulator, subscription, "subscription_update", configuration=made)
    page = browser.get(path)
    form = form_with(page, "Continue")
    assert form.action == f"{path}/plan/{subscription['id']}"
    page = browser.get(f"{form.action}?price={price_of(simulator, 1900)}&quantity=2")
    assert path in links(page)  # back to the choice
    wrong = browser.submit(page, "Confirm", quantity="9")
    assert (wrong.status, "This quantity cannot be chosen." in wrong.text) == (400, True)
    assert form_with(wrong, "Continue")
    assert browser.submit(page, "Confirm").status == 303
    assert simulator.list_objects("subscription")[0]["quantity"] == 2


def test_a_flow_that_confirms_one_change(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    made = selling(simulator, subscription)
    dear = price_of(simulator, 1900)
    item = {"id": subscription["items"]["data"][0]["id"], "price": dear, "quantity": "3"}
    path = flow_path(
        simulator, subscription, "subscription_update_confirm", configuration=made, items=[item]
    )
    for address in (path, f"{path}/plan/{subscription['id']}?price=price_none"):
        page = browser.get(address)
        assert "To Reports <b> \N{MULTIPLICATION SIGN} 3, $57.00 per month" in page.text
    assert path not in links(page)  # there is nothing to choose
    assert browser.submit(page, "Confirm", quantity="1").status == 303
    changed = simulator.list_objects("subscription")[0]
    assert (changed["plan"]["id"], changed["quantity"]) == (dear, 3)


def test_a_change_that_cannot_be_confirmed(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    made = selling(simulator, subscription)
    item = {"id": subscription["items"]["data"][0]["id"], "quantity": "9"}
    path = flow_path(
        simulator, subscription, "subscription_update_confirm", configuration=made, items=[item]
    )
    page = browser.get(path)
    assert (page.status, "This quantity cannot be chosen." in page.text) == (400, True)
    form = {"subscription": subscription["id"]}
    page = browser.post(f"{path}/plan", form)
    assert (page.status, "This quantity cannot be chosen." in page.text) == (400, True)


@pytest.mark.parametrize("step", ["plan", "cancel"])
def test_a_flow_leads_nowhere_else(browser: Browser, simulator: Simulator, step: str) -> None:
    subscription = subscribed(simulator)
    path = flow_path(simulator, subscription, "payment_method_update")
    answer = browser.get(f"{path}/{step}/{subscription['id']}")
    assert (answer.status, answer.location) == (303, path)
    answer = browser.post(f"{path}/{step}", {"subscription": subscription["id"]})
    assert (answer.status, answer.location) == (303, path)
    assert simulator.list_objects("subscription") == [subscription]


def test_without_a_return_url_there_is_no_way_out_to_offer(
    browser: Browser, simulator: Simulator
) -> None:
    subscription = subscribed(simulator)
    about = {"subscription": subscription["id"]}
    flow = {"type": "subscription_cancel", "subscription_cancel": about}
    params = {"customer": subscription["customer"], "flow_data": flow}
    session = call(simulator, "POST", "/v1/billing_portal/sessions", **params)
    page = browser.get(session["url"].removeprefix("http://127.0.0.1:8000"))
    assert "Keep subscription" not in page.text
    assert "Return" not in page.text


def test_a_flow_of_a_subscription_that_has_ended(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = flow_path(simulator, subscription, "subscription_cancel")
    call(simulator, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    page = browser.get(path)
    assert page.status == 404
    assert APP in links(page)
