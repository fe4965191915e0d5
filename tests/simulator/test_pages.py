"""The hosted pages, through the WSGI application and without a socket."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.money import NOTHING, money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import html_response
from caixa_subscriptions.simulator.wsgi import SimulatorApplication

KEY = {"Authorization": "Bearer sk_test_simulator000000000000000000"}
START = 1_780_000_000  # 28 May 2026, 20:26:40 UTC
DAY = 86400
GOOD, FAILS_LATER, DECLINED = "4242424242424242", "4000000000000341", "4000000000000002"


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    html: str

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.html)).split())

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass
class Form:
    action: str
    fields: dict[str, str]
    button: str


class FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.inputs: dict[str, dict[str, str | None]] = {}
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            assert values["method"] == "post"
            self.forms.append(Form(values["action"] or "", {}, ""))
        if tag == "input":
            self.inputs[values["name"] or ""] = values
            self.forms[-1].fields[values["name"] or ""] = values.get("value") or ""
        self._in_button = self._in_button or tag == "button"

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button:
            self.forms[-1].button += data


def parsed(page: Page) -> FormParser:
    parser = FormParser()
    parser.feed(page.html)
    return parser


def form_with(page: Page, button: str) -> Form:
    return next(form for form in parsed(page).forms if form.button == button)


class Browser:
    def __init__(self, application: SimulatorApplication) -> None:
        self.application = application

    def open(
        self, method: str, path: str, data: dict[str, str] | None = None, **environ: Any
    ) -> Page:
        body = urlencode(data or {}).encode()
        full: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)) if method == "POST" else "",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "HTTP_HOST": "127.0.0.1:8000",
            "wsgi.input": io.BytesIO(body),
        } | environ
        setup_testing_defaults(full)
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            answer["status"] = int(status.split()[0])
            names = [name.lower() for name, _value in headers]
            assert len(names) == len(set(names)), "a header is sent twice"
            answer["headers"] = dict(zip(names, (value for _, value in headers), strict=True))

        chunks = self.application(full, start_response)  # type: ignore[arg-type]
        return Page(answer["status"], answer["headers"], b"".join(chunks).decode())

    def get(self, path: str, **environ: Any) -> Page:
        return self.open("GET", path, **environ)

    def post(self, path: str, data: dict[str, str] | None = None, **environ: Any) -> Page:
        return self.open("POST", path, data, **environ)

    def submit(self, page: Page, button: str, **fields: str) -> Page:
        form = form_with(page, button)
        return self.post(form.action, form.fields | fields)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(
        seed=7, default_clock=True, now=lambda: START, transport=lambda url, headers, body: 200
    )
    yield simulator
    simulator.close()


@pytest.fixture
def browser(simulator: Simulator) -> Browser:
    return Browser(SimulatorApplication(simulator))


def call(simulator: Simulator, method: str, path: str, **params: Any) -> dict[str, Any]:
    response = simulator.request(
        method, path, params, headers=KEY, base_url="http://127.0.0.1:8000"
    )
    assert response.status == 200, response.body
    return response.body


def new_price(simulator: Simulator, **changes: Any) -> dict[str, Any]:
    product = call(
        simulator, "POST", "/v1/products", name="Reports <b>", description="Charts & more"
    )
    params = {
        "product": product["id"],
        "currency": "usd",
        "unit_amount": "900",
        "recurring": {"interval": "month"},
    }
    return call(simulator, "POST", "/v1/prices", **(params | changes))


def new_checkout(simulator: Simulator, **changes: Any) -> dict[str, Any]:
    price = changes.pop("price", None) or new_price(simulator)
    if "customer" not in changes and "customer_email" not in changes:
        customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
        changes["customer"] = customer["id"]
    params = {
        "mode": "subscription",
        "line_items": [{"price": price["id"], "quantity": "1"}],
        "success_url": "https://app.example/done/?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://app.example/pricing/",
        "subscription_data": {"trial_period_days": "7"},
    }
    params |= changes
    given = {name: value for name, value in params.items() if value is not None}
    return call(simulator, "POST", "/v1/checkout/sessions", **given)


def checkout_path(session: dict[str, Any]) -> str:
    return f"/simulator/checkout/{session['id']}"


def subscribe(simulator: Simulator, *, card: str = GOOD, **changes: Any) -> str:
    """Goes through Checkout; the path of the customer's portal."""
    session = new_checkout(simulator, **changes)
    done = simulator.complete_checkout(session["id"], card_number=card)
    return portal_path(simulator, done["customer"])


