"""Features of products, and who may use them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    Calls,
    advance,
    bought,
    event_types,
    events,
    ids,
)

SUMMARY = "entitlements.active_entitlement_summary.updated"


def feature(call: Calls, key: str, **params: Any) -> dict[str, Any]:
    return call("POST", "/v1/entitlements/features", name=key.title(), lookup_key=key, **params)


def attach(call: Calls, product: str, one: dict[str, Any]) -> dict[str, Any]:
    return call("POST", f"/v1/products/{product}/features", entitlement_feature=one["id"])


def with_features(call: Calls, *keys: str) -> dict[str, Any]:
    """A price whose product has these features."""
    price = call.price()
    for key in keys:
        attach(call, price["product"], feature(call, key))
    return price


def keys(call: Calls, customer: str) -> list[str]:
    """What a customer is entitled to, oldest first."""
    path = "/v1/entitlements/active_entitlements"
    found = call("GET", path, customer=customer)["data"]
    return [one["lookup_key"] for one in found][::-1]


def test_a_feature(call: Calls) -> None:
    made = feature(call, "exports", metadata={"a": "b"})
    assert made == {
        "id": made["id"],
        "object": "entitlements.feature",
        "active": True,
        "livemode": False,
        "lookup_key": "exports",
        "metadata": {"a": "b"},
        "name": "Exports",
    }
    path = f"/v1/entitlements/features/{made['id']}"
    assert call("GET", path) == made
    changed = call("POST", path, name="Export", active=False, metadata="")
    assert (changed["name"], changed["active"], changed["metadata"]) == ("Export", False, {})


def test_lookup_keys_are_unique_and_short(call: Calls) -> None:
    feature(call, "exports")
    again = {"name": "Exports", "lookup_key": "exports"}
    path = "/v1/entitlements/features"
    assert call.error(400, "POST", path, **again)["code"] == "resource_already_exists"
    long = {"name": "Exports", "lookup_key": "x" * 81}
    assert call.error(400, "POST", path, **long)["param"] == "lookup_key"


def test_features_are_listed(call: Calls) -> None:
    first, second = feature(call, "a"), feature(call, "b")
    path = "/v1/entitlements/features"
    assert ids(call("GET", path)) == [second["id"], first["id"]]
    assert ids(call("GET", path, lookup_key="a")) == [first["id"]]
    call("POST", f"{path}/{first['id']}", active=False)
    assert ids(call("GET", path)) == [second["id"]]
    assert ids(call("GET", path, archived=True)) == [first["id"]]


def test_a_product_has_features(call: Calls) -> None:
    product, other = (call("POST", "/v1/products", name=name)["id"] for name in "ab")
    exports, archived = feature(call, "exports"), feature(call, "archived")
    link = attach(call, product, exports)
    assert link == {
        "id": link["id"],
        "object": "product_feature",
        "entitlement_feature": exports,
        "livemode": False,
    }
    path = f"/v1/products/{product}/features"
    assert call("GET", path)["data"] == [link]
    assert call("GET", f"{path}/{link['id']}") == link
    call("POST", f"/v1/entitlements/features/{archived['id']}", active=False)
    for wrong in (exports["id"], archived["id"], "feat_x"):
        error = call.error(400, "POST", path, entitlement_feature=wrong)
        assert error["param"] == "entitlement_feature"
    call.error(404, "GET", f"/v1/products/{other}/features/{link['id']}")
    call("POST", f"/v1/entitlements/features/{exports['id']}", name="Export")
    assert call("GET", path)["data"][0]["entitlement_feature"]["name"] == "Export"
    gone = call("DELETE", f"{path}/{link['id']}")
    assert gone == {"id": link["id"], "object": "product_feature", "deleted": True}
    assert call("GET", path)["data"] == []


def test_a_subscription_entitles_until_it_ends(call: Calls) -> None:
    price = with_features(call, "exports", "seats")
    subscription = bought(call, subscription_data={"trial_period_days": 7})  # of another product
    assert keys(call, subscription["customer"]) == []
    made = call.subscribe(call.customer(GOOD), price)
    customer = made["customer"]
    assert keys(call, customer) == ["exports", "seats"]
    assert event_types(call.simulator)[-1] == SUMMARY
    (event,) = events(call.simulator, SUMMARY)
    summary = event["data"]["object"]
    path = "/v1/entitlements/active_entitlements"
    assert (summary["customer"], summary["object"]) == (customer, SUMMARY.removesuffix(".updated"))
    assert summary["entitlements"]["data"] == call("GET", path, customer=customer)["data"]
    assert event["data"]["previous_attributes"]["entitlements"]["data"] == []
    (one, _other) = summary["entitlements"]["data"]
    assert call("GET", f"{path}/{one['id']}") == one
    shown = call("GET", path, customer=customer, expand=["data.feature"])
    assert shown["data"][0]["feature"]["lookup_key"] == "seats"
    call("DELETE", f"/v1/subscriptions/{made['id']}")
    assert keys(call, customer) == []
    assert event_types(call.simulator)[-2:] == ["customer.subscription.deleted", SUMMARY]
    assert (
        call.get(events(call.simulator, SUMMARY)[-1]["id"])["data"]["object"]["entitlements"][
            "data"
        ]
        == []
    )


def test_a_trial_entitles_and_a_renewal_tells_nothing_new(call: Calls) -> None:
    price = with_features(call, "exports")
    done = call.simulator.complete_checkout(
        call.session(price, subscription_data={"trial_period_days": 7})["id"]
    )
    assert keys(call, done["customer"]) == ["exports"]
    advance(call.simulator, days=40)
    assert len(events(call.simulator, SUMMARY)) == 1


def test_a_new_feature_comes_with_the_next_period(call: Calls) -> None:
    price = with_features(call, "exports")
    customer = call.subscribe(call.customer(GOOD), price)["customer"]
    attach(call, price["product"], feature(call, "seats"))
    call("POST", f"/v1/customers/{customer}", name="Ana")
    (subscription,) = call("GET", "/v1/subscriptions", customer=customer)["data"]
    call("POST", f"/v1/subscriptions/{subscription['id']}", description="x")
    assert keys(call, customer) == ["exports"]
    advance(call.simulator, days=32)
    assert keys(call, customer) == ["exports", "seats"]


def test_what_another_subscription_entitles_to_stays(call: Calls) -> None:
    exports, seats = feature(call, "exports"), feature(call, "seats")
    price, other = call.price(), call.price()
    attach(call, price["product"], exports)
    attach(call, other["product"], exports)
    attach(call, other["product"], seats)
    customer = call.customer(GOOD)
    call.subscribe(customer, price)
    second = call.subscribe(customer, other)
    assert keys(call, customer["id"]) == ["exports", "seats"]
    call("DELETE", f"/v1/subscriptions/{second['id']}")
    assert keys(call, customer["id"]) == ["exports"]


def test_an_incomplete_subscription_entitles_to_nothing(call: Calls) -> None:
    price = with_features(call, "exports")
    made = call.subscribe(call.customer(FAILS_LATER), price)
    assert made["status"] == "incomplete"
    assert keys(call, made["customer"]) == []


@pytest.mark.parametrize("keeps", [True, False])
def test_past_due_is_an_option(call: Calls, keeps: bool) -> None:
    call.simulator.set_option("entitled_while_past_due", keeps)
    price = with_features(call, "exports")
    customer = call.customer(FAILS_LATER)
    made = call.subscribe(customer, price, trial_period_days=1)
    advance(call.simulator, days=1, hours=1)
    assert call.get(made["id"])["status"] == "past_due"
    assert keys(call, customer["id"]) == (["exports"] if keeps else [])


def test_a_deleted_customer_is_entitled_to_nothing(call: Calls) -> None:
    customer = call.subscribe(call.customer(GOOD), with_features(call, "exports"))["customer"]
    call("DELETE", f"/v1/customers/{customer}")
    assert keys(call, customer) == []
    path = "/v1/entitlements/active_entitlements"
    assert call.error(400, "GET", path, customer="cus_x")["param"] == "customer"


def test_a_summary_shows_ten_and_says_where_there_are_more(call: Calls) -> None:
    price = with_features(call, *(f"f{n}" for n in range(12)))
    customer = call.subscribe(call.customer(GOOD), price)["customer"]
    (event,) = events(call.simulator, SUMMARY)
    shown = event["data"]["object"]["entitlements"]
    assert (len(shown["data"]), shown["has_more"]) == (10, True)
    assert shown["url"] == f"/v1/entitlements/active_entitlements?customer={customer}"


def test_tax_rates(call: Calls) -> None:
    path = "/v1/tax_rates"
    given = {"display_name": "VAT", "percentage": 19.5, "inclusive": False}
    made = call("POST", path, country="DE", tax_type="vat", metadata={"a": "b"}, **given)
    assert {key: made[key] for key in given} == given
    assert (made["active"], made["country"], made["tax_type"]) == (True, "DE", "vat")
    assert call("GET", f"{path}/{made['id']}") == made
    advance(call.simulator, seconds=DAY)
    other = call("POST", path, **given | {"inclusive": True})
    changed = call("POST", f"{path}/{made['id']}", active=False, description="Old")
    assert (changed["active"], changed["description"]) == (False, "Old")
    told = event_types(call.simulator)
    assert (told.count("tax_rate.created"), told.count("tax_rate.updated")) == (2, 1)
    assert ids(call("GET", path)) == [other["id"], made["id"]]
    assert ids(call("GET", path, active=True)) == ids(call("GET", path, inclusive=True))
    assert ids(call("GET", path, created={"gt": made["created"]})) == [other["id"]]
    assert call.error(400, "POST", path, **given | {"percentage": 101})["param"] == "percentage"
