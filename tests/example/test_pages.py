from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import translation
from djstripe.models import Customer

from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.prices import OfferedPrice
from caixa_subscriptions.simulator import Simulator
from example_project.reports import billing_views, plans
from example_project.reports.chart import HEIGHT, WIDTH, bars
from example_project.reports.money import format_money
from example_project.reports.sample import REPORTS, last_months
from example_project.reports.templatetags.reports_format import change, figure
from example_project.reports.views import safe_next
from tests.conftest import advance
from tests.example.conftest import start_checkout, subscribe, text
from tests.factories import CustomerFactory, PriceFactory, SubscriptionFactory, UserFactory

Page = Any


# Pages for everybody


def test_the_first_page(visitor: Client, db: None) -> None:
    PriceFactory()
    page = visitor.get("/")
    assert page.status_code == 200
    assert "Start 7-day free trial" in text(page)
    assert "$9.00 per month after the trial." in text(page)
    assert 'href="/accounts/signup/?next=/pricing/"' in text(page)


def test_the_first_page_without_a_trial(visitor: Client, caixa: Any, db: None) -> None:
    caixa(TRIAL_DAYS=0)
    assert "free trial" not in text(visitor.get("/"))


def test_the_first_page_of_a_user(browser: Client, user: Any) -> None:
    assert "Choose a plan" in text(browser.get("/"))
    SubscriptionFactory(
        customer__subscriber=user,
        payload={"current_period_end": dt.datetime.now(dt.UTC) + dt.timedelta(days=3)},
    )
    assert "Open the dashboard" in text(browser.get("/"))


def test_the_simulator_is_only_named_where_it_is(visitor: Client, settings: Any, db: None) -> None:
    assert "/simulator/" not in text(visitor.get("/"))
    settings.SIMULATED = True
    assert "Demo: payments are simulated, no real money." in text(visitor.get("/"))


def test_the_language_follows_the_browser_and_can_be_changed(visitor: Client, db: None) -> None:
    page = visitor.get("/", headers={"accept-language": "pt-BR"})
    assert "Saiba como vai a sua loja" in text(page)
    response = visitor.post("/i18n/setlang/", {"language": "pt-br", "next": "/pricing/"})
    assert response.headers["Location"] == "/pricing/"
    assert '<html lang="pt-br">' in text(visitor.get("/pricing/"))


def test_a_page_that_is_not_there(browser: Client) -> None:
    page = browser.get("/nothing/")
    assert page.status_code == 404
    assert "There is nothing at this address." in text(page)


def test_a_form_that_is_too_old() -> None:
    page = Client(enforce_csrf_checks=True).post("/billing/checkout/")
    assert page.status_code == 403
    assert "The form is too old" in text(page)


# Pricing and paywall


def test_prices_for_a_visitor(visitor: Client, db: None) -> None:
    product = PriceFactory(lookup_key="reports_monthly").product
    PriceFactory(
        lookup_key="reports_yearly",
        product=product,
        stripe_data={
            "unit_amount": 9000,
            "recurring": {"interval": "year", "interval_count": 1},
        },
    )
    page = text(visitor.get("/pricing/"))
    assert "The first 7 days are free." in page
    assert "Monthly" in page
    assert "<strong>$9.00</strong> per month" in page
    assert "<strong>$90.00</strong> per year" in page
    assert "Save 16%" in page
    assert "That is $7.50 per month, billed once a year." in page
    assert 'href="/accounts/signup/?next=%2Fpricing%2F"' in page
    assert page.count("Start 7-day free trial") == 2


def test_nothing_for_sale(visitor: Client, db: None) -> None:
    assert "Nothing is for sale yet." in text(visitor.get("/pricing/"))


def test_who_had_a_trial_is_offered_none(browser: Client, user: Any) -> None:
    PriceFactory()
    SubscriptionFactory(customer__subscriber=user, payload={"status": "canceled"})
    page = text(browser.get("/pricing/"))
    assert "free trial" not in page
    assert ">Subscribe<" in page


def test_the_dashboard_sends_to_the_paywall_with_the_reason(browser: Client) -> None:
    response = browser.get("/dashboard/")
    assert response.status_code == 302
    page = text(browser.get(response.headers["Location"]))
    assert "You do not have a subscription yet." in page
    assert "Choose a plan to go on" in page


