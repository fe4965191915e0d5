"""Domain errors. Each has a stable `code`; the HTTP status of each is the API's business."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


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


class RedirectNotAllowed(SubscriptionsError):
    """A URL to come back to is neither of this site nor of `ALLOWED_REDIRECT_ORIGINS`."""

    code = "redirect_not_allowed"
    message = _("This address is not allowed as a redirect.")


class AlreadySubscribed(SubscriptionsError):
    """The subscriber has a live subscription; a second one would charge twice."""

    code = "already_subscribed"
    message = _("You already have a subscription. You can manage it in the customer portal.")


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


class StripeUnavailable(SubscriptionsError):
    """Stripe did not answer, or asked us to slow down. Worth trying again."""

    code = "stripe_unavailable"
    message = _("The payment provider cannot be reached. Please try again in a moment.")


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
