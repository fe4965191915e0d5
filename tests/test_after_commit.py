"""What comes after a commit reaches nobody when it fails."""

from __future__ import annotations

import functools
import logging

import pytest
from django.db import OperationalError, transaction

from caixa_subscriptions import signals
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.services import one_subscription
from caixa_subscriptions.simulator import Simulator
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db(transaction=True)


def fail(*args: object, **kwargs: object) -> None:
    raise OperationalError("of ana@example.com")


@pytest.mark.parametrize("work", [fail, functools.partial(fail, 1)], ids=["named", "nameless"])
def test_what_fails_stops_nothing_and_tells_nothing(
    work: object, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    with caplog.at_level(logging.ERROR), transaction.atomic():
        after_commit(done.append, 1)
        after_commit(work, 2, three=3)  # type: ignore[arg-type]
        after_commit(done.append, 4)
        assert done == []
    assert done == [1, 4]
    assert "OperationalError" in caplog.text
    after_commit(work)  # type: ignore[arg-type]  # and where no transaction is open


def test_an_event_is_not_lost_with_what_follows_from_it(
    user: object, shop: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def hear(subscription: object, **kwargs: object) -> None:
        told.append(subscription)

    record = one_subscription._record
    calls = []

    def second_time(subscriber: object) -> None:
        calls.append(subscriber)
        if len(calls) % 2 == 0:  # the one after the commit
            fail()
        record(subscriber)  # type: ignore[arg-type]

    monkeypatch.setattr(one_subscription, "_record", second_time)
    signals.subscription_created.connect(hear)
    try:
        shop.complete_checkout(check_out(user).session_id)
        shop.deliver_pending()
    finally:
        signals.subscription_created.disconnect(hear)
    assert len(calls) >= 2
    assert len(told) == 1
    assert {one.response_status for one in shop.list_deliveries(limit=100)} == {200}
