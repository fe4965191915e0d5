"""How fast the simulator is, and how much memory it takes: `python -m benchmarks.simulator`.

Each part runs in a process of its own. Times are seconds of one core (`time.process_time`), so
that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import stripe

from caixa_subscriptions.simulator import Simulator

KEY = "sk_test_simulator000000000000000000"
START = 1_790_000_000
MONTH = 31 * 86_400
CALLS_PER_SECOND, ADVANCE_SECONDS, GROWTH, CUSTOMER_KB = 500, 10.0, 1.3, 60.0

Json = dict[str, Any]
Call = Callable[..., Json]


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    figure: str
    beside: str = ""
    target: str = ""
    met: bool = True


def new_simulator() -> Simulator:
    return Simulator(seed=1, now=lambda: START, default_clock=True, transport=lambda *_: 200)


def caller(simulator: Simulator) -> Call:
    headers = {"Authorization": f"Bearer {KEY}"}

    def call(method: str, path: str, **params: Any) -> Json:
        answer = simulator.request(method, f"/v1/{path}", params, headers=headers)
        if answer.status != 200:
            raise RuntimeError(answer.body)
        return answer.body

    return call


def new_price(call: Call) -> str:
    recurring = {"interval": "month"}
    product = {"name": "Reports"}
    price = call(
        "POST",
        "prices",
        currency="usd",
        unit_amount=900,
        recurring=recurring,
        product_data=product,
    )
    return str(price["id"])


def subscribe(call: Call, price: str, number: int) -> Iterator[Json]:
    """The answers of one customer's calls: created, read, changed, listed, sold to."""
    email = f"ana{number}@example.com"
    customer = call("POST", "customers", email=email, payment_method="pm_card_visa")
    yield customer
    path = f"customers/{customer['id']}"
    yield call("GET", path)
    yield call("POST", path, name="Ana", metadata={"number": str(number)})
    yield call("GET", "customers", limit=10)
    cards = call("GET", f"{path}/payment_methods")
    yield cards
    yield call(
        "POST",
        "subscriptions",
        customer=customer["id"],
        items=[{"price": price}],
        default_payment_method=cards["data"][0]["id"],
    )


def subscribe_by_sdk(client: stripe.StripeClient, price: str, number: int) -> Iterator[Any]:
    """The same through the official SDK."""
    customers = client.v1.customers
    email = f"ana{number}@example.com"
    customer = customers.create({"email": email, "payment_method": "pm_card_visa"})
    yield customer
    yield customers.retrieve(customer.id)
    yield customers.update(customer.id, {"name": "Ana", "metadata": {"number": str(number)}})
    yield customers.list({"limit": 10})
    cards = customers.payment_methods.list(customer.id)
    yield cards
    yield client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price}],
            "default_payment_method": cards.data[0].id,
        }
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def calls(rounds: int) -> list[Row]:
    """Calls in process by `simulator.request` and by the SDK, and the bare JSON of the answers."""
    with_answers = new_simulator()
    call = caller(with_answers)
    price = new_price(call)
    seconds, answers = timed(
        lambda: [answer for number in range(rounds) for answer in subscribe(call, price, number)]
    )
    bare, _ = timed(lambda: [json.loads(json.dumps(answer)) for answer in answers])
    with_answers.close()

    simulator = new_simulator()
    client = stripe.StripeClient(KEY, http_client=simulator.http_client())
    price = new_price(caller(simulator))
    by_sdk, _ = timed(
        lambda: [None for number in range(rounds) for _ in subscribe_by_sdk(client, price, number)]
    )
    simulator.close()

    count = len(answers)
    json_only = Row("bare json.dumps and json.loads of the answers", f"{count / bare:,.0f} /s")
    return [json_only] + [
        Row(
            f"calls by {name}",
            f"{count / taken:,.0f} /s",
            f"{taken / bare:.0f} x bare JSON",
            f">= {CALLS_PER_SECOND} /s",
            count / taken >= CALLS_PER_SECOND,
        )
        for name, taken in (("simulator.request", seconds), ("the official SDK", by_sdk))
    ]


def advancing(subscriptions: int) -> float:
    """Seconds a month takes that renews that many subscriptions."""
    simulator = new_simulator()
    call = caller(simulator)
    price = new_price(call)
    for number in range(subscriptions):
        for _ in subscribe(call, price, number):
            pass
    clock = simulator.default_clock_id or ""
    seconds, _ = timed(lambda: simulator.advance_clock(clock, START + MONTH, wait=True))
    renewed = simulator.count_objects()["invoice"]
    if renewed != 2 * subscriptions:
        raise RuntimeError(f"{renewed} invoices of {subscriptions} subscriptions")
    simulator.close()
    return seconds


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(customers: int) -> tuple[float, float]:
    """KB per customer with a card and a paid subscription: of the process, of the store."""
    simulator = new_simulator()
    call = caller(simulator)
    price = new_price(call)
    for _ in subscribe(call, price, -1):  # what is loaded once
        pass
    before, store_before = resident(), simulator._store.size()
    for number in range(customers):
        for _ in subscribe(call, price, number):
            pass
    grown, store_grown = resident() - before, simulator._store.size() - store_before
    simulator.close()
    return grown / 1024 / customers, store_grown / 1024 / customers


def alone(work: Callable[[int], Any], size: int) -> Any:
    """In a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, size).result()


def measure(*, quick: bool) -> Iterator[Row]:
    rounds, few, many, customers = (5, 10, 20, 10) if quick else (500, 1_000, 10_000, 1_000)
    yield from alone(calls, rounds)
    month_of_few, month_of_many = alone(advancing, few), alone(advancing, many)
    ratio = (month_of_many / many) / (month_of_few / few)
    yield Row(
        f"a month of {few:,} subscriptions",
        f"{month_of_few:.2f} s",
        f"{month_of_few / few * 1000:.2f} ms each",
        f"<= {ADVANCE_SECONDS:.0f} s",
        month_of_few <= ADVANCE_SECONDS,
    )
    yield Row(
        f"a month of {many:,} subscriptions",
        f"{month_of_many:.2f} s",
        f"{ratio:.2f} x as much each",
        f"<= {GROWTH} x",
        ratio <= GROWTH,
    )
    process, store = alone(memory, customers)
    yield Row(
        "a customer with a card and a paid subscription",
        f"{process:.1f} KB",
        f"{store:.1f} KB in the store",
        f"<= {CUSTOMER_KB:.0f} KB",
        process <= CUSTOMER_KB,
    )


def main(arguments: list[str]) -> int:
    """The exit status: 1 when a target is missed, of which a quick run has none."""
    parser = argparse.ArgumentParser(description="How fast the simulator is.")
    parser.add_argument("--quick", action="store_true", help="a few of everything, in seconds")
    options = parser.parse_args(arguments)
    line = "{:<50} {:>12}  {:<22} {:<11} {}\n"
    sys.stdout.write(line.format("", "", "beside", "target", "").rstrip() + "\n")
    missed = 0
    for row in measure(quick=options.quick):
        verdict = ("met" if row.met else "MISSED") if row.target and not options.quick else ""
        missed += verdict == "MISSED"
        cells = line.format(row.what, row.figure, row.beside, row.target, verdict)
        sys.stdout.write(cells.rstrip() + "\n")
        sys.stdout.flush()
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
