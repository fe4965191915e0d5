"""Same seed, same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    Calls,
    Inbox,
    Wall,
    advance,
    replace_card,
)

DISPUTED = "4000000000000259"


def life(state: Path | None, seed: int | None) -> bytes:
    """The event log of a whole life: customer, card, checkout, trial, renewal, decline, recovery,
    cancellation; a discount, a Pix, a dispute and a refund."""
    simulator = Simulator(state=state, seed=seed, now=Wall(), default_clock=True, transport=Inbox())
    call = Calls(simulator)
    call(
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example/hook",
        enabled_events=["*"],
    )
    _money(call)
    customer = call.customer(GOOD, email="ana@example.com", metadata={"b": "2", "a": "1"})
    session = call.session(
        call.price(),
        customer=customer["id"],
        subscription_data={"trial_period_days": 14},
    )
    subscription = simulator.complete_checkout(session["id"])["subscription"]
    advance(simulator, days=14, hours=2)
    advance(simulator, days=31)
    replace_card(call, customer["id"], FAILS_LATER)
    advance(simulator, days=30)
    replace_card(call, customer["id"], GOOD)
    simulator.deliver_pending()
    advance(simulator, days=10)
    assert call.get(subscription)["status"] == "active"
    simulator.control.webhooks.roll_secret(
        simulator.list_objects("webhook_endpoint")[0]["id"], expire_after_seconds=DAY
    )
    call("DELETE", f"/v1/subscriptions/{subscription}")
    call("DELETE", f"/v1/customers/{customer['id']}")
    simulator.deliver_pending()
    log = json.dumps(simulator.list_events(limit=10_000)).encode()
    simulator.close()
    return log


def _money(call: Calls) -> None:
    coupon = call("POST", "/v1/coupons", percent_off=10, duration="forever")["id"]
    sold = call.subscribe(call.customer(GOOD), call.price(), discounts=[{"coupon": coupon}])
    (charge,) = call("GET", "/v1/charges", customer=sold["customer"])["data"]
    call("POST", "/v1/refunds", charge=charge["id"], amount=100)
    call.subscribe(call.customer(DISPUTED), call.price())
    (dispute,) = call("GET", "/v1/disputes")["data"]
    evidence = {"uncategorized_text": "winning_evidence"}
    call("POST", f"/v1/disputes/{dispute['id']}", evidence=evidence)
    method = call("POST", "/v1/payment_methods", type="pix")["id"]
    pay = {"amount": 10_000, "currency": "brl", "payment_method": method, "confirm": True}
    intent = call("POST", "/v1/payment_intents", **pay, payment_method_types=["pix"])
    call.simulator.pay_voucher(intent["id"])


TOLD = (  # by what `_money` does
    "charge.dispute.closed",
    "charge.refunded",
    "customer.discount.created",
    "payment_intent.requires_action",
)


@pytest.mark.parametrize("in_a_file", [False, True])
def test_two_runs_give_the_same_bytes(tmp_path: Path, in_a_file: bool) -> None:
    first, second = (
        life(tmp_path / f"{number}.sqlite3" if in_a_file else None, seed=7) for number in (1, 2)
    )
    assert first == second
    types = {event["type"] for event in json.loads(first)}
    assert types.issuperset(TOLD)
    assert len(json.loads(first)) > 80


def test_a_file_and_memory_give_the_same_bytes(tmp_path: Path) -> None:
    assert life(tmp_path / "stripe.sqlite3", seed=7) == life(None, seed=7)


def test_another_seed_gives_other_ids() -> None:
    assert len({life(None, 7), life(None, 8), life(None, None)}) == 3


def test_another_process_gives_the_same_bytes() -> None:
    """Whatever order it hashes its sets in."""
    script = (
        "import sys; from tests.simulator.test_determinism import life; "
        "sys.stdout.buffer.write(life(None, 7))"
    )
    logs = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert logs == {life(None, 7)}
