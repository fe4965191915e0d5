"""What a hostile client sends: nothing of it is accepted, and none of it reaches Stripe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from rest_framework.test import APIClient

from caixa_subscriptions.stripe_gateway import replaced_http_client
from tests.factories import CustomerFactory, PriceFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

CHECKOUT = "/api/subscriptions/checkout/"
PORTAL = "/api/subscriptions/portal/"
FORM = "application/x-www-form-urlencoded"
LISTED = "https://app.example:8443"

# Of a site at http://testserver that lists https://app.example:8443.
REDIRECTS = [
    "",
    " ",
    "done/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "http:/evil.example",
    "http:///evil.example",
    "https:evil.example",
    "https://evil.example/",
    "https://testserver/",  # the scheme is not the site's
    "http://testserver:8000/",
    "http://testserver:80/",  # written in another way than the site writes itself
    "HTTP://testserver/",
    "http://TESTSERVER/",
    "http://testserver./",
    "http://testserver.evil.example/",
    "http://evil-testserver/",
    "http://testserver@evil.example/",
    "http://user:pass@testserver/",
    "http://evil.example\\@testserver/",
    "http://evil.example#@testserver/",
    "http://evil.example?@testserver/",
    "http://testserver%2eevil.example/",
    "http://testserver%00.evil.example/",
    "http://testserver%2f%2fevil.example/",
    "http://te%73tserver/",
    "http://te\u0455tserver/",  # a Cyrillic letter
    "http://testserver\u3002evil.example/",  # an ideographic full stop
    "http://\uff54estserver/",  # a fullwidth letter
    "http://testserver\r\nSet-Cookie: a=b",
    "http://testserver\t/",
    "/done\n/",
    "\x00/done",
    "/done\x7f",
    "https://app.example/",  # the port is not the listed one
    "http://app.example:8443/",
    "https://app.example:8443.evil.example/",
    "https://app.example:8443@evil.example/",
    "https://sub.app.example:8443/",
    "javascript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://testserver/",
    "blob:http://testserver/1",
    "http://[::1/",
    "http://",
    "://testserver",
    "mailto:a@testserver",
    "/" + "a" * 2_001,
    ["http://testserver/"],
    {"url": "http://testserver/"},
]


class CountingClient(stripe.HTTPClient):
    """Stripe is out of reach, and every attempt to reach it is counted."""

    name = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(f"{method} {url}")
        raise stripe.APIConnectionError("out of reach")

    request_stream = request

    def close(self) -> None: ...


@pytest.fixture
def calls(caixa: Any) -> Iterator[list[str]]:
    """Calls to Stripe; there is something to sell, and an account with a customer."""
    PriceFactory(id="price_monthly")
    caixa(ALLOWED_REDIRECT_ORIGINS=[LISTED])
    client = CountingClient()
    with replaced_http_client(client):
        yield client.calls


@pytest.fixture
def buyer() -> APIClient:
    client = APIClient()
    user = UserFactory()
    CustomerFactory(subscriber=user)
    client.force_authenticate(user)
    return client


def test_an_honest_request_does_reach_stripe(buyer: APIClient, calls: list[str]) -> None:
    """Or the rest of this file would prove nothing."""
    body = {"price": "monthly", "success_url": "/done/", "cancel_url": f"{LISTED}/back"}
    assert buyer.post(CHECKOUT, body, format="json").status_code == 503
    assert buyer.post(PORTAL, {"return_url": "/billing/"}, format="json").status_code == 503
    assert len(calls) >= 2


@pytest.mark.parametrize("field", ["success_url", "cancel_url", "return_url"])
@pytest.mark.parametrize("url", REDIRECTS, ids=lambda url: ascii(url)[:40])
def test_nobody_is_sent_elsewhere(buyer: APIClient, calls: list[str], field: str, url: Any) -> None:
    path = PORTAL if field == "return_url" else CHECKOUT
    body = {field: url} | ({} if field == "return_url" else {"price": "monthly"})
    response = buyer.post(path, body, format="json")
    assert response.status_code == 400
    assert response.json()["code"] in ("redirect_not_allowed", "invalid")
    assert calls == []


def test_there_are_forty_of_them() -> None:
    assert len({ascii(url) for url in REDIRECTS}) >= 40


TAMPERED: dict[str, Any] = {
    "unknown price": {"price": "price_unknown"},
    "archived price": {"price": "price_archived"},
    "one-off price": {"price": "price_once"},
    "price of another product": {"price": "price_other"},
    "price of live mode": {"price": "price_live"},
    "product for a price": {"price": "prod_1"},
    "no price": {},
    "empty price": {"price": ""},
    "null price": {"price": None},
    "number for a price": {"price": 5.5},
    "boolean for a price": {"price": True},
    "list of prices": {"price": ["monthly"]},
    "object for a price": {"price": {"id": "price_monthly"}},
    "long price": {"price": "p" * 256},
    "zero byte in a price": {"price": "month\x00ly"},
    "price with spaces": {"price": " month ly "},
    "upper case": {"price": "MONTHLY"},
    "another's customer": {"price": "monthly", "customer": "cus_1"},
    "another's e-mail address": {"price": "monthly", "customer_email": "victim@example.com"},
    "another subscriber": {"price": "monthly", "client_reference_id": "1"},
    "metadata": {"price": "monthly", "metadata": {"djstripe_subscriber": "1"}},
    "flat metadata": {"price": "monthly", "metadata[djstripe_subscriber]": "1"},
    "metadata of the subscription": {
        "price": "monthly",
        "subscription_data": {"metadata": {"djstripe_subscriber": "1"}},
    },
    "a longer trial": {"price": "monthly", "trial_period_days": 730},
    "a trial's length": {"price": "monthly", "trial_days": 730},
    "a coupon": {"price": "monthly", "coupon": "FREE"},
    "discounts": {"price": "monthly", "discounts": [{"coupon": "FREE"}]},
    "line items": {"price": "monthly", "line_items": [{"price": "price_other", "quantity": 1}]},
    "another mode": {"price": "monthly", "mode": "setup"},
    "another currency": {"price": "monthly", "currency": "jpy"},
    "another amount": {"price": "monthly", "unit_amount": 1},
    "an account": {"price": "monthly", "on_behalf_of": "acct_1"},
    "the prototype": {"price": "monthly", "__proto__": {"price": "price_other"}},
    "a list": [{"price": "monthly"}],
    "a string": "monthly",
    "a number": 1,
    "null": None,
}


@pytest.mark.parametrize("body", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_body_buys_nothing(buyer: APIClient, calls: list[str], body: Any) -> None:
    other = ProductFactory(id="prod_other")
    PriceFactory(id="price_other", product=other, lookup_key="other")
    PriceFactory(id="price_archived", active=False, lookup_key="archived")
    PriceFactory(id="price_live", livemode=True, lookup_key="live")
    PriceFactory(id="price_once", lookup_key="once", stripe_data={"unit_amount": 900})
    response = buyer.post(CHECKOUT, json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] in ("invalid", "price_not_offered")
    assert calls == []


def test_there_are_thirty_of_them_too() -> None:
    assert len(TAMPERED) >= 30


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"price": "monthly"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"price": "' + b"p" * 1_000_000 + b'"}', "application/json", 400),
        (b'{"price": NaN}', "application/json", 400),
        (b"<price>monthly</price>", "application/xml", 415),
        (
            b"price=monthly&metadata[djstripe_subscriber]=1",
            "application/x-www-form-urlencoded",
            400,
        ),
        (b"price=weekly&price=monthly&customer=cus_1", "application/x-www-form-urlencoded", 400),
    ],
    ids=ascii,
)
def test_what_is_no_body_of_ours_is_refused(
    buyer: APIClient, calls: list[str], content: bytes, content_type: str, status: int
) -> None:
    response = buyer.post(CHECKOUT, content, content_type=content_type)
    assert response.status_code == status
    assert calls == []


@pytest.mark.parametrize("body", [{"customer": "cus_1"}, {"flow_data": {}}, ["/"], {"x": 1}])
def test_the_portal_takes_nothing_but_where_to_return(
    buyer: APIClient, calls: list[str], body: Any
) -> None:
    assert buyer.post(PORTAL, body, format="json").status_code == 400
    assert calls == []


@pytest.mark.parametrize("path", [CHECKOUT, PORTAL])
def test_answers_are_kept_by_nobody(buyer: APIClient, calls: list[str], path: str) -> None:
    response = buyer.post(path, {"price": "monthly"} if path == CHECKOUT else {}, format="json")
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
