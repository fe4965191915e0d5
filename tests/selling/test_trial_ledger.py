"""The ledger of trials: reserved, held, released, used, and who is known again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from djstripe.models import PaymentMethod
from hypothesis import given
from hypothesis import strategies as st

from caixa_subscriptions.conf import EMAIL_RULES, OTHER_EMAIL_RULES
from caixa_subscriptions.models import Remedy, TrialIdentity, TrialUsageTracking
from caixa_subscriptions.services.identities import normalised_email
from caixa_subscriptions.services.trial_usage import record_subscription
from caixa_subscriptions.services.trials import (
    hold_trial,
    is_trial_eligible,
    release_trial,
    reserve_trial,
)
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory

ALL_RULES = (*EMAIL_RULES, *OTHER_EMAIL_RULES)
pytestmark = pytest.mark.usefixtures("frozen")

SAME = [
    "ana.silva@gmail.com",
    "ANA.SILVA@GMAIL.COM",
    "anasilva@gmail.com",
    "a.n.a.silva@gmail.com",
    "anasilva+shop@gmail.com",
    "ana.silva+@gmail.com",
    "anasilva@googlemail.com",
    "Ana.Silva+x@GoogleMail.com",
    "\uff41nasilva@gmail.com",
    "anas\u0131lva@gmail.com",
    "ana\u200bsilva@gmail.com",
    "anasilva@\uff47mail.com",
    "anasilva\uff0bx@gmail.com",
]


@pytest.mark.parametrize("address", SAME)
def test_spellings_of_one_address(address: str) -> None:
    assert normalised_email(address) == "anasilva@gmail.com"


@pytest.mark.parametrize(
    ("rule", "address"),
    [
        ("case", "ANA@example.com"),
        ("unicode", "\uff41na@example.com"),
        ("plus", "ana+x@example.com"),
        ("gmail_dots", "a.na@gmail.com"),
        ("googlemail", "ana@googlemail.com"),
        ("yahoo_minus", "ana-x@yahoo.com.br"),
    ],
)
def test_each_rule_can_be_switched_off(rule: str, address: str) -> None:
    plain = normalised_email(address, [one for one in ALL_RULES if one != rule])
    assert plain == address
    assert normalised_email(address, ALL_RULES) != plain


def test_other_people_stay_other_people() -> None:
    assert normalised_email("a.na@example.com") != normalised_email("ana@example.com")
    assert normalised_email("ana-x@yahoo.com") != normalised_email("ana@yahoo.com")
    assert normalised_email("\u0430na@example.com") != normalised_email("ana@example.com")
    assert normalised_email("+x@example.com") == "+x@example.com"
    assert normalised_email("...@gmail.com") == "...@gmail.com"


def test_domains_are_compared_in_ascii() -> None:
    assert normalised_email("a@b\u00fccher.example") == normalised_email("a@xn--bcher-kva.example")


@given(st.text(max_size=40), st.text(max_size=20), st.sets(st.sampled_from(ALL_RULES)))
def test_normalising_twice_changes_nothing(local: str, domain: str, rules: set[str]) -> None:
    once = normalised_email(f"{local}@{domain}", rules)
    assert normalised_email(once, rules) == once


@given(st.from_regex(r"[a-z]{1,10}", fullmatch=True), st.data())
def test_any_spelling_at_gmail_is_found(name: str, data: st.DataObject) -> None:
    upper = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    dots = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelt = "".join(
        (one.upper() if up else one) + ("." if dot else "")
        for one, up, dot in zip(name, upper, dots, strict=True)
    )
    tag = data.draw(st.sampled_from(["", "+", "+shop"]))
    assert normalised_email(f"{spelt}{tag}@gmail.com") == f"{name}@gmail.com"


def subscribe(user: Any, *, trial: bool = True, card: str | None = None) -> Any:
    """A subscription in the tables, as dj-stripe stores it; not yet recorded."""
    customer = user.djstripe_customers.first() or CustomerFactory(subscriber=user)
    if card:
        PaymentMethod.objects.create(
            id=f"pm_{customer.id}_{card}",
            livemode=False,
            customer=customer,
            stripe_data={"type": "card", "card": {"fingerprint": card}},
        )
    times = {"trial_start": 1_780_000_000, "trial_end": 1_880_000_000} if trial else {}
    return SubscriptionFactory(
        customer=customer, payload={"status": "trialing" if trial else "active", **times}
    )


class TestReserving:
    def test_a_reservation_is_the_subscribers_own(self, user: Any) -> None:
        assert reserve_trial(subscriber=user)
        assert is_trial_eligible(subscriber=user)
        assert reserve_trial(subscriber=user)
        usage = TrialUsageTracking.objects.get()
        assert not usage.has_used_trial
        assert usage.identities.count() == 2

    def test_another_account_of_the_same_address_waits(self, user: Any) -> None:
        other = UserFactory(email=user.email.replace("@", "+x@"))
        assert reserve_trial(subscriber=user)
        assert not is_trial_eligible(subscriber=other)
        assert not reserve_trial(subscriber=other)
        assert TrialUsageTracking.objects.get().subscriber == user

    def test_an_expired_session_leaves_the_trial_unused(
        self, user: Any, frozen: dt.datetime
    ) -> None:
        other = UserFactory(email=user.email.replace("@", "+x@"))
        reserve_trial(subscriber=user)
        hold_trial(subscriber=user, session_id="cs_1", expires_at=frozen + dt.timedelta(hours=1))
        assert not reserve_trial(subscriber=other)
        assert release_trial(session_id="cs_1")
        assert not release_trial(session_id="cs_1")
        assert is_trial_eligible(subscriber=user)
        assert reserve_trial(subscriber=other)

    def test_a_reservation_is_over_with_its_time(self, user: Any, frozen: dt.datetime) -> None:
        other = UserFactory(email=user.email.replace("@", "+x@"))
        reserve_trial(subscriber=user)
        hold_trial(subscriber=user, session_id="cs_1", expires_at=frozen - dt.timedelta(hours=1))
        assert reserve_trial(subscriber=other)
        assert not reserve_trial(subscriber=user)
        assert TrialIdentity.objects.filter(kind="email").count() == 1

    def test_the_expiry_of_an_earlier_session_frees_nothing(
        self, user: Any, frozen: dt.datetime
    ) -> None:
        reserve_trial(subscriber=user)
        for session_id in ("cs_1", "cs_2"):
            hold_trial(subscriber=user, session_id=session_id, expires_at=frozen)
        assert not release_trial(session_id="cs_1")
        assert not release_trial(session_id="")

    def test_a_late_expiry_frees_no_used_trial(self, user: Any, frozen: dt.datetime) -> None:
        reserve_trial(subscriber=user)
        hold_trial(subscriber=user, session_id="cs_1", expires_at=frozen)
        assert record_subscription(subscription=subscribe(user))
        assert not release_trial(session_id="cs_1")
        assert not is_trial_eligible(subscriber=user)


class TestRecording:
    def test_is_safe_to_repeat(self, user: Any) -> None:
        subscription = subscribe(user, card="card1")
        assert record_subscription(subscription=subscription)
        assert not record_subscription(subscription=subscription)
        assert TrialIdentity.objects.count() == 3
        assert not Remedy.objects.exists()

    @pytest.mark.parametrize("address", SAME)
    def test_signing_up_again_earns_no_second_trial(self, db: None, address: str) -> None:
        user = UserFactory(email=SAME[0])
        record_subscription(subscription=subscribe(user))
        user.delete()
        assert not reserve_trial(subscriber=UserFactory(email=address))

    def test_a_deleted_user_leaves_no_address_behind(self, user: Any) -> None:
        record_subscription(subscription=subscribe(user))
        user.delete()
        row = TrialUsageTracking.objects.values().get()
        assert row["subscriber_id"] is None
        assert all(len(one.digest) == 64 for one in TrialIdentity.objects.all())

    @pytest.mark.parametrize("policy", ["flag", "end_trial"])
    def test_one_card_on_ten_accounts_is_one_trial(
        self, db: None, caixa: Any, django_capture_on_commit_callbacks: Any, policy: str
    ) -> None:
        caixa(SECOND_TRIAL=policy)
        # Not executed: what Stripe is asked is another test's.
        with django_capture_on_commit_callbacks():
            for _ in range(10):
                record_subscription(subscription=subscribe(UserFactory(), card="card1"))
        assert Remedy.objects.filter(kind="second_trial", policy=policy).count() == 9
        assert TrialIdentity.objects.filter(kind="card").count() == 1

    def test_a_card_added_later_is_found(self, db: None) -> None:
        record_subscription(subscription=subscribe(UserFactory(), card="card1"))
        second = subscribe(UserFactory(), card="card2")
        record_subscription(subscription=second)
        assert not Remedy.objects.exists()
        PaymentMethod.objects.filter(customer=second.customer).update(
            stripe_data={"type": "card", "card": {"fingerprint": "card1"}}
        )
        assert record_subscription(subscription=second)
        assert not record_subscription(subscription=second)
        assert Remedy.objects.get().subscription_id == second.id

    def test_a_card_that_only_paid_gave_nothing_away(self, db: None) -> None:
        record_subscription(subscription=subscribe(UserFactory(), card="card1", trial=False))
        record_subscription(subscription=subscribe(UserFactory(), card="card1"))
        assert not Remedy.objects.exists()

    def test_the_policy_may_allow_it(self, db: None, caixa: Any) -> None:
        caixa(SECOND_TRIAL="allow")
        for _ in range(2):
            record_subscription(subscription=subscribe(UserFactory(), card="card1"))
        assert not Remedy.objects.exists()


class TestPeppers:
    OLD, NEW = "o" * 32, "n" * 32

    @pytest.mark.parametrize("before", [(), (OLD,)])
    def test_after_a_rotation_people_are_still_known(
        self, user: Any, caixa: Any, before: tuple[str, ...]
    ) -> None:
        caixa(TRIAL_PEPPERS=before)
        record_subscription(subscription=subscribe(user))
        user.delete()
        caixa(TRIAL_PEPPERS=(self.NEW, *before))
        assert not reserve_trial(subscriber=UserFactory(email=user.email.replace("@", "+x@")))

    def test_who_is_seen_again_is_written_anew(self, user: Any, caixa: Any) -> None:
        caixa(TRIAL_PEPPERS=(self.OLD,))
        subscription = subscribe(user, card="card1")
        record_subscription(subscription=subscription)
        caixa(TRIAL_PEPPERS=(self.NEW, self.OLD))
        record_subscription(subscription=subscription)
        caixa(TRIAL_PEPPERS=(self.NEW,))
        user.delete()
        assert TrialIdentity.objects.count() == 3
        assert not is_trial_eligible(subscriber=UserFactory(email=user.email.replace("@", "+x@")))

    def test_a_retired_pepper_forgets(self, user: Any, caixa: Any) -> None:
        caixa(TRIAL_PEPPERS=(self.OLD,))
        record_subscription(subscription=subscribe(user))
        user.delete()
        caixa(TRIAL_PEPPERS=(self.NEW,))
        assert is_trial_eligible(subscriber=UserFactory(email=user.email.replace("@", "+x@")))

    def test_modes_do_not_meet(self, user: Any, settings: Any) -> None:
        record_subscription(subscription=subscribe(user))
        settings.STRIPE_LIVE_MODE = True
        assert reserve_trial(subscriber=user)
        assert TrialIdentity.objects.values("digest").distinct().count() == 4