def test_the_reason_is_never_what_the_address_says(browser: Client) -> None:
    page = text(browser.get("/pricing/?reason=Pay+here:+evil.example&next=//evil.example/"))
    assert "evil.example" not in page.split("<main", 1)[1].split("</main>")[0]


def test_who_has_to_pay_first_is_sent_to_billing(browser: Client, user: Any) -> None:
    PriceFactory()
    SubscriptionFactory(customer__subscriber=user, payload={"status": "unpaid"})
    page = text(browser.get("/pricing/", {"reason": "subscription_unpaid"}))
    assert "Manage your subscription to get back in." in page
    assert "Go to billing" in page
    assert "/billing/checkout/" not in page


def test_a_visitor_is_given_no_reason(visitor: Client, db: None) -> None:
    page = text(visitor.get("/pricing/", {"reason": "subscription_required"}))
    assert "You do not have a subscription" not in page


def test_coming_back_from_an_abandoned_checkout(browser: Client) -> None:
    assert "Nothing was charged." in text(browser.get("/pricing/", {"canceled": "1"}))


# Checkout


def test_checkout_leads_to_stripe_and_back(browser: Client, shop: Simulator) -> None:
    session_id = start_checkout(browser, next="/dashboard/?tab=1")
    session = shop.get_object(session_id)
    assert session is not None
    assert session["success_url"] == (
        "http://testserver/billing/success/?next=%2Fdashboard%2F%3Ftab%3D1"
        "&session_id={CHECKOUT_SESSION_ID}"
    )
    assert session["cancel_url"] == (
        "http://testserver/pricing/?canceled=1&next=%2Fdashboard%2F%3Ftab%3D1"
    )
    shop.complete_checkout(session_id)
    page = browser.get("/billing/success/", {"session_id": session_id, "next": "/dashboard/"})
    assert "You are in" in text(page)
    assert "Your free trial ends on" in text(page)
    assert "After that $9.00 per month." in text(page)
    assert 'href="/dashboard/">Continue' in text(page)
    assert "no-store" in page.headers["Cache-Control"]
    assert browser.get("/dashboard/").status_code == 200


def test_checkout_of_a_price_that_is_not_offered(browser: Client, shop: Simulator) -> None:
    response = browser.post("/billing/checkout/", {"price": "free"}, follow=True)
    assert response.redirect_chain == [("/pricing/", 303)]
    assert "This price is not offered." in text(response)


