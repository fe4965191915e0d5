"""Why somebody has access or not: `explain`, and the command that prints it."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError

from caixa_subscriptions.access import decision, get_access
from caixa_subscriptions.access.explanation import explain
from caixa_subscriptions.access.wording import because, in_words, what_would_change
from caixa_subscriptions.models import CustomerEntitlements
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory, in_days

pytestmark = pytest.mark.django_db


def rules() -> set[str]:
    """Every rule `decision` names."""
    given = {
        call.args[0].value
        for call in ast.walk(ast.parse(inspect.getsource(decision)))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Verdict"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }
    assert len(given) > 15
    return given | {"active", "trialing", "cancels_later", "no_subscription", "staff_exempt"}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_has_words_and_something_that_would_change_it(rule: str) -> None:
    assert because(rule).endswith(".")
    assert [in_words(change) for change in what_would_change(rule)]


def test_the_answer_is_the_gates_answer(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(customer__subscriber=user)
    assert explain(user).access == get_access(user)


def test_it_takes_two_queries(
    user: Any, frozen: dt.datetime, django_assert_num_queries: Any
) -> None:
    SubscriptionFactory.create_batch(3, customer=CustomerFactory(subscriber=user))
    with django_assert_num_queries(2):
        assert len(explain(user).subscriptions) == 3


def test_every_subscription_has_its_verdict_and_one_answers(user: Any, frozen: dt.datetime) -> None:
    customer = CustomerFactory(subscriber=user)
    SubscriptionFactory(id="sub_old", customer=customer, payload={"status": "canceled"})
    SubscriptionFactory(id="sub_new", customer=customer)
    found = {one.facts.id: (one.verdict.rule, one.answers) for one in explain(user).subscriptions}
    assert found == {"sub_old": ("canceled", False), "sub_new": ("active", True)}


def test_then_is_the_next_answer_that_time_brings(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(
        customer__subscriber=user,
        payload={"status": "past_due", "current_period_start": in_days(-3)},
    )
    explanation = explain(user)
    assert explanation.access.allowed
    assert explanation.then_at == in_days(4)
    assert explanation.then is not None
    assert (explanation.then.code, explanation.then.rule) == ("payment_past_due", "past_due_over")


def test_then_skips_what_nobody_notices(user: Any, frozen: dt.datetime) -> None:
    """One of two ends, and the other goes on: the first moment changes no gate's answer."""
    customer = CustomerFactory(subscriber=user)
    SubscriptionFactory(customer=customer, payload={"cancel_at": in_days(2)})
    SubscriptionFactory(customer=customer, payload={"cancel_at": in_days(9)})
    explanation = explain(user)
    assert explanation.then_at == in_days(9)
    assert explanation.then is not None
    assert not explanation.then.allowed


def test_a_feature_that_goes_with_one_of_two_is_a_change(
    user: Any, frozen: dt.datetime, caixa: Any
) -> None:
    caixa(
        PRICES={"pro": {"price_id": "price_pro", "plan": "pro"}},
        PLANS={"pro": {"features": ["reports"]}},
    )
    customer = CustomerFactory(subscriber=user)
    payload = {"cancel_at": in_days(2), "price": "price_pro"}
    SubscriptionFactory(customer=customer, payload=payload)
    SubscriptionFactory(customer=customer)
    explanation = explain(user)
    assert explanation.then_at == in_days(2)
    assert explanation.then is not None
    assert explanation.then.allowed
    assert (explanation.access.features, explanation.then.features) == ({"reports"}, frozenset())


@pytest.mark.parametrize("payload", [None, {"status": "canceled"}, {"current_period_end": None}])
def test_what_time_alone_does_not_change(
    user: Any, frozen: dt.datetime, payload: dict[str, Any] | None
) -> None:
    if payload is not None:
        SubscriptionFactory(customer__subscriber=user, payload=payload)
    explanation = explain(user)
    assert (explanation.then, explanation.then_at, explanation.then_because) == (None, None, "")