def portal_path(simulator: Simulator, customer: str, **params: Any) -> str:
    params = {"return_url": "https://app.example/billing/"} | params
    session = call(simulator, "POST", "/v1/billing_portal/sessions", customer=customer, **params)
    return str(session["url"]).removeprefix("http://127.0.0.1:8000")


# Checkout


def test_checkout_shows_trial_price_and_what_is_due(browser: Browser, simulator: Simulator) -> None:
    page = browser.get(checkout_path(new_checkout(simulator)))
    assert page.status == 200
    assert "7 days free, then $9.00 per month" in page.text
    assert "Total due today $0.00" in page.text
    assert "Reports <b>" in page.text
    assert "Charts & more" in page.text
    assert "For ana@example.com" in page.text
    assert 'href="https://app.example/pricing/"' in page.html
    assert form_with(page, "Start trial")


def test_checkout_without_a_trial(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, subscription_data=None, customer_email="someone@example.com", cancel_url=None
    )
    page = browser.get(checkout_path(session))
    assert "Total due today $9.00" in page.text
    assert "$9.00 per month" in page.text
    assert "free" not in page.text
    assert "For someone@example.com" in page.text
    assert "Back" not in page.text
    assert form_with(page, "Subscribe")


def test_checkout_tells_a_trial_with_an_end_in_days(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, subscription_data={"trial_end": str(simulator.now() + 10 * DAY)}
    )
    page = browser.get(checkout_path(session))
    assert "10 days free, then" in page.text


def test_checkout_shows_quantity_and_long_intervals(browser: Browser, simulator: Simulator) -> None:
    price = new_price(
        simulator,
        currency="jpy",
        unit_amount="1500",
        recurring={"interval": "month", "interval_count": "3"},
    )
    session = new_checkout(
        simulator,
        line_items=[{"price": price["id"], "quantity": "2"}],
        subscription_data={"trial_period_days": "1"},
    )
    page = browser.get(checkout_path(session))
    assert "\N{MULTIPLICATION SIGN} 2" in page.text
    assert "1 day free, then ¥3,000 every 3 months" in page.text


