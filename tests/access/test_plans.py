"""What prices and entitlements give, and how an answer is asked for it."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pytest
from django.utils import translation

from caixa_subscriptions.access import get_access, get_policy
from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.access.decision import Policy, decide, exempt
from caixa_subscriptions.access.plans import Catalogue, Plan, catalogue
from caixa_subscriptions.shapes import ItemFacts, SubscriptionFacts
from tests.factories import NOW, SubscriptionFactory, in_days, subscription_payload

PLANS: dict[str, Any] = {
    "pro": {
        "features": ["reports", "export"],
        "limits": {"seats": 5, "projects": None, "trials": 0},
        "products": ["prod_old", "prod_older"],
    },
    "team": {"features": ["export", "api"], "limits": {"seats": 3, "projects": 7}},
    "bare": {},
}
PRICES: dict[str, dict[str, str]] = {
    "monthly": {"lookup_key": "pro_monthly", "plan": "pro"},
    "pinned": {"price_id": "price_pinned", "lookup_key": "pinned", "plan": "team"},
    "bare": {"lookup_key": "bare_monthly", "plan": "bare"},
    "plain": {"lookup_key": "plain_monthly"},
    "astray": {"lookup_key": "astray_monthly", "plan": "unknown"},
}
ITEM = ItemFacts


def made() -> Catalogue:
    """Made anew, whatever was made of the same settings before."""
    return catalogue(dict(PRICES), dict(PLANS))


def names_of(*items: ItemFacts) -> list[str]:
    return [plan.name for plan in made().plans_of(items)]


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (ITEM("price_1", "pro_monthly"), ["pro"]),
        (ITEM("price_pinned"), ["team"]),
        (ITEM("price_1", "pinned"), []),  # a price that is named by its id is found by it only
        (ITEM("price_1", None, "prod_old"), ["pro"]),
        (ITEM("price_1", "plain_monthly", "prod_older"), ["pro"]),
        (ITEM("price_pinned", "pro_monthly", "prod_old"), ["team"]),
        (ITEM("price_1", "bare_monthly", "prod_old"), ["bare"]),
        (ITEM("price_1", "astray_monthly", "prod_unknown"), []),
        (ITEM("price_1", "plain_monthly"), []),
        (ITEM(None, None, None), []),
    ],
)
def test_a_plan_is_found_by_price_lookup_key_or_product(item: ItemFacts, names: list[str]) -> None:
    assert names_of(item) == names


def test_two_items_of_a_plan_give_it_once() -> None:
    monthly, pinned = ITEM("price_1", "pro_monthly"), ITEM("price_pinned")
    assert names_of(monthly, ITEM(None), pinned, monthly) == ["pro", "team"]


def test_what_a_plan_gives() -> None:
    by_key = made().by_key
    assert by_key["pro_monthly"] == Plan(
        "pro",
        frozenset({"reports", "export"}),
        {"seats": 5, "projects": math.inf, "trials": 0},
    )
    assert by_key["bare_monthly"] == Plan("bare", frozenset(), {})
    assert set(by_key) == {
        "pro_monthly", "price_pinned", "bare_monthly", "prod_old", "prod_older",
    }  # fmt: skip


def test_a_catalogue_has_plans_of_products_without_any_price() -> None:
    assert catalogue({}, PLANS).by_key.keys() == {"prod_old", "prod_older"}
    assert catalogue({}, {}).by_key == {}
    assert catalogue(PRICES, {}).by_key == {}


def test_the_policy_is_made_once_until_a_setting_changes(settings: Any) -> None:
    first = get_policy()
    assert get_policy() is first
    settings.CAIXA_SUBSCRIPTIONS = {"PAST_DUE_DAYS": first.past_due_days + 1}
    assert get_policy().past_due_days == first.past_due_days + 1


def facts(*lookup_keys: str, entitlements: tuple[str, ...] = (), **payload: Any) -> Any:
    values = subscription_payload(**payload)
    values["items"]["data"] = [
        {"price": {"id": "price_1", "lookup_key": key}} for key in lookup_keys
    ]
    return SubscriptionFacts.from_stripe(values, livemode=False, entitlements=entitlements)


def decided(*subscriptions: Any) -> Access:
    policy = Policy(past_due_days=7, catalogue=made())
    return decide(subscriptions, policy=policy, now=NOW, livemode=False)


def test_one_plan() -> None:
    access = decided(facts("pro_monthly"))
    assert access.plans == {"pro"}
    assert access.features == {"reports", "export"}
    assert access.limit("seats") == 5
    assert access.limit("projects") == math.inf
    assert access.limit("trials") == 0
    assert access.limit("anything") == 0


def test_several_plans_add_up_and_the_highest_limit_counts() -> None:
    both = facts("pro_monthly"), facts("bare_monthly"), facts(entitlements=("sso",))
    pinned = SubscriptionFacts.from_stripe(
        subscription_payload(price="price_pinned"), livemode=False
    )
    for subscriptions in ((*both, pinned), (pinned, *reversed(both))):
        access = decided(*subscriptions)
        assert access.plans == {"pro", "team", "bare"}
        assert access.features == {"reports", "export", "api", "sso"}
        assert [access.limit(name) for name in ("seats", "projects")] == [5, math.inf]


def test_who_is_refused_has_none() -> None:
    access = decided(facts("pro_monthly", entitlements=("sso",), status="unpaid"))
    assert (access.plans, access.features, access.limits) == (frozenset(), frozenset(), {})
    assert not access.has_feature("sso")
    assert access.limit("seats") == 0


def test_only_what_allows_gives_features() -> None:
    access = decided(facts("bare_monthly"), facts("pro_monthly", status="canceled"))
    assert access.plans == {"bare"}
    assert not access.has_feature("reports")


def test_entitlements_are_features_without_any_plan() -> None:
    access = decided(facts(entitlements=("sso",)))
    assert access.has_feature("sso")
    assert not access.has_feature("reports")
    assert access.plans == frozenset()


def test_requiring() -> None:
    access = decided(facts("pro_monthly"))
    assert access.requiring() is access
    assert access.requiring(features=["reports", "export"], plans=["team", "pro"]) is access
    refused = access.requiring(features=["reports", "api"])
    assert (refused.allowed, refused.code, refused.rule) == (
        False, "feature_required", "feature_required",
    )  # fmt: skip
    refused = access.requiring(plans=["team"], features=["api"])
    assert (refused.allowed, refused.code, refused.rule) == (
        False,
        "plan_required",
        "plan_required",
    )
    assert refused.plans == {"pro"}
    assert refused.reason == "Your plan does not include this."


def test_requiring_leaves_a_refusal_its_own_reason() -> None:
    access = decided(facts("pro_monthly", status="unpaid"))
    assert access.requiring(features=["api"], plans=["team"]) is access


def test_exempt_staff_have_everything() -> None:
    refused = decided(facts("pro_monthly", status="past_due", cancel_at=in_days(2)))
    assert not refused.allowed
    access = exempt(refused)
    assert access.allowed
    assert (access.code, access.rule, access.is_exempt) == (None, "staff_exempt", True)
    assert access.has_feature("anything")
    assert access.limit("seats") == math.inf
    assert access.requiring(features=["anything"], plans=["any"]) is access
    assert exempt(decided(facts("pro_monthly", cancel_at=in_days(2)))).changes_at is None


def test_an_answer_of_nobody_says_nothing() -> None:
    access = decided()
    assert access == Access(allowed=False, code="subscription_required", livemode=False)
    assert (access.rule, access.status) == ("no_subscription", "none")
    assert not access.is_exempt
    assert not access.cancel_at_period_end
    assert exempt(access).reason == "You do not need a subscription."


def test_what_an_answer_is_not_told_it_does_not_say() -> None:
    access = Access(allowed=False, code="subscription_required", livemode=False)
    assert asdict(access) == {
        "allowed": False,
        "code": "subscription_required",
        "livemode": False,
        "rule": "no_subscription",
        "status": "none",
        "is_trialing": False,
        "trial_end": None,
        "current_period_end": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "access_until": None,
        "past_due_until": None,
        "changes_at": None,
        "price_id": None,
        "product_id": None,
        "subscription_id": None,
        "plans": frozenset(),
        "features": frozenset(),
        "limits": {},
        "is_exempt": False,
    }


def test_the_price_and_product_are_of_the_first_item() -> None:
    items = [
        {"price": {"id": "price_a", "product": "prod_a"}},
        {"price": {"id": "price_b", "product": "prod_b"}},
    ]
    payload = subscription_payload() | {"items": {"data": items}}
    access = decided(SubscriptionFacts.from_stripe(payload, livemode=False))
    assert (access.price_id, access.product_id) == ("price_a", "prod_a")
    access = decided(facts())
    assert (access.price_id, access.product_id) == (None, None)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("subscription_required", "You do not have a subscription yet."),
        ("trial_expired", "Your free trial is over."),
        ("payment_past_due", "Your last payment failed. Please update your payment method."),
        ("payment_incomplete", "Your first payment was not completed."),
        ("subscription_paused", "Your subscription is paused. Add a payment method to go on."),
        ("subscription_canceled", "Your subscription was canceled."),
        ("subscription_unpaid", "Your subscription has unpaid invoices."),
        ("subscription_expired", "Your subscription is over, and no renewal was confirmed."),
        ("plan_required", "Your plan does not include this."),
        ("feature_required", "Your plan does not include this."),
    ],
)
def test_each_refusal_has_its_sentence_and_a_translation(code: str, sentence: str) -> None:
    access = Access(allowed=False, code=code, livemode=False)
    assert access.reason == sentence
    with translation.override("pt-br"):
        assert access.reason != sentence


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"status": "active"}, "Your subscription is active."),
        ({"status": "trialing"}, "Your subscription is active."),
        ({"status": "active", "trial_end": NOW}, "Your subscription is active."),
        ({"status": "incomplete"}, "Your first payment is still to be completed."),
        ({"status": "none"}, "You do not need a subscription."),
        (
            {"status": "trialing", "is_trialing": True, "trial_end": in_days(2)},
            "Your free trial ends on June 17, 2026.",
        ),
        (
            {"is_trialing": True, "trial_end": in_days(2), "cancel_at": in_days(1)},
            "Your subscription ends on June 16, 2026.",
        ),
        (
            {"status": "past_due", "past_due_until": in_days(3)},
            "Your last payment failed. You have access until June 18, 2026.",
        ),
    ],
)
def test_who_is_let_in_is_told_what_is_next(values: dict[str, Any], sentence: str) -> None:
    access = Access(allowed=True, code=None, livemode=False, **values)
    assert access.reason == sentence
    with translation.override("pt-br"):
        assert access.reason != sentence


def test_dates_are_told_in_the_local_zone(settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"  # 14 hours ahead: tomorrow already
    access = Access(allowed=True, code=None, livemode=False, cancel_at=NOW)
    assert access.reason == "Your subscription ends on June 16, 2026."


@pytest.mark.django_db
def test_plans_come_from_the_settings(user: Any, frozen: Any, caixa: Any) -> None:
    SubscriptionFactory(customer__subscriber=user, payload={"price": "price_pinned"})
    assert get_access(user).plans == frozenset()
    caixa(PRICES=PRICES, PLANS=PLANS)
    assert get_access(user).plans == {"team"}


def test_an_empty_catalogue_gives_nothing() -> None:
    assert Catalogue().plans_of([ITEM("price_1", "pro_monthly", "prod_old")]) == []
