"""What Stripe cannot know. Subscription state itself lives in dj-stripe's tables only."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from djstripe.settings import djstripe_settings


class TrialUsageTracking(models.Model):
    """That a subscriber has subscribed, and whether the free trial was used.

    Outlives the subscriber and the customer: whoever subscribed once gets no free trial.

    Kept per mode, so that a trial tried out in test mode does not spend the real one.
    """

    subscriber = models.ForeignKey(
        djstripe_settings.get_subscriber_model_string(),
        verbose_name=_("subscriber"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="trial_usage",
    )
    livemode = models.BooleanField(_("live mode"), default=False)
    has_used_trial = models.BooleanField(_("has used the trial"), default=False)
    trial_used_at = models.DateTimeField(_("trial used at"), null=True, blank=True)
    subscription_id = models.CharField(
        _("subscription"),
        max_length=255,
        blank=True,
        help_text=_("Stripe's id of the trial's subscription, else of the first one."),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("trial usage")
        verbose_name_plural = _("trial usage")
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "livemode"], name="caixa_one_trial_per_subscriber"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {'live' if self.livemode else 'test'}"


class CustomerEntitlements(models.Model):
    """What a customer is entitled to at Stripe, which dj-stripe hears of and does not keep.

    Replaced as a whole at `entitlements.active_entitlement_summary.updated`, which is a snapshot
    (Stripe docs: entitlements).
    """

    customer = models.OneToOneField(
        "djstripe.Customer",
        verbose_name=_("customer"),
        on_delete=models.CASCADE,
        related_name="caixa_entitlements",
    )
    lookup_keys = models.JSONField(
        _("features"), default=list, help_text=_("Lookup keys of the customer's features.")
    )
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("customer's entitlements")
        verbose_name_plural = _("customers' entitlements")

    def __str__(self) -> str:
        return ", ".join(self.lookup_keys)
