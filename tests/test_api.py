"""The endpoints, as the interface describes them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.test import APIClient
from rest_framework_simplejwt.models import TokenUser
from rest_framework_simplejwt.tokens import AccessToken

from caixa_subscriptions import exceptions
from caixa_subscriptions.api.exceptions import exception_handler
from caixa_subscriptions.services.customers import get_or_create_customer
from caixa_subscriptions.simulator import Simulator
from tests.factories import PriceFactory, SubscriptionFactory, in_days

pytestmark = pytest.mark.django_db

ENDPOINTS = "/api/subscriptions"


def body_of(response: Any) -> dict[str, Any]:
    return json.loads(response.content)  # type: ignore[no-any-return]


class TestConfig:
    def test_is_public_and_complete(self) -> None:
        PriceFactory(id="price_1")
        response = APIClient().get(f"{ENDPOINTS}/config/")
        assert response.status_code == 200
        assert body_of(response) == {
            "publishable_key": "pk_test_simulator000000000000000000",
            "livemode": False,
            "trial_days": 7,
            "prices": [
                {
                    "name": "monthly",
                    "price_id": "price_1",
                    "lookup_key": "reports_monthly",
                    "currency": "usd",
                    "unit_amount": 900,
                    "interval": "month",
                    "interval_count": 1,
                    "product_name": "Reports",
                    "min_quantity": 1,
                    "max_quantity": 1,
                }
            ],
        }

    def test_stale_credentials_do_not_close_it(self) -> None:
        headers = {"Authorization": "Bearer expired"}
        assert APIClient().get(f"{ENDPOINTS}/config/", headers=headers).status_code == 200

    def test_live_mode_shows_the_live_key(self, settings: Any) -> None:
        settings.STRIPE_LIVE_MODE = True
        settings.STRIPE_LIVE_PUBLIC_KEY = "pk_live_example"
        body = body_of(APIClient().get(f"{ENDPOINTS}/config/"))
        assert (body["livemode"], body["publishable_key"]) == (True, "pk_live_example")


class TestStatus:
    def test_of_a_newcomer(self, api: APIClient) -> None:
        assert body_of(api.get(f"{ENDPOINTS}/status/")) == {
            "has_active_subscription": False,
            "status": "none",
            "reason": "You do not have a subscription yet.",
            "is_trialing": False,
            "trial_eligible": True,
            "trial_end": None,
            "current_period_end": None,
            "cancel_at_period_end": False,
            "cancel_at": None,
            "access_until": None,
            "price": None,
            "livemode": False,
        }

    def test_of_a_trial_about_to_be_canceled(
        self, api: APIClient, user: Any, frozen: dt.datetime, settings: Any
    ) -> None:
        settings.TIME_ZONE = "America/Sao_Paulo"
        SubscriptionFactory(
            customer__subscriber=user,
            payload={
                "status": "trialing",
                "trial_end": in_days(3),
                "current_period_end": in_days(3),
                "cancel_at": in_days(3),
            },
        )
        assert body_of(api.get(f"{ENDPOINTS}/status/")) == {
            "has_active_subscription": True,
            "status": "trialing",
            "reason": "Your subscription ends on June 18, 2026.",
            "is_trialing": True,
            "trial_eligible": False,
            "trial_end": "2026-06-18T12:00:00Z",
            "current_period_end": "2026-06-18T12:00:00Z",
            "cancel_at_period_end": False,
            "cancel_at": "2026-06-18T12:00:00Z",
            "access_until": "2026-06-18T12:00:00Z",
            "price": "price_1",
            "livemode": False,
        }

    def test_costs_three_queries(self, api: APIClient, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):  # access, trial usage, past subscriptions
            api.get(f"{ENDPOINTS}/status/")

    def test_needs_a_user(self) -> None:
        response = APIClient().get(f"{ENDPOINTS}/status/")
        assert response.status_code == 401
        assert body_of(response)["code"] == "not_authenticated"

    def test_needs_a_subscriber(self, api: APIClient, settings: Any) -> None:
        settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = lambda request: None
        response = api.get(f"{ENDPOINTS}/status/")
        assert response.status_code == 403
        assert body_of(response)["code"] == "subscriber_required"

    def test_is_not_stored_by_caches(self, api: APIClient) -> None:
        response = api.get(f"{ENDPOINTS}/status/")
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"

    def test_get_only(self, api: APIClient) -> None:
        response = api.post(f"{ENDPOINTS}/status/")
        assert response.status_code == 405
        assert body_of(response)["code"] == "method_not_allowed"


class TestCheckout:
    def test_opens_a_session(self, api: APIClient, shop: Simulator) -> None:
        response = api.post(f"{ENDPOINTS}/checkout/", {"price": "monthly"}, format="json")
        assert response.status_code == 201
        body = body_of(response)
        assert set(body) == {"session_id", "url", "trial_days"}
        assert body["trial_days"] == 7
        session = shop.get_object(body["session_id"])
        assert session is not None
        assert session["success_url"].startswith("http://testserver/")
        assert session["cancel_url"].startswith("http://testserver/")

    def test_takes_urls_of_this_site(self, api: APIClient, shop: Simulator) -> None:
        response = api.post(
            f"{ENDPOINTS}/checkout/",
            {"price": "reports_yearly", "success_url": "/done/", "cancel_url": "/back/"},
            format="json",
        )
        session = shop.get_object(body_of(response)["session_id"])
        assert session is not None
        assert session["cancel_url"] == "http://testserver/back/"
        assert session["success_url"] == (
            "http://testserver/done/?session_id={CHECKOUT_SESSION_ID}"
        )

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ({}, "invalid"),
            ({"price": ""}, "invalid"),
            ({"price": ["monthly"]}, "invalid"),
            ({"price": "x" * 300}, "invalid"),
            ({"price": "weekly"}, "price_not_offered"),
            ({"price": "monthly", "success_url": "//evil.example"}, "redirect_not_allowed"),
            ({"price": "monthly", "cancel_url": "https://evil.example/"}, "redirect_not_allowed"),
            ({"price": "monthly", "cancel_url": None}, "invalid"),
        ],
    )
    def test_bad_input_is_a_400_and_no_call(
        self, api: APIClient, stripe_api: Simulator, data: dict[str, Any], code: str
    ) -> None:
        PriceFactory()
        response = api.post(f"{ENDPOINTS}/checkout/", data, format="json")
        assert response.status_code == 400
        body = body_of(response)
        assert body["code"] == code
        assert body["detail"]
        assert ("errors" in body) == (code == "invalid")
        assert stripe_api.list_objects("customer") == []

    @pytest.mark.parametrize("data", ["{", "[" * 100_000, b"\xff"])
    def test_broken_json_is_a_400(self, api: APIClient, data: Any) -> None:
        response = api.post(f"{ENDPOINTS}/checkout/", data, content_type="application/json")
        assert response.status_code == 400
        assert body_of(response)["code"] == "parse_error"

    def test_a_second_subscription_is_a_409_with_the_way_to_the_portal(
        self, api: APIClient, shop: Simulator
    ) -> None:
        first = api.post(f"{ENDPOINTS}/checkout/", {"price": "monthly"}, format="json")
        shop.complete_checkout(body_of(first)["session_id"])
        response = api.post(f"{ENDPOINTS}/checkout/", {"price": "monthly"}, format="json")
        assert response.status_code == 409
        body = body_of(response)
        assert body["code"] == "already_subscribed"
        assert body["portal_url"] == "http://testserver/api/subscriptions/portal/"

    def test_stripe_down_is_a_503_to_try_again(self, api: APIClient) -> None:
        PriceFactory()
        response = api.post(f"{ENDPOINTS}/checkout/", {"price": "monthly"}, format="json")
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
        assert body_of(response)["code"] == "stripe_unavailable"

    def test_a_session_login_needs_csrf(self, user: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        response = client.post(f"{ENDPOINTS}/checkout/", {"price": "monthly"})
        assert response.status_code == 403
        assert body_of(response)["code"] == "permission_denied"


class TestPortal:
    def test_one_that_was_never_set_up_is_said_clearly(
        self, api: APIClient, user: Any, shop: Simulator
    ) -> None:
        get_or_create_customer(subscriber=user)
        shop.control.set_option("portal_default_configuration", False)
        response = api.post(f"{ENDPOINTS}/portal/", format="json")
        assert response.status_code == 503
        assert body_of(response)["code"] == "portal_not_configured"
        assert "Retry-After" not in response

    def test_stripe_says_when_to_try_again(
        self, api: APIClient, user: Any, shop: Simulator
    ) -> None:
        get_or_create_customer(subscriber=user)
        shop.control.fail(429, path="/v1/billing_portal/*", retry_after=60)
        response = api.post(f"{ENDPOINTS}/portal/", format="json")
        assert response.status_code == 503
        assert response["Retry-After"] == "60"
        assert body_of(response)["code"] == "stripe_rate_limited"

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (exceptions.PaymentFailed, 402),
            (exceptions.StripeMisconfigured, 502),
            (exceptions.StripeRefused, 502),
        ],
    )
    def test_each_refusal_has_its_status(
        self,
        error: type[exceptions.StripeRefused],
        status: int,
        api: APIClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(**kwargs: Any) -> None:
            raise error(stripe_code=None, stripe_param=None)

        monkeypatch.setattr("caixa_subscriptions.api.views.create_portal_session", refuse)
        response = api.post(f"{ENDPOINTS}/portal/", format="json")
        assert response.status_code == status
        assert body_of(response)["code"] == error.code

    def test_opens_a_session(self, api: APIClient, user: Any, shop: Simulator) -> None:
        get_or_create_customer(subscriber=user)
        response = api.post(f"{ENDPOINTS}/portal/", {"return_url": "/billing/"}, format="json")
        assert response.status_code == 201
        assert set(body_of(response)) == {"url"}
        (session,) = shop.list_objects("billing_portal.session")
        assert session["return_url"] == "http://testserver/billing/"
        assert session["url"] == body_of(response)["url"]

    def test_without_a_customer_is_a_404(self, api: APIClient) -> None:
        response = api.post(f"{ENDPOINTS}/portal/")
        assert response.status_code == 404
        assert body_of(response)["code"] == "customer_not_found"

    def test_a_foreign_return_url_is_a_400(self, api: APIClient) -> None:
        response = api.post(
            f"{ENDPOINTS}/portal/", {"return_url": "https://evil.example"}, format="json"
        )
        assert response.status_code == 400
        assert body_of(response)["code"] == "redirect_not_allowed"


class TestExceptionHandler:
    def test_errors_of_no_field(self) -> None:
        response = exception_handler(ValidationError(["Not like this."]), {})
        assert response is not None
        assert response.data == {
            "detail": "Invalid input.",
            "code": "invalid",
            "errors": {"non_field_errors": ["Not like this."]},
        }

    def test_a_detail_of_another_form_keeps_a_code(self) -> None:
        response = exception_handler(NotFound({"path": "unknown"}), {})
        assert response is not None
        assert response.data["code"] == "not_found"
        assert response.data["detail"]

    def test_what_is_no_api_error_is_left_to_django(self) -> None:
        assert exception_handler(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize(("path", "status"), [("checkout", 201), ("portal", 201), ("status", 200)])
def test_a_stateless_token_is_as_good_as_its_user(
    user: Any, shop: Simulator, path: str, status: int
) -> None:
    get_or_create_customer(subscriber=user)
    client = APIClient()
    token = AccessToken.for_user(user)
    client.force_authenticate(TokenUser(token))
    url = f"{ENDPOINTS}/{path}/"
    body = {"price": "monthly"} if path == "checkout" else {}
    answer = client.get(url) if path == "status" else client.post(url, body)
    assert answer.status_code == status
    user.delete()
    gone = client.get(f"{ENDPOINTS}/status/")
    assert (gone.status_code, gone.json()["code"]) == (403, "subscriber_required")
