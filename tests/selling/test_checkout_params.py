"""What a Checkout Session is opened with, and what a project cannot change of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rest_framework.test import APIClient

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import CheckoutParamsRefused
from caixa_subscriptions.services.checkout import create_checkout_session
from caixa_subscriptions.services.checkout_params import GUARDED, digest_of, guarded_fields
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.test_checkout import check_out, stripe_session

HOOK = "tests.selling.test_checkout_params.hook"
_added: dict[str, Any] = {}
_asked: list[tuple[Any, Any]] = []


def hook(*, subscriber: Any, offer: Any) -> Any:
    _asked.append((subscriber, offer))
    return _added["params"]


@pytest.fixture
def adds(caixa: Any) -> Any:
    """`adds(params)`: what the project's hook gives."""
    _asked.clear()

    def add(params: Any) -> None:
        _added["params"] = params
        caixa(CHECKOUT_PARAMS=HOOK)

    return add


@pytest.fixture
def sent(shop: Simulator, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be sent; the simulator does not know every parameter."""
    found: list[dict[str, Any]] = []
    create = stripe_gateway.create_checkout_session

    def record(params: Any, *, scope: str) -> Any:
        found.append(params)
        unknown = ("automatic_tax", "tax_id_collection", "billing_address_collection")
        known = {name: params[name] for name in params if name not in (*unknown, "customer_update")}
        return create(known, scope=scope)  # type: ignore[arg-type]

    monkeypatch.setattr(stripe_gateway, "create_checkout_session", record)
    return found


class TestOurs:
    def test_the_subscription_says_whom_it_was_sold_to(self, user: Any, shop: Simulator) -> None:
        shop.complete_checkout(check_out(user).session_id)
        (subscription,) = shop.list_objects("subscription")
        assert subscription["metadata"]["caixa_subscriber"] == str(user.pk)
        assert "djstripe_subscriber" not in subscription["metadata"]

    def test_the_quantity_is_what_was_asked_for(
        self, user: Any, shop: Simulator, caixa: Any
    ) -> None:
        seats = {"lookup_key": "reports_monthly", "quantity": {"min": 2, "max": 5}}
        caixa(PRICES={"seats": seats})
        for asked, bought in ((None, 2), (5, 5)):
            session = check_out(user, price="seats", quantity=asked)
            lines = request(shop, "GET", f"/v1/checkout/sessions/{session.session_id}/line_items")
            assert [line["quantity"] for line in lines["data"]] == [bought]

    @pytest.mark.parametrize(
        ("quantity", "code"),
        [
            (0, "quantity_not_offered"),
            (-1, "quantity_not_offered"),
            (2, "quantity_not_offered"),
            (10**30, "quantity_not_offered"),
            ("many", "invalid"),
            ([1], "invalid"),
            (1.5, "invalid"),
        ],
    )
    def test_another_quantity_costs_no_call(
        self, api: APIClient, shop: Simulator, quantity: Any, code: str
    ) -> None:
        body = {"price": "monthly", "quantity": quantity}
        response = api.post("/api/subscriptions/checkout/", body, format="json")
        assert (response.status_code, response.data["code"]) == (400, code)
        assert shop.list_objects("customer") == []


class TestOptions:
    def test_are_sent_as_stripe_writes_them(
        self, user: Any, sent: list[dict[str, Any]], caixa: Any
    ) -> None:
        options = {
            "allow_promotion_codes": True,
            "billing_address_collection": "required",
            "locale": "pt-BR",
        }
        caixa(CHECKOUT_OPTIONS=options)
        check_out(user)
        assert {name: sent[0][name] for name in options} == options
        assert "customer_update" not in sent[0]

    @pytest.mark.parametrize(
        ("option", "update"),
        [("tax_id_collection", {"name": "auto"}), ("automatic_tax", {"address": "auto"})],
    )
    def test_what_taxes_need_of_a_known_customer_is_added(
        self, user: Any, sent: list[dict[str, Any]], caixa: Any, option: str, update: Any
    ) -> None:
        caixa(CHECKOUT_OPTIONS={option: {"enabled": True}})
        check_out(user)
        assert sent[0]["customer_update"] == update


class TestTheProjectsOwn:
    def test_are_added(self, user: Any, shop: Simulator, adds: Any) -> None:
        adds(
            {
                "locale": "de",
                "metadata": {"campaign": "spring"},
                "subscription_data": {"description": "Seats", "metadata": {"team": "7"}},
            }
        )
        session = check_out(user)
        at_stripe = stripe_session(shop, session)
        assert (at_stripe["locale"], at_stripe["metadata"]["campaign"]) == ("de", "spring")
        shop.complete_checkout(session.session_id)
        (subscription,) = shop.list_objects("subscription")
        assert subscription["description"] == "Seats"
        assert subscription["metadata"]["team"] == "7"
        assert subscription["metadata"]["caixa_subscriber"] == str(user.pk)
        assert subscription["status"] == "trialing"
        ((subscriber, offer),) = _asked
        assert (subscriber, offer.name) == (user, "monthly")

    @pytest.mark.parametrize(
        ("params", "field"),
        [
            *(({name: "x"}, name) for name in sorted(GUARDED)),
            ({"metadata": {"djstripe_subscriber": "1"}}, "metadata[djstripe_subscriber]"),
            ({"metadata": {"caixa_checkout": "1"}}, "metadata[caixa_checkout]"),
            ({"metadata": {"caixa_request": "1"}}, "metadata[caixa_request]"),
            ({"metadata": "x"}, "metadata"),
            ({"metadata[djstripe_subscriber]": "1"}, "metadata[djstripe_subscriber]"),
            (
                {"subscription_data[trial_period_days]": 90},
                "subscription_data[trial_period_days]",
            ),
            ({"subscription_data": {"metadata[caixa_x]": "1"}}, "metadata[caixa_x]"),
            ({"custom_fields": [{"label[x]": "1"}]}, "label[x]"),
            ({1: "x"}, "1"),
            ({"subscription_data": None}, "subscription_data"),
            ({"customer_update": "x"}, "customer_update"),
            (
                {"subscription_data": {"trial_period_days": 90}},
                "subscription_data[trial_period_days]",
            ),
            ({"subscription_data": {"trial_end": 2**31}}, "subscription_data[trial_end]"),
            ({"subscription_data": {"trial_settings": {}}}, "subscription_data[trial_settings]"),
            (
                {"subscription_data": {"metadata": {"djstripe_subscriber": "1"}}},
                "subscription_data[metadata][djstripe_subscriber]",
            ),
            (
                {"subscription_data": {"metadata": {"caixa_subscriber": "1"}}},
                "subscription_data[metadata][caixa_subscriber]",
            ),
            (None, "(params)"),
            ([("mode", "payment")], "(params)"),
        ],
    )
    def test_cannot_be_what_is_guarded(
        self,
        user: Any,
        shop: Simulator,
        adds: Any,
        caplog: pytest.LogCaptureFixture,
        params: Any,
        field: str,
    ) -> None:
        adds(params)
        with caplog.at_level(logging.ERROR), pytest.raises(CheckoutParamsRefused) as caught:
            check_out(user)
        assert caught.value.fields == (field,)
        assert caught.value.code == "checkout_params_refused"
        assert field in caplog.text
        assert shop.list_objects("customer") == []

    def test_a_refusal_is_a_500_with_a_code(
        self, api: APIClient, shop: Simulator, adds: Any
    ) -> None:
        adds({"customer": "cus_of_somebody_else"})
        response = api.post("/api/subscriptions/checkout/", {"price": "monthly"}, format="json")
        assert (response.status_code, response.data["code"]) == (500, "checkout_params_refused")
        assert "cus_" not in str(response.data)

    def test_what_is_not_guarded_passes(self) -> None:
        assert guarded_fields({"discounts": [{"coupon": "x"}], "consent_collection": {}}) == []


def test_the_digest_is_of_the_params_and_the_mode(settings: Any) -> None:
    params = {"price": "price_1", "metadata": {"a": "1", "b": "2"}}
    same = {"metadata": {"b": "2", "a": "1"}, "price": "price_1"}
    assert digest_of(params) == digest_of(same) != digest_of({**params, "price": "price_2"})
    test = digest_of(params)
    settings.STRIPE_LIVE_MODE = True
    assert digest_of(params) != test


def test_the_service_takes_no_more_than_the_endpoint(user: Any) -> None:
    with pytest.raises(TypeError):
        create_checkout_session(  # type: ignore[call-arg]
            subscriber=user, price="monthly", success_url="/", cancel_url="/", trial_days=90
        )
