"""More of a trial, or no more of it: at Stripe, in our books, and from the admin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from djstripe.models import Subscription

from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import NotTrialing, StripeUnavailable, TrialEndRefused
from caixa_subscriptions.services.trial_length import end_trial, extend_trial
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance
from tests.factories import UserFactory
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db

LIST = "/admin/caixa_subscriptions/trialusagetracking/"
WEEK = dt.timedelta(days=7)


@pytest.fixture
def trial(user: Any, shop: Simulator) -> str:
    """The id of a subscription on its first day of trial."""
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    return str(Subscription.objects.get().id)


def at_stripe(shop: Simulator, trial: str) -> dict[str, Any]:
    found = shop.get_object(trial)
    assert found is not None
    return found


def test_a_trial_is_extended(user: Any, shop: Simulator, trial: str) -> None:
    before = at_stripe(shop, trial)["trial_end"]
    subscription = extend_trial(subscription_id=trial, by=WEEK)
    assert at_stripe(shop, trial)["trial_end"] == before + WEEK.total_seconds()
    assert subscription.stripe_data["trial_end"] == before + WEEK.total_seconds()
    advance(shop, days=8)
    assert at_stripe(shop, trial)["status"] == "trialing"
    advance(shop, days=7)
    assert at_stripe(shop, trial)["status"] == "active"


@pytest.mark.parametrize("days", [0, -1, 724, 731, 10**6])
def test_by_too_little_or_too_much_is_refused(shop: Simulator, trial: str, days: int) -> None:
    before = at_stripe(shop, trial)
    with pytest.raises(TrialEndRefused):
        extend_trial(subscription_id=trial, by=dt.timedelta(days=days))
    assert at_stripe(shop, trial) == before


def test_a_trial_is_ended_and_charged(user: Any, shop: Simulator, trial: str) -> None:
    end_trial(subscription_id=trial)
    assert at_stripe(shop, trial)["status"] == "active"
    assert Subscription.objects.get().status == "active"
    assert get_access(user).status == "active"
    assert [one["amount_paid"] for one in shop.list_objects("invoice")].count(900) == 1


@pytest.mark.parametrize("change", [end_trial, lambda **kw: extend_trial(by=WEEK, **kw)])
def test_what_is_over_is_neither_extended_nor_ended(
    shop: Simulator, trial: str, change: Any
) -> None:
    end_trial(subscription_id=trial)
    before = at_stripe(shop, trial)
    with pytest.raises(NotTrialing):
        change(subscription_id=trial)
    assert at_stripe(shop, trial) == before


def test_stripe_down_changes_nothing(shop: Simulator, trial: str) -> None:
    before = at_stripe(shop, trial)
    shop.control.fail(503, times=None)
    with pytest.raises(StripeUnavailable):
        extend_trial(subscription_id=trial, by=WEEK)
    assert at_stripe(shop, trial) == before


# The admin


def act(client: Client, action: str, *rows: Any) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data, follow=True).content.decode()


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def test_the_admin_extends_and_ends(user: Any, shop: Simulator, trial: str, staff: Client) -> None:
    row = user.trial_usage.get()
    before = at_stripe(shop, trial)["trial_end"]
    assert "1 trial was changed." in act(staff, "extend_trials", row)
    assert at_stripe(shop, trial)["trial_end"] == before + WEEK.total_seconds()
    assert "1 trial was changed." in act(staff, "end_trials", row)
    assert at_stripe(shop, trial)["status"] == "active"
    page = act(staff, "end_trials", row)
    assert f"The subscription is not on trial. ({trial})" in page
    assert "0 trials were changed." in page


def test_who_may_only_look_is_offered_neither(
    user: Any, shop: Simulator, trial: str, client: Client
) -> None:
    looking = UserFactory(is_staff=True)
    looking.user_permissions.add(Permission.objects.get(codename="view_trialusagetracking"))
    client.force_login(looking)
    assert "extend_trials" not in client.get(LIST).content.decode()
    before = at_stripe(shop, trial)
    act(client, "end_trials", user.trial_usage.get())
    assert at_stripe(shop, trial) == before


def test_what_was_extended_unheard_of_is_not_extended_again(
    user: Any, shop: Simulator, trial: str
) -> None:
    before = at_stripe(shop, trial)["trial_end"]
    shop.control.drop("after", path=f"/v1/subscriptions/{trial}", method="POST", times=None)
    with pytest.raises(StripeUnavailable):
        extend_trial(subscription_id=trial, by=WEEK)
    shop.control.clear()
    extend_trial(subscription_id=trial, by=WEEK)
    assert at_stripe(shop, trial)["trial_end"] == before + WEEK.total_seconds()
    extend_trial(subscription_id=trial, by=WEEK)  # another one
    assert at_stripe(shop, trial)["trial_end"] == before + 2 * WEEK.total_seconds()
