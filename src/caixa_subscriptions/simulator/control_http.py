"""`/simulator/control/`: the control's methods for programs of any language."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from caixa_subscriptions.simulator.control import Control
from caixa_subscriptions.simulator.errors import StripeError

PREFIX = "/simulator/control/"
VERBS = {"clear", "delay", "delay_search", "drop", "end_outage", "fail", "failed_tasks"} | {
    *("faults", "retry_failed_tasks", "set_option", "start_outage")
}
WEBHOOK_VERBS = {"clear", "delay", "drop", "duplicate", "fail", "held", "hold", "mishaps"} | {
    *("release", "repeat", "resend", "retry_now", "roll_secret", "shuffle")
}
VERBS |= {f"webhooks/{verb}" for verb in WEBHOOK_VERBS}
MAX_BODY = 64 * 1024


class _Refused(Exception):
    """A status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer(control: Control, environ: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and JSON body: `{"result": ...}` or `{"error": "..."}`."""
    try:
        result = _carry_out(control, environ)
    except _Refused as refusal:
        return refusal.status, _json({"error": str(refusal)})
    return 200, _json({"result": result})


def _carry_out(control: Control, environ: Mapping[str, Any]) -> Any:
    if environ["REQUEST_METHOD"] != "POST":
        raise _Refused(405, "The control takes POST only.")
    # A page of another site can post forms here, but not this.
    if not environ.get("CONTENT_TYPE", "").startswith("application/json"):
        raise _Refused(415, "The control takes application/json only.")
    verb = environ["PATH_INFO"].removeprefix(PREFIX).strip("/")
    if verb not in VERBS:
        raise _Refused(404, f"The control has: {', '.join(sorted(VERBS))}.")
    method = attrgetter(verb.replace("/", "."))(control)
    try:
        arguments = _read(environ)
        inspect.signature(method).bind(**arguments)
        return method(**arguments)
    except (TypeError, ValueError) as error:
        raise _Refused(400, str(error)) from error
    except StripeError as error:
        raise _Refused(error.status, error.message) from error


def _read(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not 0 <= length <= MAX_BODY:
        raise ValueError(f"the body has at most {MAX_BODY} bytes")
    arguments = json.loads(environ["wsgi.input"].read(length) or b"{}")
    if not isinstance(arguments, dict):
        raise ValueError("the body is a JSON object of arguments")
    return arguments


def _json(value: Any) -> bytes:
    return json.dumps(value, default=dataclasses.asdict, indent=2).encode() + b"\n"