def test_a_second_subscription_is_refused(browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    response = browser.post("/billing/checkout/", {"price": "yearly"}, follow=True)
    assert response.redirect_chain == [("/billing/", 303)]
    assert "You already have a subscription." in text(response)


@pytest.mark.parametrize("path", ["/billing/checkout/", "/billing/portal/"])
def test_only_forms_change_anything(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 405


@pytest.mark.parametrize(
    "path", ["/billing/", "/billing/success/", "/dashboard/", "/billing/portal/"]
)
def test_who_is_not_logged_in_is_asked_to(visitor: Client, path: str, db: None) -> None:
    response = visitor.get(path)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={path}"


# Success


def test_a_checkout_that_is_not_complete_is_being_processed(
    browser: Client, shop: Simulator
) -> None:
    page = browser.get("/billing/success/", {"session_id": start_checkout(browser)})
    assert page.status_code == 200
    assert "Processing your payment" in text(page)
    assert '<meta http-equiv="refresh" content="3">' in text(page)


def test_a_strangers_checkout_is_not_found(browser: Client, shop: Simulator, user: Any) -> None:
    session_id = subscribe(browser, shop)
    stranger, stranger_browser = UserFactory(), Client()
    stranger_browser.force_login(stranger)
    page = stranger_browser.get("/billing/success/", {"session_id": session_id})
    assert page.status_code == 404
    assert not Customer.objects.filter(subscriber=stranger).exists()
    assert Customer.objects.get().subscriber == user


@pytest.mark.parametrize("query", [{}, {"session_id": "cs_test_none"}, {"session_id": "'"}])
def test_an_unknown_checkout_is_not_found(
    browser: Client, shop: Simulator, query: dict[str, str]
) -> None:
    assert browser.get("/billing/success/", query).status_code == 404


def test_the_success_page_when_stripe_is_away(
    browser: Client, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**kwargs: Any) -> None:
        raise StripeUnavailable

    monkeypatch.setattr(billing_views, "complete_checkout", away)
    page = browser.get("/billing/success/", {"session_id": "cs_test_1"})
    assert "Processing your payment" in text(page)
    SubscriptionFactory(
        customer__subscriber=user,
        payload={"current_period_end": dt.datetime.now(dt.UTC) + dt.timedelta(days=3)},
    )
    page = browser.get("/billing/success/", {"session_id": "cs_test_1"})
    assert "You are in" in text(page)
    assert 'href="/dashboard/">Open the dashboard' in text(page)


# Billing and portal


def test_billing_without_a_subscription(browser: Client) -> None:
    page = text(browser.get("/billing/"))
    assert "No subscription" in page
    assert "Choose a plan" in page
    assert "Manage subscription" not in page


def test_billing_on_trial(browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    page = text(browser.get("/billing/"))
    assert "Reports, Monthly" in page
    assert "Free trial until" in page
    assert "First charge" in page
    assert "$9.00 per month" in page
    assert "Manage subscription" in page
    assert "Choose a plan" not in page


@pytest.mark.parametrize(
    ("payload", "chip", "shown"),
    [
        ({"status": "active"}, "Active", ["Next charge"]),
        ({"status": "active", "cancel_at": 3}, "Ending", ["Ends on"]),
        ({"status": "past_due"}, "Payment failed", ["Manage subscription"]),
        ({"status": "unpaid"}, "Not active", ["Manage subscription"]),
        ({"status": "canceled"}, "Not active", ["Choose a plan", "Manage subscription"]),
    ],
)
def test_billing_tells_the_status_in_words(
    browser: Client, user: Any, payload: dict[str, Any], chip: str, shown: list[str]
) -> None:
    today = dt.datetime.now(dt.UTC)
    dates = {
        "current_period_start": today - dt.timedelta(days=2),
        "current_period_end": today + dt.timedelta(days=20),
    }
    if "cancel_at" in payload:
        payload = payload | {"cancel_at": today + dt.timedelta(days=payload["cancel_at"])}
    SubscriptionFactory(customer__subscriber=user, payload=dates | payload)
    page = text(browser.get("/billing/"))
    assert f">{chip}</span>" in page
    for words in shown:
        assert words in page


def test_the_portal(browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    response = browser.post("/billing/portal/")
    assert response.status_code == 303
    token = response.headers["Location"].rpartition("/")[2]
    assert shop.get_portal_session(token)["return_url"] == "http://testserver/billing/"


def test_the_portal_without_a_customer(browser: Client) -> None:
    response = browser.post("/billing/portal/", follow=True)
    assert response.redirect_chain == [("/pricing/", 303)]
    assert "There is no billing account yet." in text(response)


def test_the_portal_when_stripe_is_away(browser: Client, user: Any, settings: Any) -> None:
    CustomerFactory(subscriber=user)
    settings.STRIPE_API_HOST = "http://127.0.0.1:9"
    response = browser.post("/billing/portal/", follow=True)
    assert response.redirect_chain == [("/billing/", 303)]
    assert "The payment provider cannot be reached." in text(response)


# Dashboard


def test_the_dashboard(browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    page = text(browser.get("/dashboard/"))
    assert "$64,300" in page
    assert "+3.9 %" in page
    assert page.count("<rect") == 12
    assert "Your free trial ends on" in page


def test_the_dashboard_closes_when_the_trial_was_canceled(browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    portal = browser.post("/billing/portal/").headers["Location"].rpartition("/")[2]
    [subscription] = shop.list_objects("subscription")
    shop.portal_cancel(portal, subscription["id"])
    shop.deliver_pending()
    assert "Ending" in text(browser.get("/billing/"))
    assert browser.get("/dashboard/").status_code == 200
    advance(shop, days=8)
    response = browser.get("/dashboard/")
    assert response.headers["Location"] == (
        "/pricing/?reason=subscription_canceled&next=%2Fdashboard%2F"
    )


def test_the_months_end_with_the_last_full_one() -> None:
    months = last_months(dt.date(2027, 1, 15))
    assert (months[0], months[-1]) == (dt.date(2026, 1, 1), dt.date(2026, 12, 1))
    assert len(months) == 12


def test_the_bars_fill_the_drawing() -> None:
    drawn = bars(REPORTS[0].series, last_months(dt.date(2027, 1, 15)))
    tallest = max(drawn, key=lambda bar: bar.value)
    assert (tallest.y, tallest.height) == (0, HEIGHT)
    assert drawn[-1].x + drawn[-1].width < WIDTH
    assert all(round(bar.y + bar.height, 1) == HEIGHT for bar in drawn)


# Words and figures


@pytest.mark.parametrize(
    ("language", "amount", "currency", "words"),
    [
        ("en", 900, "usd", "$9.00"),
        ("en", 123456, "brl", "R$1,234.56"),
        ("en", 900, "jpy", "¥900"),
        ("en", 900, "chf", "CHF 9.00"),
        ("en", None, "usd", ""),
        ("pt-br", 123456, "usd", "US$ 1.234,56"),
        ("pt-br", 900, "brl", "R$ 9,00"),
        ("pt-br", 900, "chf", "CHF 9,00"),
    ],
)
def test_money(language: str, amount: int | None, currency: str, words: str) -> None:
    with translation.override(language):
        assert format_money(amount, currency).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(("percent", "words"), [(1.25, "+1.2"), (0.0, "0.0"), (-3.0, "−3.0")])  # noqa: RUF001
def test_a_change_has_a_sign(percent: float, words: str) -> None:
    assert change(percent) == f"{words}\N{NO-BREAK SPACE}%"


def test_a_figure_is_money_or_a_count() -> None:
    assert figure(1187, "count") == "1,187"
    assert figure(64300, "usd") == "$64,300"


Offers = Callable[..., OfferedPrice]


@pytest.fixture
def offer() -> Offers:
    def make(**changes: Any) -> OfferedPrice:
        values = {
            "name": "monthly",
            "price_id": "price_1",
            "lookup_key": None,
            "currency": "usd",
            "unit_amount": 1000,
            "interval": "month",
            "interval_count": 1,
            "product_id": "prod_1",
            "product_name": "Reports",
        }
        return OfferedPrice(**(values | changes))

    return make


@pytest.mark.parametrize(
    ("interval", "count", "title", "per"),
    [
        ("day", 1, "Reports", "per day"),
        ("week", 2, "Reports", "every 2 weeks"),
        ("month", 1, "Monthly", "per month"),
        ("month", 3, "Reports", "every 3 months"),
        ("year", 1, "Yearly", "per year"),
        ("year", 2, "Reports", "every 2 years"),
    ],
)
def test_every_interval_has_words(
    monkeypatch: pytest.MonkeyPatch,
    offer: Offers,
    interval: str,
    count: int,
    title: str,
    per: str,
) -> None:
    offers = [offer(interval=interval, interval_count=count)]
    monkeypatch.setattr(plans, "offered_prices", lambda: offers)
    [plan] = plans.plans()
    assert (plan.title, plan.per) == (title, per)


@pytest.mark.parametrize(
    ("monthly", "yearly", "percent"),
    [
        ({}, {"unit_amount": 10000}, 16),
        ({}, {"unit_amount": 13000}, 0),
        ({"currency": "eur"}, {"unit_amount": 10000}, 0),
        ({"product_name": "Other"}, {"unit_amount": 10000}, 0),
        ({"unit_amount": 0}, {"unit_amount": 10000}, 0),
        ({}, {"unit_amount": None}, 0),
    ],
)
def test_the_saving_is_never_overstated(
    monkeypatch: pytest.MonkeyPatch,
    offer: Offers,
    monthly: dict[str, Any],
    yearly: dict[str, Any],
    percent: int,
) -> None:
    offers = [offer(**monthly), offer(name="yearly", interval="year", **yearly)]
    monkeypatch.setattr(plans, "offered_prices", lambda: offers)
    assert [plan.saving_percent for plan in plans.plans()] == [0, percent]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("/dashboard/", "/dashboard/"),
        ("http://testserver/dashboard/", "http://testserver/dashboard/"),
        ("https://evil.example/", ""),
        ("//evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_where_one_may_be_sent_on_to(rf: RequestFactory, url: str | None, safe: str) -> None:
    assert safe_next(rf.get("/"), url) == safe
