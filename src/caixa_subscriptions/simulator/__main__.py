"""`python -m caixa_subscriptions.simulator --port 12111`."""

from __future__ import annotations

import argparse
import sys
import threading

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.server import serve
from caixa_subscriptions.simulator.store import StateError
from caixa_subscriptions.simulator.wsgi import SimulatorApplication


def main(arguments: list[str] | None = None, *, stop: threading.Event | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m caixa_subscriptions.simulator", description="An offline Stripe."
    )
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--state", help="an SQLite file that keeps everything; default: memory")
    parser.add_argument("--seed", type=int, help="the same calls give the same ids")
    options = parser.parse_args(arguments)
    try:
        with Simulator(state=options.state, seed=options.seed, default_clock=True) as simulator:
            server = serve(SimulatorApplication(simulator), port=options.port)
            print(f"Simulated Stripe on {server.url} - clocks and events: {server.url}/simulator/")  # noqa: T201
            try:
                (stop or threading.Event()).wait()
            except KeyboardInterrupt:
                pass
            finally:
                server.shutdown()
                server.server_close()
    except StateError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        print(f"Port {options.port} cannot be used: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
