"""The simulator as a WSGI application: `/v1/` and `/v2/` for programs, `/simulator/` for people."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from caixa_subscriptions.simulator import control_http, pages
from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.faults import LATENCY
from caixa_subscriptions.simulator.pages.request import base_url
from caixa_subscriptions.simulator.params import decode_form

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MAX_BODY = 1024 * 1024
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class SimulatorApplication:
    """Mount it wherever `prefixes` lead: another application can keep all other paths."""

    prefixes = ("/v1/", "/v2/", "/simulator/")

    def __init__(
        self, simulator: Simulator, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.simulator = simulator
        self.sleep = sleep

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not _is_loopback(environ):
            body = b"The simulator answers on this machine only.\n"
            status, headers = 403, [("Content-Type", "text/plain")]
        elif path.startswith(("/v1/", "/v2/")):
            status, headers, body = self._api(environ)
        elif path.startswith(control_http.PREFIX):
            status, body = control_http.answer(self.simulator.control, environ)
            headers = [("Content-Type", "application/json")]
        elif path in ("/simulator", "/"):
            status, headers, body = 303, [("Location", "/simulator/")], b""
        elif path.startswith("/simulator/"):
            page = pages.handle(self.simulator, environ)
            status, headers, body = page.status, page.headers, page.body
        else:
            status, headers, body = 404, [("Content-Type", "text/plain")], b"Not found\n"
        headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _api(self, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {
            # A folded header would be repeated in the answer with its line breaks.
            name[5:].replace("_", "-"): _CONTROLS.sub(" ", value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        try:
            params = _params(environ)
        except StripeError as error:
            status, answer_headers, answer = error.status, {}, error.body("req_unread")
        else:
            try:
                response = self.simulator.request(
                    environ["REQUEST_METHOD"],
                    _escaped_path(environ).rstrip("/"),
                    params,
                    headers=headers,
                    base_url=base_url(environ),
                )
            except TimeoutError as error:
                raise ConnectionResetError(str(error)) from error  # the server answers nothing
            if late := float(response.headers.get(LATENCY, 0)):
                self.sleep(late)
            status, answer_headers, answer = response.status, response.headers, response.body
        body = json.dumps(answer, indent=2).encode()
        return (
            status,
            [("Content-Type", "application/json"), *answer_headers.items()],
            body,
        )


def _escaped_path(environ: WSGIEnvironment) -> str:
    """As it was sent, where the server tells; else a slash of an id is taken for the path's."""
    path: str = environ["PATH_INFO"]
    sent = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    if unquote(sent, "latin-1") == path:
        return sent
    return quote(path.encode("latin-1"))  # of which WSGI has the bytes (PEP 3333)


def _is_loopback(environ: WSGIEnvironment) -> bool:
    """A name that another site has made point here must not open the simulator to its pages."""
    try:
        host = urlsplit(base_url(environ)).hostname
    except ValueError:
        return False
    return host in ("127.0.0.1", "localhost", "::1")


def read_form(environ: WSGIEnvironment) -> str:
    """The body as text; raises StripeError for one that is too large, of no known length, or not
    text."""
    if environ.get("HTTP_TRANSFER_ENCODING"):  # none of it may be overlooked
        raise StripeError(411, "Send a Content-Length: the simulator takes no chunked bodies.")
    given = environ.get("CONTENT_LENGTH") or "0"
    if not (given.isascii() and given.isdigit()):
        raise StripeError(400, "Invalid request: the Content-Length header is not a number.")
    length = int(given) if len(given) < 20 else MAX_BODY + 1
    if length > MAX_BODY:
        raise StripeError(413, "Request entity too large.")
    try:
        text: str = environ["wsgi.input"].read(length).decode()
    except UnicodeDecodeError:
        raise StripeError(400, "Invalid request: the body is not UTF-8.") from None
    return text


def _params(environ: WSGIEnvironment) -> dict[str, Any]:
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    pairs += parse_qsl(read_form(environ), keep_blank_values=True)
    return decode_form(pairs)
