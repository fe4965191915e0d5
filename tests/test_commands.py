"""sync_stripe, fix_customer_links and webhook_endpoint."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.test import Client
from djstripe.models import Customer, Price, Product, Subscription, WebhookEndpoint

from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import InvalidBaseUrl
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory
from tests.signing import signed
from tests.test_checkout import GONE, check_out

pytestmark = pytest.mark.django_db


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(name: str, *, stdout: StringIO | None = None, **options: Any) -> str:
    stdout = stdout or StringIO()
    call_command(name, stdout=stdout, stderr=stdout, **options)
    return stdout.getvalue()


class TestSyncStripe:
    def test_brings_everything_and_spends_the_trial(self, user: Any, shop: Simulator) -> None:
        shop.complete_checkout(check_out(user).session_id)
        for model in (Subscription, Price, Product, Customer):
            model.objects.all().delete()
        output = run("sync_stripe")
        assert "Stripe test mode\n" in output
        assert "products: 1 at Stripe, 1 added, 0 known, 0 failed" in output
        assert "prices: 2 at Stripe, 2 added, 0 known, 0 failed" in output
        assert "customers: 1 at Stripe, 1 added, 0 known, 0 failed" in output
        assert "subscriptions: 1 at Stripe, 1 added, 0 known, 0 failed" in output
        assert get_access(user).is_trialing
        assert TrialUsageTracking.objects.get().subscriber == user

    def test_a_second_run_adds_nothing(self, shop: Simulator) -> None:
        run("sync_stripe")
        assert "prices: 2 at Stripe, 0 added, 2 known, 0 failed" in run("sync_stripe")

    def test_dry_run_stores_nothing(self, shop: Simulator) -> None:
        Product.objects.all().delete()
        output = run("sync_stripe", dry_run=True)
        assert "products: 1 at Stripe, 1 would be added" in output
        assert not Product.objects.exists()

    def test_only_limits_it(self, shop: Simulator) -> None:
        output = run("sync_stripe", only=["prices"])
        assert "prices" in output
        assert "customers" not in output

    def test_shows_progress_on_a_terminal_only(self, shop: Simulator) -> None:
        assert "\rprices: 2" in run("sync_stripe", stdout=Terminal(), only=["prices"])
        assert "\r" not in run("sync_stripe", only=["prices"])

    def test_goes_through_more_than_one_page(self, shop: Simulator) -> None:
        for number in range(101):
            request(shop, "POST", "/v1/products", {"name": f"Product {number}"})
        output = run("sync_stripe", only=["products"], dry_run=True)
        assert "products: 102 at Stripe, 101 would be added, 1 known" in output

    @pytest.mark.parametrize("error", [ValueError, KeyError, DatabaseError, RuntimeError])
    def test_one_that_cannot_be_stored_does_not_stop_the_rest(
        self,
        shop: Simulator,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: type[Exception],
    ) -> None:
        bad = request(shop, "POST", "/v1/products", {"name": "Bad"})["id"]
        request(shop, "POST", "/v1/products", {"name": "Good"})
        store: Callable[..., Any] = Product.sync_from_stripe_data

        def sync(data: Any, **kwargs: Any) -> Any:
            if data.id == bad:
                raise error("with details nobody should log")
            return store(data, **kwargs)

        monkeypatch.setattr(Product, "sync_from_stripe_data", sync)
        with pytest.raises(CommandError, match="1 objects could not be stored"):
            run("sync_stripe", only=["products"])
        assert Product.objects.filter(name="Good").exists()
        assert f"Could not sync {bad}: {error.__name__}" in caplog.text
        assert "details" not in caplog.text

    def test_stripe_down_is_a_clear_error(self, settings: Any) -> None:
        settings.STRIPE_API_HOST = GONE
        with pytest.raises(CommandError, match=r"products: .*\(stripe_unavailable\)"):
            run("sync_stripe")


class TestFixCustomerLinks:
    def test_links_by_metadata_and_spends_the_trial(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=None, metadata={"djstripe_subscriber": str(user.pk)})
        SubscriptionFactory(
            customer=customer, payload={"status": "trialing", "trial_end": 1_790_000_000}
        )
        output = run("fix_customer_links")
        customer.refresh_from_db()
        assert customer.subscriber == user
        assert TrialUsageTracking.objects.get().subscriber == user
        assert f"{customer.id}: linked by metadata (subscriber {user.pk})" in output
        assert "1 linked" in output

    def test_a_second_run_changes_nothing(self, user: Any) -> None:
        CustomerFactory(subscriber=None, metadata={"djstripe_subscriber": str(user.pk)})
        run("fix_customer_links")
        assert run("fix_customer_links") == "nothing to link\n"

    def test_dry_run_changes_nothing(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=None, metadata={"djstripe_subscriber": str(user.pk)})
        assert "Dry run: 1 linked" in run("fix_customer_links", dry_run=True)
        customer.refresh_from_db()
        assert customer.subscriber is None

    def test_never_links_by_email(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=None, email=user.email)
        assert "1 no_evidence" in run("fix_customer_links")
        customer.refresh_from_db()
        assert customer.subscriber is None

    @pytest.mark.parametrize("named", ["999999", "nobody", "-1", " {pk}", "0{pk}"])
    def test_a_subscriber_who_is_not_there(self, user: Any, named: str) -> None:
        named = named.format(pk=user.pk)
        CustomerFactory(subscriber=None, metadata={"djstripe_subscriber": named})
        assert "1 no_such_subscriber" in run("fix_customer_links")

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_two_customers_of_one_subscriber_are_for_a_person_to_decide(
        self, user: Any, dry_run: bool
    ) -> None:
        mark = {"djstripe_subscriber": str(user.pk)}
        CustomerFactory.create_batch(2, subscriber=None, metadata=mark)
        output = run("fix_customer_links", dry_run=dry_run)
        assert "1 linked, 1 subscriber_has_another_customer" in output

    def test_the_other_mode_is_left_alone(self, user: Any) -> None:
        CustomerFactory(
            subscriber=None, livemode=True, metadata={"djstripe_subscriber": str(user.pk)}
        )
        assert run("fix_customer_links") == "nothing to link\n"

    def test_json(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=None, metadata={"djstripe_subscriber": str(user.pk)})
        assert json.loads(run("fix_customer_links", json=True)) == {
            "customer_id": customer.id,
            "outcome": "linked",
            "subscriber_pk": str(user.pk),
            "evidence": "metadata",
            "dry_run": False,
        }


SECRET = "whsec_" + "settings"


class TestWebhookEndpoint:
    def test_with_the_secret_of_the_settings_the_endpoint_works(
        self, settings: Any, user: Any, shop: Simulator
    ) -> None:
        WebhookEndpoint.objects.all().delete()
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET
        output = run("webhook_endpoint", base_url="https://shop.example")
        endpoint = WebhookEndpoint.objects.get()
        path = f"/stripe/webhook/{endpoint.djstripe_uuid}/"
        assert output == f"https://shop.example{path}\n"
        assert endpoint.secret == SECRET
        assert endpoint.livemode is False

        shop.complete_checkout(check_out(user).session_id)
        (event,) = shop.list_objects("event", type="customer.subscription.created")
        assert Client().post(path, **signed(event, secret=SECRET)).status_code == 200
        assert TrialUsageTracking.objects.get().has_used_trial
        forged = signed(event, secret="whsec_" + "forged")
        assert Client().post(path, **forged).status_code == 400

    def test_again_keeps_the_url_and_takes_the_new_secret(self, settings: Any) -> None:
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET
        first = run("webhook_endpoint", base_url="https://shop.example")
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET + "2"
        assert run("webhook_endpoint", base_url="https://shop.example/") == first
        assert WebhookEndpoint.objects.get().secret == SECRET + "2"

    def test_without_a_secret_it_says_what_to_do(self) -> None:
        assert "set DJSTRIPE_WEBHOOK_SECRET" in run(
            "webhook_endpoint", base_url="https://a.example"
        )

    @pytest.mark.parametrize(
        "base_url",
        [
            "shop.example",
            "ftp://shop.example",
            "https://",
            "",
            "http://[::1",
            "https://shop.example?a=1",
            "https://shop.example/#a",
            "https://user:word@shop.example",
            "https://shop example",
        ],
    )
    def test_needs_an_absolute_url(self, base_url: str) -> None:
        with pytest.raises(InvalidBaseUrl):
            set_up_webhook_endpoint(base_url=base_url, register=False)
        with pytest.raises(CommandError, match="invalid_base_url"):
            run("webhook_endpoint", base_url=base_url)

    def test_register_creates_it_at_stripe_and_keeps_the_secret(
        self, stripe_api: Simulator
    ) -> None:
        run("webhook_endpoint", base_url="http://testserver", register=True)
        (at_stripe,) = stripe_api.list_objects("webhook_endpoint")
        endpoint = WebhookEndpoint.objects.get()
        assert endpoint.id == at_stripe["id"]
        assert endpoint.url == at_stripe["url"]
        assert str(endpoint.djstripe_uuid) in endpoint.url
        assert endpoint.secret.startswith("whsec_")
        assert "customer.subscription.trial_will_end" in at_stripe["enabled_events"]
        assert at_stripe["api_version"] == "2026-08-26.dahlia"

    def test_register_again_moves_it_and_keeps_the_secret(self, stripe_api: Simulator) -> None:
        run("webhook_endpoint", base_url="http://testserver", register=True)
        secret = WebhookEndpoint.objects.get().secret
        run("webhook_endpoint", base_url="http://testserver:9000", register=True)
        (at_stripe,) = stripe_api.list_objects("webhook_endpoint")
        assert at_stripe["url"].startswith("http://testserver:9000/")
        endpoint = WebhookEndpoint.objects.get()
        assert (endpoint.url, endpoint.secret) == (at_stripe["url"], secret)

    def test_register_again_enables_what_stripe_has_disabled(self, stripe_api: Simulator) -> None:
        run("webhook_endpoint", base_url="http://testserver", register=True)
        (at_stripe,) = stripe_api.list_objects("webhook_endpoint")
        request(stripe_api, "POST", f"/v1/webhook_endpoints/{at_stripe['id']}", {"disabled": True})
        run("webhook_endpoint", base_url="http://testserver", register=True)
        (at_stripe,) = stripe_api.list_objects("webhook_endpoint")
        assert at_stripe["status"] == "enabled"

    def test_register_warns_of_a_secret_in_the_settings_that_is_another(
        self, stripe_api: Simulator, settings: Any
    ) -> None:
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET
        output = run("webhook_endpoint", base_url="http://testserver", register=True)
        assert "DJSTRIPE_WEBHOOK_SECRET is not the secret" in output
        assert WebhookEndpoint.objects.get().secret not in output

    def test_register_takes_over_a_row_made_by_hand(self, stripe_api: Simulator) -> None:
        by_hand = run("webhook_endpoint", base_url="http://testserver")
        assert run("webhook_endpoint", base_url="http://testserver", register=True) in by_hand
        assert WebhookEndpoint.objects.get().secret

    def test_a_secret_stripe_will_not_show_again_is_asked_for(
        self, stripe_api: Simulator, settings: Any
    ) -> None:
        run("webhook_endpoint", base_url="http://testserver", register=True)
        WebhookEndpoint.objects.update(secret="")
        with pytest.raises(CommandError, match="webhook_secret_unknown"):
            run("webhook_endpoint", base_url="http://testserver", register=True)
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET
        run("webhook_endpoint", base_url="http://testserver", register=True)
        assert WebhookEndpoint.objects.get().secret == SECRET

    @pytest.mark.parametrize("how", ["lost", "500"])
    def test_an_answer_that_was_lost_makes_no_second_endpoint(
        self, how: str, stripe_api: Simulator, settings: Any
    ) -> None:
        """Nor one whose secret nobody knows."""
        where: Any = {"method": "POST", "path": "/v1/webhook_endpoints", "times": None}
        if how == "lost":
            stripe_api.control.drop("after", **where)
        else:
            stripe_api.control.fail(500, committed=True, **where)
        with pytest.raises(CommandError):
            run("webhook_endpoint", base_url="http://testserver", register=True)
        stripe_api.control.clear()
        with pytest.raises(CommandError, match="webhook_secret_unknown"):
            run("webhook_endpoint", base_url="http://testserver", register=True)
        settings.DJSTRIPE_WEBHOOK_SECRET = SECRET  # copied from the dashboard
        run("webhook_endpoint", base_url="http://testserver", register=True)
        (at_stripe,) = stripe_api.list_objects("webhook_endpoint")
        endpoint = WebhookEndpoint.objects.get()
        assert (endpoint.id, endpoint.url) == (at_stripe["id"], at_stripe["url"])
        assert endpoint.secret == SECRET

    def test_each_mode_has_its_own(self, settings: Any) -> None:
        run("webhook_endpoint", base_url="https://shop.example")
        settings.STRIPE_LIVE_MODE = True
        run("webhook_endpoint", base_url="https://shop.example")
        assert WebhookEndpoint.objects.filter(livemode=True).count() == 1
        assert WebhookEndpoint.objects.count() == 2


def test_the_admin_shows_and_finds_trial_usage(client: Client) -> None:
    admin = UserFactory(is_staff=True, is_superuser=True)
    usage = TrialUsageTracking.objects.create(
        subscriber=UserFactory(), has_used_trial=True, subscription_id="sub_9"
    )
    client.force_login(admin)
    url = "/admin/caixa_subscriptions/trialusagetracking/"
    assert b"sub_9" in client.get(url, {"q": "sub_9"}).content
    assert client.get(f"{url}{usage.pk}/change/").status_code == 200
    assert client.get(f"{url}add/").status_code == 200


def test_nothing_personal_reaches_the_log(
    user: Any, shop: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "caixa_subscriptions"):
        session = check_out(user)
        shop.complete_checkout(session.session_id)
        shop.deliver_pending()
        run("sync_stripe")
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("caixa")
    )
    assert "customer.subscription.created" in ours
    for secret in (user.email, session.url, "sk_test_", "whsec_", session.session_id):
        assert secret not in ours
