from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CaixaSubscriptionsConfig(AppConfig):
    name = "caixa_subscriptions"
    verbose_name = _("Subscriptions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("caixa_subscriptions.access.invalidation")
        import_module("caixa_subscriptions.checks.access")
        import_module("caixa_subscriptions.checks.trials")
        import_module("caixa_subscriptions.services.following")
        import_module("caixa_subscriptions.services.ownership")
        import_module("caixa_subscriptions.checks.selling")
        import_module("caixa_subscriptions.webhooks.receivers")
