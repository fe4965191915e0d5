"""The trial that begins with the subscriber, without Stripe: `TRIAL_STARTS = "signup"`."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from caixa_subscriptions.access import get_access, get_access_of_many, with_access
from caixa_subscriptions.access.facts import facts_of_many
from caixa_subscriptions.exceptions import NotTrialing, TrialEndRefused
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.services.moving import merge_subscribers
from caixa_subscriptions.services.signup_trials import (
    end_signup_trial,
    extend_signup_trial,
    start_trial,
)
from caixa_subscriptions.services.trials import is_trial_eligible
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance
from tests.factories import NOW, CustomerFactory, SubscriptionFactory, UserFactory, in_days
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
LIST = "/admin/caixa_subscriptions/trialusagetracking/"


@pytest.fixture
def at_signup(caixa: Any) -> None:
    caixa(TRIAL_STARTS="signup")


@pytest.fixture
def clock(caixa: Any) -> Any:
    """`clock(when)`: what time it is from now on."""

    def at(moment: dt.datetime) -> None:
        moments["now"] = moment
        caixa(CLOCK="tests.access.test_signup_trials.moment")

    at(NOW)
    return at


moments: dict[str, dt.datetime] = {}


def moment() -> dt.datetime:
    return moments["now"]


@pytest.mark.usefixtures("at_signup")
def test_of_many_only_those_and_the_mode_asked_about_are_read(clock: Any, settings: Any) -> None:
    user, other = UserFactory.create_batch(2)
    settings.STRIPE_LIVE_MODE = True
    start_trial(subscriber=user)
    settings.STRIPE_LIVE_MODE = False
    live = CustomerFactory(subscriber=user, livemode=True)
    for one, livemode in ((user, False), (user, True), (other, False)):
        customer = live if livemode else CustomerFactory(subscriber=one)
        SubscriptionFactory(customer=customer, livemode=livemode)
    found = facts_of_many([user.pk], livemode=False)
    assert set(found) == {user.pk}
    assert sorted((fact.is_from_signup, fact.livemode) for fact in found[user.pk]) == [
        (False, False),
        (True, False),
    ]


@pytest.mark.usefixtures("at_signup")
def test_who_signs_up_has_access_for_seven_days(clock: Any) -> None:
    user = UserFactory()
    access = get_access(user)
    assert (access.allowed, access.status, access.is_trialing) == (True, "trialing", True)
    assert access.rule == "signup_trial"
    assert access.trial_end == access.access_until == access.changes_at == NOW + 7 * DAY
    assert access.subscription_id is None
    assert "trial ends on" in access.reason
    usage = TrialUsageTracking.objects.get()
    assert (usage.has_used_trial, usage.trial_used_at) == (True, NOW)
    clock(NOW + 7 * DAY - SECOND)
    assert get_access(user).allowed
    clock(NOW + 7 * DAY)
    over = get_access(user)
    assert (over.allowed, over.code, over.rule) == (False, "trial_expired", "signup_trial_over")
    assert over.changes_at is None


def test_nobody_has_it_while_trials_begin_at_checkout(clock: Any, caixa: Any) -> None:
    user = UserFactory()
    assert not start_trial(subscriber=user)
    assert not TrialUsageTracking.objects.exists()
    assert get_access(user).code == "subscription_required"
    caixa(TRIAL_STARTS="signup")
    assert start_trial(subscriber=user)  # one from before
    assert get_access(user).allowed
    caixa(TRIAL_STARTS="checkout")
    assert not get_access(user).allowed
    assert not is_trial_eligible(subscriber=user)


@pytest.mark.usefixtures("at_signup")
def test_it_is_one_for_each_person(clock: Any) -> None:
    first = UserFactory(email="ana.silva@gmail.com")
    assert not start_trial(subscriber=first)
    clock(NOW + DAY)
    first.save()
    assert TrialUsageTracking.objects.get().trial_end == NOW + 7 * DAY
    first.delete()
    again = UserFactory(email="anasilva+2@gmail.com")
    assert not get_access(again).allowed
    assert not is_trial_eligible(subscriber=again)
    assert TrialUsageTracking.objects.filter(trial_end__isnull=False).count() == 1


@pytest.mark.usefixtures("at_signup")
def test_no_trial_when_there_is_none_to_be_had(caixa: Any) -> None:
    caixa(TRIAL_DAYS=0)
    assert not get_access(UserFactory()).allowed
    assert not TrialUsageTracking.objects.exists()


@pytest.mark.usefixtures("at_signup")
def test_fixtures_that_are_loaded_sign_nobody_up(tmp_path: Any) -> None:
    user = get_user_model()._meta.label_lower
    row = {"model": user, "pk": 77, "fields": {"email": "loaded@example.com", "password": "x"}}
    path = tmp_path / "users.json"
    path.write_text(json.dumps([row]))
    call_command("loaddata", path, stdout=StringIO())
    assert get_user_model()._default_manager.filter(pk=77).exists()
    assert not TrialUsageTracking.objects.exists()


@pytest.mark.usefixtures("at_signup")
def test_the_other_modes_trial_does_not_count(clock: Any, settings: Any) -> None:
    user = UserFactory()
    settings.STRIPE_LIVE_MODE = True
    assert not get_access(user).allowed
    assert start_trial(subscriber=user)
    assert get_access(user).allowed


STATES = {
    "none": None,
    "active": {"status": "active"},
    "ends sooner": {"status": "active", "cancel_at": in_days(2)},
    "canceled": {"status": "canceled", "ended_at": in_days(-1)},
    "unpaid": {"status": "unpaid"},
}


@pytest.mark.usefixtures("at_signup")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("left", [-1, 0, 1, 3 * 86_400], ids=lambda left: f"{left}s left")
def test_one_at_a_time_many_and_the_twin_in_sql_agree(
    clock: Any, state: str, left: int, django_assert_num_queries: Any
) -> None:
    clock(NOW + dt.timedelta(seconds=left) - 7 * DAY)
    user = UserFactory()
    clock(NOW)
    if STATES[state] is not None:
        SubscriptionFactory(customer__subscriber=user, payload=STATES[state])
    subscribed = state in ("active", "ends sooner")
    with django_assert_num_queries(1):
        access = get_access(user)
    assert access.allowed == (left > 0 or subscribed)
    with django_assert_num_queries(1):
        assert get_access_of_many([user]) == {user.pk: access}
    users = get_user_model()._default_manager.filter(pk=user.pk)
    assert with_access(users).get().has_access == access.allowed
    if state == "active":
        assert access.rule == "active"  # it lasts longer
    if left == 3 * 86_400 and state != "active":
        assert access.rule == "signup_trial"


@pytest.mark.usefixtures("at_signup")
@pytest.mark.parametrize("second", [-1, 0, 1])
@pytest.mark.parametrize("fraction", [0, 1, 500_000, 999_999])
@pytest.mark.parametrize("at", [0, 1, 499_999, 500_001, 999_999])
def test_they_agree_on_an_end_within_a_second(
    clock: Any, second: int, fraction: int, at: int
) -> None:
    user = UserFactory()
    end = NOW + dt.timedelta(seconds=second, microseconds=fraction)
    TrialUsageTracking.objects.filter(subscriber=user).update(trial_end=end)
    clock(NOW + dt.timedelta(microseconds=at))
    users = get_user_model()._default_manager.filter(pk=user.pk)
    assert get_access(user).allowed is with_access(users).get().has_access is (second == 1)


@pytest.mark.usefixtures("at_signup")
@pytest.mark.parametrize(
    ("now", "fold", "end", "allowed"),
    [("01:30:00", 1, "06:00:00", False), ("01:59:59", 0, "06:30:00", True)],
)
def test_they_agree_while_a_local_clock_is_put_back(
    clock: Any, now: str, fold: int, end: str, allowed: bool
) -> None:
    user = UserFactory()
    trial_end = dt.datetime.fromisoformat(f"2026-11-01 {end}+00:00")
    TrialUsageTracking.objects.filter(subscriber=user).update(trial_end=trial_end)
    local = dt.datetime.fromisoformat(f"2026-11-01 {now}")
    clock(local.replace(tzinfo=ZoneInfo("America/New_York"), fold=fold))
    users = get_user_model()._default_manager.filter(pk=user.pk)
    assert get_access(user).allowed is with_access(users).get().has_access is allowed


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("at_signup")
def test_a_cached_yes_ends_with_it_and_every_change_is_seen(
    clock: Any, memory_cache: Any, django_assert_num_queries: Any
) -> None:
    user = UserFactory()
    assert get_access(user).allowed
    with django_assert_num_queries(0):
        assert get_access(user).allowed
    clock(NOW + 7 * DAY)
    with django_assert_num_queries(0):
        assert not get_access(user).allowed
    clock(NOW)
    extend_signup_trial(subscriber=user, by=2 * DAY)
    clock(NOW + 8 * DAY)
    assert get_access(user).allowed
    end_signup_trial(subscriber=user)
    assert not get_access(user).allowed
    TrialUsageTracking.objects.get().delete()
    assert get_access(user).code == "subscription_required"


def test_while_trials_begin_at_checkout_their_records_drop_nothing(
    clock: Any, request: pytest.FixtureRequest, django_assert_num_queries: Any
) -> None:
    user = SubscriptionFactory().customer.subscriber
    request.getfixturevalue("memory_cache")
    assert get_access(user).allowed
    TrialUsageTracking.objects.create(subscriber=user, livemode=False, has_used_trial=True)
    with django_assert_num_queries(0):
        assert get_access(user).allowed


@pytest.mark.usefixtures("at_signup")
def test_its_plan_is_a_setting(clock: Any, caixa: Any) -> None:
    user = UserFactory()
    assert get_access(user).plans == frozenset()
    plans = {"pro": {"features": ["reports"], "limits": {"seats": 3}}, "free": {}}
    caixa(PLANS=plans, TRIAL_PLAN="pro")
    access = get_access(user)
    assert access.plans == {"pro"}
    assert access.has_feature("reports")
    assert access.limit("seats") == 3
    caixa(TRIAL_PLAN="free")
    assert get_access(user).plans == {"free"}
    clock(NOW + 8 * DAY)
    assert get_access(user).plans == frozenset()


@pytest.mark.usefixtures("at_signup")
def test_extending_and_ending(clock: Any) -> None:
    user = UserFactory()
    assert extend_signup_trial(subscriber=user, by=DAY) == NOW + 8 * DAY
    for by in (dt.timedelta(0), -DAY, 723 * DAY, dt.timedelta.max):
        with pytest.raises(TrialEndRefused):
            extend_signup_trial(subscriber=user, by=by)
    assert get_access(user).trial_end == NOW + 8 * DAY
    end_signup_trial(subscriber=user)
    assert get_access(user).code == "trial_expired"
    with pytest.raises(NotTrialing):
        end_signup_trial(subscriber=user)
    with pytest.raises(NotTrialing):
        extend_signup_trial(subscriber=user, by=DAY)


@pytest.mark.usefixtures("at_signup")
def test_the_admin_extends_and_ends_it(clock: Any, client: Client) -> None:
    user = UserFactory()
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_trialusagetracking", "change_trialusagetracking"]
        )
    )
    client.force_login(staff)
    usage = TrialUsageTracking.objects.get(subscriber=user)
    for action, end in (("extend_trials", NOW + 14 * DAY), ("end_trials", NOW)):
        page = client.post(LIST, {"action": action, "_selected_action": [usage.pk]}, follow=True)
        assert "1 trial was changed" in page.content.decode()
        usage.refresh_from_db()
        assert usage.trial_end == end
    page = client.post(LIST, {"action": "end_trials", "_selected_action": [usage.pk]}, follow=True)
    assert str(NotTrialing.message) in page.content.decode()


@pytest.mark.usefixtures("at_signup")
def test_status_and_the_402_tell_of_it(clock: Any) -> None:
    user = UserFactory()
    api = APIClient()
    api.force_authenticate(user)
    told = api.get("/api/subscriptions/status/").json()
    assert (told["has_active_subscription"], told["status"]) == (True, "trialing")
    assert (told["is_trialing"], told["trial_eligible"], told["price"]) == (True, False, None)
    assert told["trial_end"] == told["access_until"] == "2026-06-22T12:00:00Z"


@pytest.mark.usefixtures("at_signup")
def test_it_is_explained(clock: Any, client: Client) -> None:
    user = UserFactory()
    SubscriptionFactory(customer__subscriber=user, payload={"status": "canceled"})
    out = StringIO()
    call_command("explain_access", str(user.pk), stdout=out)
    assert "Trial from sign-up (answers): access" in out.getvalue()
    assert "The trial that began at sign-up is over." in out.getvalue()  # by itself, then
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(f"{LIST}explain-access/", {"subscriber": user.pk}).content.decode()
    assert "Trial from sign-up" in page
    assert "It is on the trial that began at sign-up." in page


@pytest.mark.usefixtures("at_signup")
def test_what_is_left_of_it_goes_to_the_subscription(shop: Simulator) -> None:
    user = UserFactory()
    end = TrialUsageTracking.objects.get().trial_end
    assert end
    session = check_out(user)
    assert session.trial_days == 7
    assert check_out(user) == session
    shop.complete_checkout(session.session_id)
    shop.deliver_pending()
    (subscription,) = shop.list_objects("subscription")
    assert subscription["status"] == "trialing"
    assert subscription["trial_end"] == int(end.timestamp())
    usage = TrialUsageTracking.objects.get()
    assert usage.subscription_id == subscription["id"]
    assert get_access(user).subscription_id == subscription["id"]
    advance(shop, days=8)
    shop.deliver_pending()
    assert shop.list_objects("subscription")[0]["status"] == "active"


@pytest.mark.usefixtures("at_signup")
def test_less_than_stripe_takes_is_charged_at_once(shop: Simulator) -> None:
    user = UserFactory()
    usage = TrialUsageTracking.objects.get()
    usage.trial_end = timezone.now() + dt.timedelta(hours=47)
    usage.save()
    session = check_out(user)
    assert session.trial_days == 0
    shop.complete_checkout(session.session_id)
    shop.deliver_pending()
    assert shop.list_objects("subscription")[0]["status"] == "active"
    assert get_access(user).rule == "active"


@pytest.mark.usefixtures("at_signup")
def test_who_is_merged_keeps_the_longer_one(clock: Any) -> None:
    source, target = UserFactory(), UserFactory()
    extend_signup_trial(subscriber=source, by=DAY)
    merge_subscribers(source=source, target=target)
    assert get_access(target).trial_end == NOW + 8 * DAY
    assert not get_access(source).allowed
