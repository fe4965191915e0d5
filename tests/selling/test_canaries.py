"""The trap for canaries finds them; and neither reprs nor the admin's lists tell any."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import pkgutil
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

import caixa_subscriptions
from caixa_subscriptions.exceptions import SubscriptionsError
from caixa_subscriptions.services.checkout import CheckoutSession
from tests.canaries import CANARIES, NAME, Trap, canaries_in
from tests.factories import UserFactory

TOLD = {
    "e-mail address": "person7@example.com",
    "name": NAME,
    "CPF": "000.000.000-00",
    "card number": "4242 4242 4242 4242",
    "API key": "sk_test_simulator000000000000000000",
    "secret of a webhook": "whsec_0123456789",
    "secret of a client": "pi_3ABC_secret_DEF",
    "URL of a session": "https://checkout.stripe.com/c/pay/cs_test_a1#fid",
}
MODELS = list(apps.get_app_config("caixa_subscriptions").get_models())


def test_every_canary_is_known() -> None:
    assert TOLD.keys() == CANARIES.keys()
    for what, text in TOLD.items():
        assert canaries_in(text) == [what]
    assert canaries_in("Event evt_1 (customer.created) for cus_1 and cs_test_a1, user 7") == []


@pytest.mark.parametrize("text", TOLD.values(), ids=TOLD)
def test_the_trap_finds_them_in_messages_and_in_tracebacks(text: str) -> None:
    trap = Trap()  # handed its records by hand, or the one around every test would hear them too
    logger = logging.getLogger("caixa_subscriptions.anything")
    trap.handle(logger.makeRecord(logger.name, logging.DEBUG, "", 0, "Of %s", (7,), None))
    assert trap.found == []
    trap.handle(logger.makeRecord(logger.name, logging.DEBUG, "", 0, "Of %s", (text,), None))
    assert len(trap.found) == 1
    info = (ValueError, ValueError(text), None)
    trap.handle(logger.makeRecord(logger.name, logging.ERROR, "", 0, "Oh", (), info))
    assert len(trap.found) == 2


def test_the_trap_hears_our_loggers_at_every_level(canaries: Trap) -> None:
    before = canaries.looked_at
    logging.getLogger("caixa_subscriptions.anything").debug("%s", "nothing")
    assert canaries.looked_at == before + 1


def our_dataclasses() -> list[type[Any]]:
    found = []
    for module in pkgutil.walk_packages(caixa_subscriptions.__path__, "caixa_subscriptions."):
        if ".simulator" in module.name or "pytest_plugin" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value):
                found.append(value)
    return list(dict.fromkeys(found))


def test_fields_that_hold_secrets_are_in_no_repr() -> None:
    secret = ("url", "secret", "email", "client_secret", "secret_key", "idempotency_key")
    told = [
        f"{owner.__name__}.{one.name}"
        for owner in our_dataclasses()
        for one in dataclasses.fields(owner)
        if one.name in secret and one.repr
    ]
    assert CheckoutSession in our_dataclasses()
    assert told == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows_have_reprs_without_people(model: type[models.Model], db: None) -> None:
    user = UserFactory()
    row = model()
    for one in model._meta.concrete_fields:
        if one.name == "subscriber":
            setattr(row, one.name, user)
        elif "digest" in one.name:
            setattr(row, one.name, TOLD["e-mail address"])
    assert canaries_in(f"{row!r} {row}") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model",
    [model for model in MODELS if admin.site.is_registered(model)],
    ids=lambda m: m.__name__,
)
def test_lists_of_the_admin_show_nobody(model: type[models.Model], client: Client) -> None:
    client.force_login(UserFactory(email="staff@example.com", is_staff=True, is_superuser=True))
    subscriber = UserFactory(email="person7@example.com")
    values: dict[str, Any] = {}
    for one in model._meta.concrete_fields:
        if one.name == "subscriber":
            values["subscriber"] = subscriber
    row = model.objects.create(**values) if values else None  # type: ignore[attr-defined]
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    page = client.get(url).content.decode()
    assert row is None or str(subscriber.pk) in page
    assert canaries_in(page.replace("staff@example.com", "")) == []


def test_errors_are_looked_at_when_they_are_made(canaries: Trap) -> None:
    before = canaries.looked_at
    SubscriptionsError()
    assert canaries.looked_at == before + 1
