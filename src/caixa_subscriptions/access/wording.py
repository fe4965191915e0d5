"""The rules of `decision` in words, and what would change their answer."""

from __future__ import annotations

from django.utils.translation import gettext as _


def because(rule: str) -> str:
    """Why, as one sentence in the active language. Raises `KeyError` for no rule of ours."""
    return {
        "no_subscription": _("There is no subscription in this mode."),
        "customer_deleted": _("Its customer was deleted at Stripe, and it ended with them."),
        "active": _("It is active."),
        "trialing": _("It is on trial."),
        "signup_trial": _("It is on the trial that began at sign-up."),
        "signup_trial_over": _("The trial that began at sign-up is over."),
        "cancels_later": _("It runs until the moment it was canceled for."),
        "news_late": _("Its period is over. It counts as renewed while Stripe's news may be late."),
        "renewal_unheard": _("Its period is over, and a renewal was not heard of in time."),
        "trial_over_unheard": _("Its trial is over, and what followed was not heard of in time."),
        "ended": _("Stripe says that it has ended."),
        "cancellation_reached": _("The moment it was canceled for has come."),
        "past_due": _("A payment failed, and the days of tolerance are running."),
        "past_due_over": _("A payment failed, and the days of tolerance are over."),
        "past_due_unknown": _("A payment failed, and it is not known when."),
        "canceled": _("It was canceled."),
        "trial_ended": _("Its trial ended without a payment method, so Stripe canceled it."),
        "incomplete": _("Its first payment was not completed."),
        "incomplete_allowed": _("Its first payment is pending, and ALLOW_INCOMPLETE waits for it."),
        "paused": _("Its trial ended without a payment method, so Stripe paused it."),
        "unpaid": _("Stripe gave up collecting its invoices."),
        "never_paid": _("Its first payment never came, so Stripe gave it up."),
        "unknown_status": _("Its status is none that this release knows."),
        "staff_exempt": _("The gates do not ask staff (STAFF_EXEMPT)."),
    }[rule]


# What makes the answer another one, by rule; the order is that of likelihood.
_CHANGES = {
    "active": ("failed_payment", "cancellation"),
    "trialing": ("end_of_trial", "cancellation"),
    "signup_trial": ("end_of_signup_trial", "checkout"),
    "signup_trial_over": ("checkout",),
    "cancels_later": ("resuming",),
    "news_late": ("news",),
    "renewal_unheard": ("news",),
    "trial_over_unheard": ("news",),
    "past_due": ("payment", "cancellation"),
    "past_due_over": ("payment",),
    "past_due_unknown": ("payment", "news"),
    "incomplete": ("first_payment",),
    "incomplete_allowed": ("first_payment",),
    "paused": ("payment_method",),
    "unpaid": ("payment",),
    "unknown_status": ("update",),
    "staff_exempt": ("staff",),
    "no_subscription": ("checkout",),
    "customer_deleted": ("checkout",),
    "ended": ("checkout",),
    "cancellation_reached": ("checkout",),
    "canceled": ("checkout",),
    "trial_ended": ("checkout",),
    "never_paid": ("checkout",),
}


def what_would_change(rule: str) -> tuple[str, ...]:
    """The names of what would change the answer of this rule; see `in_words`."""
    return _CHANGES[rule]


def in_words(change: str) -> str:
    """A name out of `what_would_change` as one sentence in the active language."""
    return {
        "checkout": _("A new checkout."),
        "payment": _("Payment of the open invoice."),
        "first_payment": _("Completing the first payment."),
        "payment_method": _("A payment method, and resuming."),
        "resuming": _("Resuming it before then."),
        "news": _("News from Stripe: see whether webhooks arrive, or run sync_stripe."),
        "failed_payment": _("A payment that fails, once PAST_DUE_DAYS are over."),
        "cancellation": _("A cancellation."),
        "end_of_signup_trial": _("The end of the trial."),
        "end_of_trial": _("The end of the trial, if nothing is paid then."),
        "update": _("A release of caixa-subscriptions that knows the status."),
        "staff": _("Being staff no longer."),
    }[change]