def test_a_refusal_names_what_any_subscription_waits_for(user: Any, frozen: dt.datetime) -> None:
    customer = CustomerFactory(subscriber=user)
    SubscriptionFactory(customer=customer, payload={"status": "canceled"})
    SubscriptionFactory(customer=customer, payload={"status": "paused"})
    assert explain(user).would_change == ["payment_method", "checkout"]


def test_staff_are_explained_as_the_setting_says(frozen: dt.datetime, caixa: Any) -> None:
    staff = UserFactory(is_staff=True)
    assert explain(staff).access.rule == "no_subscription"
    caixa(STAFF_EXEMPT=True)
    assert explain(staff).access.rule == "staff_exempt"
    assert explain(staff).access.allowed
    assert explain(UserFactory()).access.rule == "no_subscription"


def test_of_a_subscriber_that_cannot_be_staff_none_is_exempt(db: None, caixa: Any) -> None:
    caixa(STAFF_EXEMPT=True)
    assert explain(Group(pk=7)).access.rule == "no_subscription"


def test_what_the_admins_page_shows(user: Any, frozen: dt.datetime, caixa: Any) -> None:
    caixa(
        PRICES={"pro": {"price_id": "price_1", "plan": "pro"}, "base": {"lookup_key": "base"}},
        PLANS={
            "pro": {"features": ["reports", "export"]},
            "base": {"products": ["prod_base"], "features": ["alerts"]},
        },
    )
    end = int(in_days(5).timestamp())
    items = [
        {"price": {"id": "price_1"}, "current_period_end": end},
        {"price": {"id": "price_2", "lookup_key": "base", "product": "prod_base"}},
        {"price": {"object": "price"}},
    ]
    subscription = SubscriptionFactory(
        id="sub_7",
        customer__subscriber=user,
        stripe_data={"id": "sub_7", "status": "active", "items": {"data": items}},
    )
    CustomerEntitlements.objects.create(
        customer=subscription.customer, lookup_keys=["sso", "audit"]
    )
    explanation = explain(user)
    assert explanation.because == "It is active."
    assert explanation.then_because == (
        "Its period is over, and a renewal was not heard of in time."
    )
    assert explanation.plans == ["base", "pro"]
    assert explanation.features == ["alerts", "audit", "export", "reports", "sso"]
    (one,) = explanation.subscriptions
    assert one.shown_facts == [
        ("status", "active"),
        ("current_period_end", in_days(5)),
        ("items", "price_1, base, "),
        ("entitlements", "audit, sso"),
    ]


def test_json_tells_times_in_utc_wherever_the_site_is(
    user: Any, frozen: dt.datetime, settings: Any
) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"
    SubscriptionFactory(id="sub_7", customer__subscriber=user, payload={"cancel_at": in_days(5)})
    data = json.loads(run("sub_7", json=True))
    assert data["moment"] == "2026-06-15T12:00:00+00:00"
    assert data["answer"]["access_until"] == "2026-06-20T12:00:00+00:00"


def run(who: str, **options: Any) -> str:
    stdout = StringIO()
    call_command("explain_access", who, stdout=stdout, stderr=stdout, **options)
    return stdout.getvalue()


