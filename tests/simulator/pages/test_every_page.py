"""What holds for every page."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.pages.response import html_response
from tests.simulator.pages.browsing import (
    START,
    Browser,
    call,
    checkout_path,
    new_checkout,
    subscribe,
)


@pytest.mark.parametrize(
    "path", ["/simulator/", "/simulator/none", "/simulator/static/simulator.css"]
)
def test_the_headers_of_every_page(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_the_checkout_form_may_lead_to_the_shop(browser: Browser, simulator: Simulator) -> None:
    policy = browser.get(checkout_path(new_checkout(simulator))).headers["content-security-policy"]
    assert "form-action 'self' https://app.example" in policy


def test_a_success_url_cannot_break_out_of_the_policy(
    browser: Browser, simulator: Simulator
) -> None:
    session = new_checkout(simulator, success_url="https://app.example; script-src */")
    headers = browser.get(checkout_path(session)).headers
    assert headers["content-security-policy"].endswith("form-action 'self'")


def test_only_web_addresses_are_allowed_as_form_targets() -> None:
    response = html_response("", form_targets=["", "javascript:x", "http://[::1]:8000/done/"])
    policy = dict(response.headers)["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' http://[::1]:8000")


def test_every_page_says_that_it_is_simulated(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    expired = new_checkout(simulator)
    call(simulator, "POST", f"/v1/checkout/sessions/{expired['id']}/expire")
    event = simulator.list_objects("event")[0]
    for path in (
        "/simulator/",
        checkout_path(session),
        checkout_path(expired),
        subscribe(simulator),
        f"/simulator/events/{event['id']}",
        "/simulator/none",
    ):
        assert "Simulated Stripe – no real money" in browser.get(path).text  # noqa: RUF001


def test_the_style_sheet(browser: Browser) -> None:
    page = browser.get("/simulator/static/simulator.css")
    assert page.headers["content-type"] == "text/css; charset=utf-8"
    assert "prefers-color-scheme: dark" in page.html


def test_the_icon(browser: Browser) -> None:
    page = browser.get("/simulator/static/icon.svg")
    assert page.headers["content-type"] == "image/svg+xml"
    assert page.html.startswith("<svg")
    assert browser.get("/simulator/static/__init__.py").status == 404


def test_the_short_address(browser: Browser) -> None:
    answer = browser.get("/simulator")
    assert (answer.status, answer.location) == (303, "/simulator/")


@pytest.mark.parametrize("path", ["/simulator/none", "/simulator/clocks/x/advance"])
def test_unknown_paths(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 404


def test_a_form_that_is_none(browser: Browser) -> None:
    assert browser.post("/simulator/none").status == 404


def test_other_methods_are_refused(browser: Browser) -> None:
    assert browser.open("DELETE", "/simulator/").status == 405


def test_head_has_no_body(browser: Browser) -> None:
    page = browser.open("HEAD", "/simulator/")
    assert (page.status, page.html) == (200, "")


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"HTTP_ORIGIN": "http://127.0.0.1:8000"}, True),
        ({"HTTP_ORIGIN": "http://127.0.0.1:8000", "HTTP_SEC_FETCH_SITE": "same-origin"}, True),
        ({"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"}, True),
        ({"HTTP_SEC_FETCH_SITE": "none"}, True),
        ({"HTTP_ORIGIN": "null"}, False),
        ({"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site"}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, False),
        ({"HTTP_ORIGIN": "http://127.0.0.1:9000"}, False),
        ({"HTTP_ORIGIN": "https://127.0.0.1:8000"}, False),
        ({"HTTP_ORIGIN": "http://evil.example", "HTTP_SEC_FETCH_SITE": "same-origin"}, False),
    ],
)
def test_forms_of_other_sites_are_refused(
    browser: Browser, simulator: Simulator, headers: dict[str, str], accepted: bool
) -> None:
    path = f"/simulator/clocks/{simulator.default_clock_id}/advance"
    page = browser.post(path, {"by": "hour"}, **headers)
    assert page.status == (303 if accepted else 403)
    assert simulator.now() == (START + 3600 if accepted else START)


def test_without_a_host_header_the_servers_own_name_counts(
    browser: Browser, simulator: Simulator
) -> None:
    path = f"/simulator/clocks/{simulator.default_clock_id}/advance"
    environ = {"HTTP_HOST": "", "SERVER_NAME": "localhost", "SERVER_PORT": "1234"}
    page = browser.post(path, {"by": "hour"}, HTTP_ORIGIN="http://localhost:1234", **environ)
    assert page.status == 303


@pytest.mark.parametrize(("length", "status"), [("x", 400), ("-1", 400), ("70000", 413)])
def test_a_body_of_a_wrong_length(browser: Browser, length: str, status: int) -> None:
    assert browser.post("/simulator/none", CONTENT_LENGTH=length).status == status


def test_too_many_fields(browser: Browser) -> None:
    fields = {f"field{number}": "1" for number in range(200)}
    assert browser.post("/simulator/none", fields).status == 400
