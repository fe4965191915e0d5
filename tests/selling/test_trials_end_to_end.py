"""Trials from Checkout to the webhook: signing up again, one card on many accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from djstripe.models import WebhookEventTrigger

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import Remedy, TrialUsageTracking
from caixa_subscriptions.services import remedies
from caixa_subscriptions.services.checkout import create_checkout_session
from caixa_subscriptions.services.customers import get_customer
from caixa_subscriptions.services.remedies import carry_out_remedies
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("stripe_prices")

FIRST = "ana.silva@gmail.com"
VARIANTS = [
    FIRST,
    "Ana.Silva@gmail.com",
    "ANA.SILVA@GMAIL.COM",
    "ana.silva@Gmail.Com",
    "anasilva@gmail.com",
    "a.nasilva@gmail.com",
    "a.n.a.s.i.l.v.a@gmail.com",
    "ana.silva+1@gmail.com",
    "ana.silva+shop@gmail.com",
    "anasilva+a+b@gmail.com",
    "ana.silva@googlemail.com",
    "anasilva@googlemail.com",
    "A.nasilva+x@GoogleMail.com",
    "\uff41na.silva@gmail.com",
    "ana.s\u0131lva@gmail.com",
    "ana.s\u0130lva@gmail.com",
    "ana\u200b.silva@gmail.com",
    "\U0001d41anasilva@gmail.com",
    "anasilva@\uff47mail.com",
    "ana.silva\uff0bx@gmail.com",
]
CARD, OTHER_CARD = "4242424242424242", "5555555555554444"


@pytest.fixture(autouse=True)
def second_trials_end(caixa: Any) -> None:
    caixa(SECOND_TRIAL="end_trial")


@pytest.fixture
def sell(
    complete_checkout: Callable[..., Any], deliver_webhooks: Callable[..., list[str]]
) -> Callable[..., int]:
    """Somebody subscribes; how many days of trial Checkout gave."""

    def subscribe(user: Any, card: str = CARD) -> int:
        session = create_checkout_session(
            subscriber=user,
            price="monthly",
            success_url="https://testserver/done/",
            cancel_url="https://testserver/",
        )
        complete_checkout(session.url, card=card)
        deliver_webhooks()
        deliver_webhooks()  # what our own answer made Stripe tell
        return session.trial_days

    return subscribe


@pytest.fixture
def alerts() -> Any:
    """What the public signal told, in order."""
    told: list[tuple[str, Any]] = []

    def listen(remedy: Remedy, policy: str, **kwargs: Any) -> None:
        told.append((remedy.subscription_id, policy))

    signals.remedy_applied.connect(listen)
    yield told
    signals.remedy_applied.disconnect(listen)


def on_trial(simulator: Simulator) -> list[str]:
    return [
        one["id"] for one in simulator.list_objects("subscription") if one["status"] == "trialing"
    ]


@pytest.mark.parametrize("card", [CARD, OTHER_CARD], ids=["same card", "other card"])
@pytest.mark.parametrize("delete", [True, False], ids=["deleted", "kept"])
@pytest.mark.parametrize("address", VARIANTS)
def test_signing_up_again_earns_no_second_trial(
    stripe_simulator: Simulator, sell: Callable[..., int], address: str, delete: bool, card: str
) -> None:
    user = UserFactory(email=FIRST)
    assert sell(user) == 7
    (first,) = on_trial(stripe_simulator)
    if delete:
        user.delete()
    elif get_user_model().objects.filter(email__iexact=address).exists():
        pytest.skip("the project itself has one account for this address")
    assert sell(UserFactory(email=address), card) == 0
    sold = stripe_simulator.list_objects("subscription")
    assert [one["id"] for one in sold if one["trial_end"]] == [first]
    assert len(sold) == 2


def test_other_providers_aliases_are_a_setting(sell: Callable[..., int], caixa: Any) -> None:
    assert sell(UserFactory(email="ana-1@yahoo.com")) == 7
    assert sell(UserFactory(email="ana-2@yahoo.com"), OTHER_CARD) == 7
    caixa(TRIAL_EMAIL_RULES=["case", "yahoo_minus"])
    assert sell(UserFactory(email="bia-1@yahoo.com"), "378282246310005") == 7
    assert sell(UserFactory(email="bia-2@yahoo.com"), "6011111111111117") == 0


def test_one_card_on_ten_accounts_is_one_trial(
    stripe_simulator: Simulator, sell: Callable[..., int], alerts: list[Any]
) -> None:
    for _ in range(10):
        assert sell(UserFactory()) == 7  # the card is not known before
    assert len(on_trial(stripe_simulator)) == 1
    assert len(alerts) == len(dict(alerts)) == 9
    assert not Remedy.objects.filter(done_at=None).exists()
    assert TrialUsageTracking.objects.filter(has_used_trial=True).count() == 10
    assert not WebhookEventTrigger.objects.filter(valid=True, processed=False).exists()


def test_flagging_changes_nothing_at_stripe(
    stripe_simulator: Simulator, sell: Callable[..., int], alerts: list[Any], caixa: Any
) -> None:
    caixa(SECOND_TRIAL="flag")
    sell(UserFactory())
    sell(UserFactory())
    assert len(on_trial(stripe_simulator)) == 2
    assert [policy for _id, policy in alerts] == ["flag"]


def test_what_stripe_did_not_hear_is_told_again(
    stripe_simulator: Simulator,
    sell: Callable[..., int],
    alerts: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise StripeUnavailable

    sell(UserFactory())
    with monkeypatch.context() as patched:
        patched.setattr(remedies.stripe_gateway, "update_subscription", unreachable)
        sell(UserFactory())
    assert len(on_trial(stripe_simulator)) == 2
    assert alerts == []
    assert carry_out_remedies() == 1
    assert carry_out_remedies() == 0
    assert len(on_trial(stripe_simulator)) == 1
    assert len(alerts) == 1


def test_an_expired_session_leaves_the_trial_unused(
    stripe_simulator: Simulator, deliver_webhooks: Callable[..., list[str]], user: Any
) -> None:
    for _ in range(2):
        session = create_checkout_session(
            subscriber=user,
            price="monthly",
            success_url="https://testserver/done/",
            cancel_url="https://testserver/",
        )
        assert session.trial_days == 7
        stripe_gateway.expire_checkout_session(session.session_id)
        assert "checkout.session.expired" in deliver_webhooks()
        assert not TrialUsageTracking.objects.filter(identities__isnull=False).exists()


def test_who_has_left_a_second_trial_is_not_charged_for_it(
    stripe_simulator: Simulator,
    sell: Callable[..., int],
    deliver_webhooks: Callable[..., list[str]],
) -> None:
    second = UserFactory()
    sell(UserFactory())
    sell(second, OTHER_CARD)
    customer = get_customer(subscriber=second).id
    (subscription,) = (
        one for one in stripe_simulator.list_objects("subscription") if one["customer"] == customer
    )
    path = f"/v1/subscriptions/{subscription['id']}"
    request(stripe_simulator, "POST", path, {"cancel_at_period_end": "true"})
    card = {"type": "card", "card": {"token": "tok_visa"}}
    made = request(stripe_simulator, "POST", "/v1/payment_methods", card)["id"]
    attach = {"customer": subscription["customer"]}
    request(stripe_simulator, "POST", f"/v1/payment_methods/{made}/attach", attach)
    deliver_webhooks()
    assert Remedy.objects.get().done_at is not None
    assert request(stripe_simulator, "GET", path)["status"] == "canceled"
    assert sum(one["amount_paid"] for one in stripe_simulator.list_objects("invoice")) == 0