def test_only_the_card_number_has_to_be_filled_in(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    page = browser.get(checkout_path(session))
    form = form_with(page, "Start trial")
    assert form.fields == {"card_number": "", "expiry": "12/34", "cvc": "123"}
    answer = browser.submit(page, "Start trial", card_number="4242 4242 4242 4242")
    assert answer.status == 303
    assert answer.location == f"https://app.example/done/?session_id={session['id']}"
    stored = simulator.get_object(session["id"])
    assert stored is not None
    assert stored["status"] == "complete"


def test_no_card_field_where_none_is_asked_for(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator, payment_method_collection="if_required")
    page = browser.get(checkout_path(session))
    assert form_with(page, "Start trial").fields == {}
    assert "No card is needed today." in page.text
    assert browser.submit(page, "Start trial").status == 303
    assert (simulator.get_object(session["id"]) or {})["status"] == "complete"


def test_the_success_url_is_escaped_for_the_header(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, success_url="https://app.example/café?to=%2Fa b&s={CHECKOUT_SESSION_ID}#x"
    )
    answer = browser.post(checkout_path(session), {"card_number": GOOD})
    assert answer.location == f"https://app.example/caf%C3%A9?to=%2Fa%20b&s={session['id']}#x"


def test_the_redirect_waits_for_the_webhook(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []

    def wait_for_event(event_type: str, object_id: str, *, timeout: float) -> bool:
        waited.append((event_type, object_id, timeout))
        return False

    monkeypatch.setattr(simulator, "wait_for_event", wait_for_event)
    session = new_checkout(simulator)
    answer = browser.post(checkout_path(session), {"card_number": GOOD})
    assert answer.status == 303
    assert waited == [("checkout.session.completed", session["id"], 10.0)]


def test_a_declined_card_is_said_next_to_its_field(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    page = browser.post(
        checkout_path(session), {"card_number": DECLINED, "expiry": "11/33", "cvc": "999"}
    )
    assert page.status == 402
    assert "Your card was declined." in page.text
    fields = parsed(page).inputs
    assert fields["card_number"]["aria-describedby"] == "card_number-error test-cards"
    assert fields["card_number"]["aria-invalid"] == "true"
    assert "autofocus" in fields["card_number"]
    assert 'id="card_number-error"' in page.html
    assert fields["card_number"]["value"] == ""
    assert (fields["expiry"]["value"], fields["cvc"]["value"]) == ("11/33", "999")
    assert browser.submit(page, "Start trial", card_number=GOOD).status == 303


@pytest.mark.parametrize(
    ("number", "field"),
    [
        ("4000000000000069", "expiry"),
        ("4000000000000127", "cvc"),
        ("4242424242424241", "card_number"),
    ],
)
def test_a_decline_belongs_to_the_field_it_is_about(
    browser: Browser, simulator: Simulator, number: str, field: str
) -> None:
    page = browser.post(checkout_path(new_checkout(simulator)), {"card_number": number})
    assert page.status == 402
    invalid = [name for name, attrs in parsed(page).inputs.items() if "aria-invalid" in attrs]
    assert invalid == [field]
    assert "autofocus" in parsed(page).inputs[field]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "card_number"),
        ({"card_number": "12"}, "card_number"),
        ({"card_number": "४२४२४२४२४२४२४२४२"}, "card_number"),
        ({"card_number": GOOD, "expiry": "13/34"}, "expiry"),
        ({"card_number": GOOD, "expiry": "soon"}, "expiry"),
        ({"card_number": GOOD, "cvc": "12"}, "cvc"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused_before_it_is_tried(
    browser: Browser, simulator: Simulator, fields: dict[str, str], field: str
) -> None:
    session = new_checkout(simulator)
    page = browser.post(checkout_path(session), fields)
    assert page.status == 400
    assert f'id="{field}-error"' in page.html
    stored = simulator.get_object(session["id"])
    assert stored is not None
    assert stored["status"] == "open"


def test_an_expiry_may_have_four_digits(browser: Browser, simulator: Simulator) -> None:
    fields = {"card_number": GOOD, "expiry": "1/2035"}
    answer = browser.post(checkout_path(new_checkout(simulator)), fields)
    assert answer.status == 303


def test_a_completed_checkout_says_so(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    simulator.complete_checkout(session["id"])
    for page in (
        browser.get(checkout_path(session)),
        browser.post(checkout_path(session), {"card_number": GOOD}),
    ):
        assert page.status == 200
        assert "complete" in page.text
        assert f'href="https://app.example/done/?session_id={session["id"]}"' in page.html


def test_another_tab_may_be_faster(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_checkout(simulator)
    complete = simulator.complete_checkout

    def complete_twice(session_id: str, **card: Any) -> dict[str, Any]:
        complete(session_id, **card)
        return complete(session_id, **card)

    monkeypatch.setattr(simulator, "complete_checkout", complete_twice)
    page = browser.post(checkout_path(session), {"card_number": GOOD})
    assert page.status == 200
    assert "This checkout is complete." in page.text


def test_a_checkout_of_a_busy_clock_is_refused_with_the_reason(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_checkout(simulator)
    clock = simulator.default_clock_id
    assert clock is not None
    monkeypatch.setattr(simulator, "_worker", object())  # somebody else will move the clock
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.post(checkout_path(session), {"card_number": GOOD})
    monkeypatch.undo()
    assert page.status == 400
    assert "clock" in page.text


def test_an_expired_checkout_is_gone(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    call(simulator, "POST", f"/v1/checkout/sessions/{session['id']}/expire")
    page = browser.get(checkout_path(session))
    assert page.status == 410
    assert "no longer open" in page.text
    assert 'href="https://app.example/pricing/"' in page.html


@pytest.mark.parametrize("path", ["/simulator/checkout/cs_test_none", "/simulator/checkout/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_checkout_is_not_found(browser: Browser, path: str, method: str) -> None:
    assert browser.open(method, path).status == 404


def test_an_object_of_another_kind_is_no_checkout(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    assert browser.get(f"/simulator/checkout/{customer['id']}").status == 404


# Portal


def test_the_portal_shows_plan_card_and_invoices(browser: Browser, simulator: Simulator) -> None:
    page = browser.get(subscribe(simulator))
    assert page.status == 200
    assert "Reports <b>" in page.text
    assert "$9.00 per month" in page.text
    assert "trialing" in page.text
    assert "Your free trial lasts until 4 June 2026. Then $9.00 will be charged." in page.text
    assert "Visa ending in 4242, expires 12/34" in page.text
    assert re.search(r"28 May 2026 \$0.00 paid \S+-0001", page.text)
    assert 'href="https://app.example/billing/"' in page.html


def test_cancel_and_renew(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    answer = browser.submit(browser.get(path), "Cancel subscription")
    assert (answer.status, answer.location) == (303, path)
    page = browser.get(path)
    assert "Your subscription will end on 4 June 2026." in page.text
    assert "Cancel subscription" not in page.text
    assert browser.submit(page, "Renew subscription").status == 303
    assert "Cancel subscription" in browser.get(path).text


def test_an_active_subscription_says_when_it_renews(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator, subscription_data=None)
    assert "Your next charge of $9.00 is on 28 June 2026." in browser.get(path).text


def test_an_ended_subscription_has_no_buttons(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    [subscription] = simulator.list_objects("subscription")
    call(simulator, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    page = browser.get(path)
    assert "Your subscription ended on 28 May 2026." in page.text
    assert [form.button for form in parsed(page).forms] == ["Save card"]


def test_a_customer_without_a_subscription(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    page = browser.get(portal_path(simulator, customer["id"]))
    assert "There is no subscription yet." in page.text
    assert "No card on file" in page.text
    assert "No invoices yet." in page.text


def test_a_new_card_is_saved(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    page = browser.get(path)
    assert "autofocus" not in page.html
    answer = browser.submit(page, "Save card", card_number=FAILS_LATER, expiry="01/30")
    assert (answer.status, answer.location) == (303, path)
    assert "Visa ending in 0341, expires 01/30" in browser.get(path).text


@pytest.mark.parametrize(("number", "status"), [(DECLINED, 402), ("12", 400)])
def test_a_card_that_is_refused_in_the_portal(
    browser: Browser, simulator: Simulator, number: str, status: int
) -> None:
    page = browser.submit(browser.get(subscribe(simulator)), "Save card", card_number=number)
    assert page.status == status
    assert "<details open>" in page.html
    assert 'id="card_number-error"' in page.html
    assert "autofocus" in parsed(page).inputs["card_number"]


def test_a_portal_link_that_is_unknown(browser: Browser) -> None:
    for page in (
        browser.get("/simulator/portal/bps_none"),
        browser.post("/simulator/portal/bps_none/cancel", {"subscription": "sub_1"}),
        browser.post("/simulator/portal/bps_none/card", {"card_number": GOOD}),
    ):
        assert page.status == 404
        assert "not valid any more" in page.text


def test_a_portal_form_must_name_a_subscription(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    assert browser.post(f"{path}/cancel").status == 400
    assert browser.post(f"{path}/renew").status == 400


def test_what_the_simulator_refuses_is_shown(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, [stranger] = subscribe(simulator), simulator.list_objects("subscription")
    other = subscribe(simulator)
    page = browser.post(f"{other}/cancel", {"subscription": stranger["id"]})
    assert page.status == 400
    assert "No such subscription" in page.text
    clock = simulator.default_clock_id
    assert clock is not None
    monkeypatch.setattr(simulator, "_worker", object())
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.post(f"{mine}/card", {"card_number": GOOD})
    monkeypatch.undo()
    assert page.status == 400
    assert 'role="alert"' in page.html


def test_a_return_url_that_is_no_web_address_is_no_link(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = subscribe(simulator)
    session = simulator.get_portal_session(path.rpartition("/")[2])
    for return_url in (None, "javascript:alert(1)"):
        changed = session | {"return_url": return_url}
        monkeypatch.setattr(simulator, "get_portal_session", lambda token, found=changed: found)
        assert "Return" not in browser.get(path).text


# Clock page


def clock_time(page: Page) -> str:
    found = re.search(r'class="time">([^<]+)<', page.html)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("button", "time"),
    [
        ("1 hour", "28 May 2026, 21:26:40 UTC"),
        ("1 day", "29 May 2026, 20:26:40 UTC"),
        ("8 days", "5 June 2026, 20:26:40 UTC"),
        ("1 month", "28 June 2026, 20:26:40 UTC"),
    ],
)
def test_the_clock_is_advanced(browser: Browser, button: str, time: str) -> None:
    page = browser.get("/simulator/")
    assert clock_time(page) == "28 May 2026, 20:26:40 UTC"
    answer = browser.submit(page, f"Advance {button}")
    assert (answer.status, answer.location) == (303, "/simulator/")
    assert clock_time(browser.get("/simulator/")) == time


def test_a_month_ends_on_the_last_day_and_turns_the_year(simulator: Simulator) -> None:
    browser = Browser(SimulatorApplication(simulator))
    moments = {
        1_801_353_600: "28 February 2027, 00:00:00 UTC",  # from 31 January
        1_798_675_200: "31 January 2027, 00:00:00 UTC",  # from 31 December
    }
    for start, time in moments.items():
        clock = call(simulator, "POST", "/v1/test_helpers/test_clocks", frozen_time=str(start))
        browser.post(f"/simulator/clocks/{clock['id']}/advance", {"by": "month"})
        assert time in browser.get("/simulator/").text


def test_a_refused_advance_is_explained(browser: Browser, simulator: Simulator) -> None:
    subscribe(
        simulator,
        subscription_data=None,
        price=new_price(simulator, recurring={"interval": "day"}),
    )
    page = browser.submit(browser.get("/simulator/"), "Advance 1 month")
    assert page.status == 400
    assert "You can only advance" in page.text
    assert clock_time(page) == "28 May 2026, 20:26:40 UTC"


def test_an_advance_must_name_a_clock_and_a_step(browser: Browser, simulator: Simulator) -> None:
    clock = simulator.default_clock_id
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    assert browser.post("/simulator/clocks/none/advance", {"by": "day"}).status == 404
    assert browser.post(f"/simulator/clocks/{customer['id']}/advance", {"by": "day"}).status == 404
    assert browser.post(f"/simulator/clocks/{clock}/advance", {"by": "year"}).status == 400
    assert browser.post(f"/simulator/clocks/{clock}/advance").status == 400


def test_the_page_reloads_itself_while_a_clock_moves(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "http-equiv" not in browser.get("/simulator/").html
    clock = simulator.default_clock_id
    assert clock is not None
    monkeypatch.setattr(simulator, "_worker", object())
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.get("/simulator/")
    monkeypatch.undo()
    assert '<meta http-equiv="refresh" content="1">' in page.html
    assert "advancing" in page.text


def test_the_clock_page_shows_everything(browser: Browser, simulator: Simulator) -> None:
    endpoint = call(
        simulator,
        "POST",
        "/v1/webhook_endpoints",
        url="https://app.example/stripe/webhook/1/",
        enabled_events=["*"],
    )
    subscribe(simulator)
    opened = new_checkout(simulator)
    [subscription] = simulator.list_objects("subscription")
    before = browser.get("/simulator/")
    assert "pending" in before.text
    simulator.deliver_pending()
    page = browser.get("/simulator/")
    assert subscription["id"] in page.text
    assert "ana@example.com" in page.text
    assert endpoint["url"] in page.text
    assert f'href="{opened["url"]}"' in page.html
    assert "customer.subscription.created" in page.text
    assert "delivered" in page.text
    assert "subscription create" in page.text


def test_an_empty_simulator_without_a_clock() -> None:
    with Simulator(transport=lambda url, headers, body: 200) as simulator:
        page = Browser(SimulatorApplication(simulator)).get("/simulator/")
    assert "There is no test clock" in page.text
    assert page.text.count("None yet.") == 6


def test_an_event_has_a_page_of_its_own(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email='"<script>@example.com')
    event = next(
        one for one in simulator.list_objects("event") if one["type"] == "customer.created"
    )
    page = browser.get(f"/simulator/events/{event['id']}")
    assert page.status == 200
    assert customer["id"] in page.text
    assert "<script" not in page.html
    assert f'href="/simulator/events/{event["id"]}"' in browser.get("/simulator/").html
    assert browser.get(f"/simulator/events/{customer['id']}").status == 404
    assert browser.get("/simulator/events/evt_none").status == 404


def test_a_delivery_is_sent_again(simulator: Simulator) -> None:
    answers = [500, 200]
    simulator = Simulator(seed=1, transport=lambda url, headers, body: answers.pop(0))
    browser = Browser(SimulatorApplication(simulator))
    call(
        simulator,
        "POST",
        "/v1/webhook_endpoints",
        url="https://app.example/hook/",
        enabled_events=["customer.created"],
    )
    call(simulator, "POST", "/v1/customers", email="ana@example.com")
    simulator.deliver_pending()
    assert "500" in browser.get("/simulator/").text
    answer = browser.submit(browser.get("/simulator/"), "Resend customer.created")
    assert (answer.status, answer.location) == (303, "/simulator/#deliveries")
    simulator.deliver_pending()
    assert simulator.list_deliveries()[0].status == "delivered"
    assert browser.post("/simulator/deliveries/one/resend").status == 404
    simulator.close()


# Every page


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


# Words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (900, "usd", "$9.00"),
        (-150, "eur", "-€1.50"),
        (123456789, "brl", "R$1,234,567.89"),
        (900, "jpy", "¥900"),
        (1234, "kwd", "KWD 1.234"),
        (500, "ugx", "UGX 5.00"),
        (0, "usd", "$0.00"),
        (None, "usd", NOTHING),
        (1, None, NOTHING),
    ],
)
def test_money(amount: int | None, currency: str | None, words: str) -> None:
    assert money(amount, currency) == words


def test_a_price_below_a_cent_keeps_its_digits() -> None:
    price = {"unit_amount": None, "unit_amount_decimal": "0.5", "currency": "usd"}
    assert wording.price_amount(price) == "$0.005"
    assert wording.price_amount({"unit_amount": None, "currency": "usd"}) == "$0.00"
    assert wording.interval({"recurring": None}) == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("past_due", "Your last payment failed."),
        ("unpaid", "Several payments failed."),
        ("paused", "Your subscription is paused."),
        ("incomplete", "Your first payment was not completed."),
    ],
)
def test_what_a_status_means(status: str, words: str) -> None:
    subscription = {"status": status, "cancel_at": None}
    assert wording.subscription_sentence(subscription, "$9.00").startswith(words)


def test_markup_is_escaped_unless_it_is_markup() -> None:
    filled = fill("<p>{a}{b}{c}{d}</p>", a="<&\"'", b=Html("<br>"), c=None, d=[1, "<", Html("<i>")])
    assert filled == "<p>&lt;&amp;&quot;&#x27;<br>1&lt;<i></p>"
