"""Domain errors. Each has a stable `code`; the HTTP status of each is the API's business."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# When to try again, where nobody says.
RETRY_AFTER_SECONDS = 5


class SubscriptionsError(Exception):
    """Base of every error this package raises on purpose.

    `code` never changes between releases, `message` is translated and safe to show to a person.
    """

    code: str = "error"
    message: str | Promise = _("Something went wrong.")

    def __init__(self) -> None:
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class PriceNotOffered(SubscriptionsError):
    """The asked price is not on the allowlist `PRICES`, or is not active."""

    code = "price_not_offered"
    message = _("This price is not offered.")


class QuantityNotOffered(SubscriptionsError):
    """The price is not sold in this quantity."""

    code = "quantity_not_offered"
    message = _("This quantity is not offered.")


class RedirectNotAllowed(SubscriptionsError):
    """A URL to come back to is neither of this site nor of `ALLOWED_REDIRECT_ORIGINS`."""

    code = "redirect_not_allowed"
    message = _("This address is not allowed as a redirect.")


class AlreadySubscribed(SubscriptionsError):
    """The subscriber has a live subscription; a second one would charge twice."""

    code = "already_subscribed"
    message = _("You already have a subscription. You can manage it in the customer portal.")


class CheckoutParamsRefused(SubscriptionsError):
    """The project's `CHECKOUT_PARAMS` gave what is not its to give; `fields` names it."""

    code = "checkout_params_refused"
    message = _("Checkout is not set up correctly. Please contact support.")

    def __init__(self, *, fields: tuple[str, ...]) -> None:
        super().__init__()
        self.fields = fields


class NotTrialing(SubscriptionsError):
    """There is no trial (any more) that could be extended or ended."""

    code = "not_trialing"
    message = _("The subscription is not on trial.")


class TrialEndRefused(SubscriptionsError):
    """A trial is not made shorter by extending it, and Stripe knows none of over 730 days."""

    code = "trial_end_refused"
    message = _("A trial cannot be extended by that much.")


class CustomerNotFound(SubscriptionsError):
    """The subscriber has no Stripe customer in this mode."""

    code = "customer_not_found"
    message = _("There is no billing account yet.")


class CheckoutSessionNotFound(SubscriptionsError):
    """No such Checkout Session, or it belongs to somebody else: the two answer alike."""

    code = "checkout_session_not_found"
    message = _("There is no such checkout.")


class SubscriberRequired(SubscriptionsError):
    """The request has a user but no subscriber (for example no organisation chosen)."""

    code = "subscriber_required"
    message = _("There is nobody to bill in this request.")


class InvalidBaseUrl(SubscriptionsError):
    """The address of the site is not absolute."""

    code = "invalid_base_url"
    message = _("The base URL must be absolute, such as https://example.com.")


class WebhookSecretUnknown(SubscriptionsError):
    """Stripe has the endpoint already and shows its secret only once, when it is created."""

    code = "webhook_secret_unknown"
    message = _(
        "Stripe has this webhook endpoint already. Copy its signing secret from the Stripe "
        "dashboard into DJSTRIPE_WEBHOOK_SECRET and try again."
    )


class AccessUnavailable(SubscriptionsError):
    """The database did not say who asks, or what they may use. Worth trying again; never a yes."""

    code = "unavailable"
    message = _("This is not available right now. Please try again in a moment.")


class Busy(SubscriptionsError):
    """Another request is selling to the same subscriber. Worth trying again in a moment."""

    code = "busy"
    message = _("Another request of yours is being worked on. Please try again in a moment.")


class CustomerConflict(SubscriptionsError):
    """The customer is somebody else's, or the subscriber has another: for a person to decide."""

    code = "customer_conflict"
    message = _("This billing account cannot be linked: it, or the subscriber, has another link.")


class StripeUnavailable(SubscriptionsError):
    """Stripe did not answer, or with an error of its own. Worth trying again, with the same
    arguments: what was begun is then finished, and nothing is done twice.

    `retry_after` is in seconds.
    """

    code = "stripe_unavailable"
    message = _("The payment provider cannot be reached. Please try again in a moment.")

    def __init__(self, *, retry_after: int | None = None) -> None:
        super().__init__()
        self.retry_after = RETRY_AFTER_SECONDS if retry_after is None else retry_after


class StripeRateLimited(StripeUnavailable):
    """Stripe asks us to slow down, or is at work on the same object. Worth trying again."""

    code = "stripe_rate_limited"
    message = _("The payment provider is busy. Please try again in a moment.")


class StripeRefused(SubscriptionsError):
    """Stripe answered that the request is wrong: a mistake in the configuration or in us.

    `stripe_code` and `stripe_param` name Stripe's reason; its message is kept out, since it may
    quote what was sent.
    """

    code = "stripe_refused"
    message = _("The payment provider refused the request.")

    def __init__(self, *, stripe_code: str | None, stripe_param: str | None) -> None:
        super().__init__()
        self.stripe_code = stripe_code
        self.stripe_param = stripe_param


class StripeMisconfigured(StripeRefused):
    """Stripe does not accept our secret key, or the key may not do this (401, 403)."""

    code = "stripe_misconfigured"
    message = _("Payments are not set up correctly. Please contact support.")


class PortalNotConfigured(StripeRefused):
    """The account's customer portal was never saved in Stripe's dashboard, separately for test
    mode and live mode."""

    code = "portal_not_configured"
    message = _("The customer portal is not set up yet. Please contact support.")


class PaymentFailed(StripeRefused):
    """The card was declined, or the payment failed (402); `stripe_code` says how."""

    code = "payment_failed"
    message = _("The payment failed. Please try another card.")
