"""What Stripe cannot know. Subscription state itself lives in dj-stripe's tables only."""

from __future__ import annotations

import secrets
import time

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _
from djstripe.settings import djstripe_settings


def subscriber_models() -> list[type[models.Model]]:
    """The subscriber's model and its proxies: signals are connected to these alone, since a
    receiver of every model takes from all of them Django's quick way of deleting."""
    concrete = djstripe_settings.get_subscriber_model()
    return [model for model in apps.get_models() if model._meta.concrete_model is concrete]


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
    checkout_session_id = models.CharField(
        _("Checkout Session"),
        max_length=255,
        blank=True,
        db_index=True,
        help_text=_("Stripe's id of the open Checkout Session the trial is reserved for."),
    )
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    trial_end = models.DateTimeField(
        _("trial ends at"),
        null=True,
        blank=True,
        help_text=_("Of a trial that began at sign-up; of one at Stripe, Stripe knows."),
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


class TrialIdentity(models.Model):
    """Something a subscriber of a trial is known again by, as a keyed HMAC of it.

    One trial for each: the digest is unique. It outlives the subscriber and the customer.
    """

    class Kind(models.TextChoices):
        SUBSCRIBER = "subscriber", _("subscriber")
        EMAIL = "email", _("e-mail address")
        CARD = "card", _("card")

    usage = models.ForeignKey(
        TrialUsageTracking,
        verbose_name=_("trial usage"),
        on_delete=models.CASCADE,
        related_name="identities",
    )
    livemode = models.BooleanField(_("live mode"), default=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    digest = models.CharField(_("digest"), max_length=64)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("trial identity")
        verbose_name_plural = _("trial identities")
        constraints = [
            models.UniqueConstraint(
                fields=["livemode", "kind", "digest"], name="caixa_one_trial_per_identity"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {'live' if self.livemode else 'test'}"


def new_reference() -> str:
    """Begins with the time, as UUID version 7 does (RFC 9562): what is made together lies
    together in the index, which a million at once are written into a third quicker."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


class BillingAccount(models.Model):
    """A subscriber in one mode: which customer is theirs, and who is selling to them right now.

    The constraint dj-stripe lacks: one customer per subscriber and mode, one subscriber per
    customer. `locked_by` is the token of the one request that may change things at Stripe.

    Outlives its subscriber: an account of nobody says that its customer's owner was deleted, so
    that a new subscriber who is given the old one's primary key does not inherit the customer.
    """

    class Closing(models.TextChoices):
        CANCEL = "cancel", _("cancel now")
        CANCEL_AT_PERIOD_END = "cancel_at_period_end", _("cancel at the period's end")

    subscriber = models.ForeignKey(
        djstripe_settings.get_subscriber_model_string(),
        verbose_name=_("subscriber"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="billing_accounts",
        db_index=False,  # the constraint has one
    )
    livemode = models.BooleanField(_("live mode"), default=False)
    # Null, since it is unique.
    customer_id = models.CharField(  # noqa: DJ001
        _("customer"),
        max_length=255,
        null=True,
        blank=True,
        help_text=_("Its id at Stripe."),
    )
    reference = models.CharField(
        _("reference"),
        max_length=32,
        default=new_reference,
        editable=False,
        help_text=_("In the metadata of a customer made for this account, and for no other."),
    )
    closing = models.CharField(
        _("closing"),
        max_length=32,
        choices=Closing.choices,
        blank=True,
        help_text=_("What is still to be done at Stripe since the subscriber was deleted."),
    )
    locked_by = models.CharField(max_length=32, blank=True, editable=False)
    locked_until = models.DateTimeField(null=True, blank=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("billing account")
        verbose_name_plural = _("billing accounts")
        # Not `unique=True`, which makes two indexes of each on PostgreSQL.
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "livemode"], name="caixa_one_account_per_subscriber"
            ),
            models.UniqueConstraint(fields=["customer_id"], name="caixa_one_account_per_customer"),
            models.UniqueConstraint(fields=["reference"], name="caixa_one_account_per_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {'live' if self.livemode else 'test'}"


class CheckoutAttempt(models.Model):
    """A Checkout Session we opened: for whom, for what, and what became of it."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        COMPLETE = "complete", _("complete")
        EXPIRED = "expired", _("expired")

    subscriber = models.ForeignKey(
        djstripe_settings.get_subscriber_model_string(),
        verbose_name=_("subscriber"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="checkout_attempts",
    )
    livemode = models.BooleanField(_("live mode"), default=False)
    session_id = models.CharField(_("Checkout Session"), max_length=255, unique=True)
    customer_id = models.CharField(_("customer"), max_length=255, db_index=True)
    price_id = models.CharField(_("price"), max_length=255)
    params_digest = models.CharField(max_length=64, editable=False)
    trial_days = models.PositiveIntegerField(_("trial days"), default=0)
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.OPEN
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("checkout attempt")
        verbose_name_plural = _("checkout attempts")

    def __str__(self) -> str:
        return self.session_id


class StripeRequest(models.Model):
    """A write to Stripe whose outcome is not known (yet), with the key it is repeated under.

    Stored before Stripe is called and removed when Stripe has answered (Stripe docs: idempotent
    requests). One that several callers sent at once stays for an hour after it was settled: who
    of them got no answer will ask again.
    """

    livemode = models.BooleanField(_("live mode"), default=False)
    operation = models.CharField(_("operation"), max_length=64)
    scope = models.CharField(
        _("scope"), max_length=255, help_text=_("What the operation is about, such as an id.")
    )
    params_digest = models.CharField(max_length=64, editable=False)
    idempotency_key = models.CharField(max_length=255, unique=True, editable=False)
    is_in_doubt = models.BooleanField(
        default=False, editable=False, help_text=_("A caller was left without an answer.")
    )
    is_shared = models.BooleanField(
        default=False, editable=False, help_text=_("Several callers sent it at once.")
    )
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("request to Stripe")
        verbose_name_plural = _("requests to Stripe")
        constraints = [
            models.UniqueConstraint(
                fields=["livemode", "operation", "scope", "params_digest"],
                name="caixa_one_request_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.scope}"


class Remedy(models.Model):
    """Something a webhook showed to be wrong at Stripe, and whether it has been put right there.

    Written in the webhook's transaction and carried out after its commit; what fails is tried
    again. Once per subscription and kind, however often the news comes.
    """

    class Kind(models.TextChoices):
        SECOND_TRIAL = "second_trial", _("second trial")
        SECOND_SUBSCRIPTION = "second_subscription", _("second subscription")

    class Policy(models.TextChoices):
        END_TRIAL = "end_trial", _("end the trial now")
        CANCEL_AND_REFUND = "cancel_and_refund", _("cancel and refund")
        FLAG = "flag", _("flag only")

    subscriber = models.ForeignKey(
        djstripe_settings.get_subscriber_model_string(),
        verbose_name=_("subscriber"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="remedies",
    )
    livemode = models.BooleanField(_("live mode"), default=False)
    kind = models.CharField(_("kind"), max_length=32, choices=Kind.choices)
    policy = models.CharField(_("policy"), max_length=32, choices=Policy.choices)
    subscription_id = models.CharField(_("subscription"), max_length=255)
    kept_subscription_id = models.CharField(_("kept subscription"), max_length=255, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_told = models.BooleanField(default=False, editable=False)  # the alert was sent
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("remedy")
        verbose_name_plural = _("remedies")
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "kind"], name="caixa_one_remedy_per_subscription"
            )
        ]
        indexes = [models.Index(fields=["livemode", "done_at"], name="caixa_remedies_to_do")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subscription_id}"


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
