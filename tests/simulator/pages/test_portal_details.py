"""Customers change their own details on the portal's page."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import Browser, call, form_with, portal_path
from tests.simulator.pages.test_portal_steps import links, portal_with

ALL = ["email", "name", "phone", "address"]


def changing(simulator: Simulator, allowed: list[str]) -> tuple[str, str]:
    """A customer, and the path of a portal where `allowed` can be changed."""
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")["id"]
    update = {"enabled": True, "allowed_updates": allowed}
    return customer, portal_with(simulator, customer, customer_update=update)


def saved(simulator: Simulator, customer: str) -> dict[str, Any]:
    found = simulator.get_object(customer)
    assert found is not None
    return found


def test_details_are_changed(browser: Browser, simulator: Simulator) -> None:
    customer, path = changing(simulator, ALL)
    assert f"{path}/details" in links(browser.get(path))
    page = browser.get(f"{path}/details")
    assert form_with(page, "Save details").fields["email"] == "ana@example.com"
    details = {"name": "Ana <3", "address_line1": "Rua A, 1 ", "address_country": "BR"}
    answer = browser.submit(page, "Save details", **details)
    assert (answer.status, answer.location) == (303, path)
    changed = saved(simulator, customer)
    assert (changed["name"], changed["phone"]) == ("Ana <3", None)
    address = changed["address"]
    assert (address["line1"], address["city"], address["country"]) == ("Rua A, 1", None, "BR")
    assert "Ana <3 ana@example.com Rua A, 1 BR" in browser.get(path).text
    page = browser.get(f"{path}/details")
    browser.submit(page, "Save details", address_line1="", address_country=" ")
    assert saved(simulator, customer)["address"] is None


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    browser: Browser, simulator: Simulator
) -> None:
    customer, path = changing(simulator, ALL)
    page = browser.get(f"{path}/details")
    page = browser.submit(page, "Save details", name="Ana", email="nobody")
    assert (page.status, "Invalid email address" in page.text) == (400, True)
    assert form_with(page, "Save details").fields["name"] == "Ana"
    assert saved(simulator, customer)["name"] is None


def test_only_what_may_be_changed_is_asked_for(browser: Browser, simulator: Simulator) -> None:
    customer, path = changing(simulator, ["name"])
    page = browser.get(f"{path}/details")
    assert list(form_with(page, "Save details").fields) == ["name"]
    page = browser.post(f"{path}/details", {"email": "eve@example.com"})
    assert (page.status, "cannot be changed" in page.text) == (400, True)
    assert saved(simulator, customer)["email"] == "ana@example.com"


def test_no_details_where_they_are_not_changed(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers")["id"]
    path = portal_path(simulator, customer)
    assert "Your details" not in browser.get(path).text
    assert browser.get(f"{path}/details").status == 404


def test_nothing_is_known_at_first(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers")["id"]
    update = {"enabled": True, "allowed_updates": ALL}
    path = portal_with(simulator, customer, customer_update=update)
    assert "Nothing is known yet." in browser.get(path).text


def test_a_flow_to_the_details(browser: Browser, simulator: Simulator) -> None:
    customer, _path = changing(simulator, ["email"])
    made = simulator.list_objects("billing_portal.configuration")[0]["id"]
    after = {"type": "hosted_confirmation"}
    flow = {"type": "customer_update", "after_completion": after}
    path = portal_path(simulator, customer, configuration=made, flow_data=flow)
    answer = browser.submit(browser.get(path), "Save details", email="new@example.com")
    assert (answer.status, answer.location) == (303, path)
    assert "Your changes have been saved." in browser.get(path).text
    assert browser.get(f"{path}/details").location == path
    assert saved(simulator, customer)["email"] == "new@example.com"