def test_the_command_prints_all_of_it(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(
        id="sub_7",
        customer__subscriber=user,
        payload={"status": "past_due", "current_period_start": in_days(-3)},
    )
    live = CustomerFactory(subscriber=user, livemode=True)
    SubscriptionFactory(id="sub_live", customer=live, livemode=True)
    output = run(user.email)
    assert output.startswith(
        f"accounts.user {user.pk}, test mode\n"
        "At 2026-06-15T12:00:00+00:00: access\n"
        "Rule: past_due. A payment failed, and the days of tolerance are running.\n"
        "access_until: 2026-06-19T12:00:00+00:00\n"
    )
    assert "What would change it: Payment of the open invoice." in output
    assert (
        "By itself it changes at 2026-06-19T12:00:00+00:00: no access (payment_past_due)" in output
    )
    assert "\nsub_7 (answers): access\n" in output
    assert "  status: past_due\n" in output
    assert output.endswith("\n1 of live mode do not count.\n")
    assert user.email not in output


def test_the_command_says_when_time_changes_nothing(user: Any) -> None:
    output = run(str(user.pk))
    assert "no access (subscription_required)" in output
    assert "What would change it: A new checkout." in output
    assert output.endswith("Time alone does not change it.\n")


def test_json_has_the_documented_keys(user: Any, frozen: dt.datetime, caixa: Any) -> None:
    caixa(
        PRICES={"pro": {"price_id": "price_1", "plan": "pro"}},
        PLANS={"pro": {"features": ["reports"], "limits": {"seats": 5, "projects": None}}},
    )
    SubscriptionFactory(id="sub_7", customer__subscriber=user, payload={"cancel_at": in_days(5)})
    data = json.loads(run("sub_7", json=True))
    assert list(data) == [
        "subscriber",
        "mode",
        "moment",
        "answer",
        "would_change",
        "then",
        "subscriptions",
        "subscriptions_of_other_mode",
        "policy",
    ]
    assert data["subscriber"] == {"model": "accounts.user", "pk": str(user.pk)}
    assert data["answer"] == {
        "allowed": True,
        "code": None,
        "rule": "cancels_later",
        "status": "active",
        "subscription_id": "sub_7",
        "access_until": "2026-06-20T12:00:00+00:00",
        "past_due_until": None,
        "plans": ["pro"],
        "features": ["reports"],
        "limits": {"seats": 5, "projects": None},
        "because": "It runs until the moment it was canceled for.",
    }
    assert data["would_change"] == ["resuming"]
    assert data["then"]["at"] == "2026-06-20T12:00:00+00:00"
    assert data["then"]["rule"] == "cancellation_reached"
    (one,) = data["subscriptions"]
    assert list(one) == ["facts", "verdict", "answers", "would_change"]
    assert one["facts"]["cancel_at"] == "2026-06-20T12:00:00+00:00"
    assert one["facts"]["items"][0]["price_id"] == "price_1"
    assert one["verdict"]["allowed"] is True
    assert one["verdict"]["because"] == data["answer"]["because"]
    assert data["policy"] == {
        "past_due_days": 7,
        "allow_incomplete": False,
        "staff_exempt": False,
    }
    assert user.email not in json.dumps(data)


def test_json_says_which_mode_it_is_about(user: Any, settings: Any) -> None:
    assert json.loads(run(str(user.pk), json=True))["mode"] == "test"
    settings.STRIPE_LIVE_MODE = True
    assert json.loads(run(str(user.pk), json=True))["mode"] == "live"


@pytest.mark.parametrize("name", ["pk", "email", "customer", "subscription"])
def test_whom_it_finds(user: Any, name: str) -> None:
    UserFactory()
    subscription = SubscriptionFactory(customer__subscriber=user)
    who = {
        "pk": str(user.pk),
        "email": user.email,
        "customer": subscription.customer.id,
        "subscription": subscription.id,
    }[name]
    assert run(who).startswith(f"accounts.user {user.pk},")


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("nobody@example.com", "There is no such subscriber"),
        ("0", "There is no such subscriber"),
        ("cus_none", "The database has nothing of this id"),
        ("sub_none", "The database has nothing of this id"),
        ("cus_alone", "linked to no subscriber; see fix_customer_links"),
        ("PK", "More than one subscriber is called that"),
    ],
)
def test_whom_it_does_not_find(user: Any, who: str, said: str) -> None:
    CustomerFactory(id="cus_alone", subscriber=None)
    if who == "PK":  # somebody whose name is another one's key
        who = str(user.pk)
        UserFactory(email=who)
    with pytest.raises(CommandError, match=said):
        run(who)


def test_nothing_is_logged(user: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "caixa_subscriptions"):
        run(user.email)
    assert caplog.records == []
