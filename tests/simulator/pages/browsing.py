"""A browser of the hosted pages, through the WSGI application and without a socket."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication

KEY = {"Authorization": "Bearer sk_test_simulator000000000000000000"}
START = 1_780_000_000  # 28 May 2026, 20:26:40 UTC
DAY = 86400
CLAIM = "Simulated Stripe \N{EN DASH} no real money"
GOOD, FAILS_LATER, DECLINED = "4242424242424242", "4000000000000341", "4000000000000002"


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    html: str

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        html = self.html.replace("<wbr>", "")
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())

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
            assert values["method"] in ("get", "post")
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
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
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
        page = Page(answer["status"], answer["headers"], b"".join(chunks).decode())
        if page.html and page.headers.get("content-type", "").startswith("text/html"):
            assert CLAIM in page.text, f"{path} could be mistaken for Stripe's"
        return page

    def get(self, path: str, **environ: Any) -> Page:
        return self.open("GET", path, **environ)

    def post(self, path: str, data: dict[str, str] | None = None, **environ: Any) -> Page:
        return self.open("POST", path, data, **environ)

    def submit(self, page: Page, button: str, **fields: str) -> Page:
        form = form_with(page, button)
        return self.post(form.action, form.fields | fields)


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
