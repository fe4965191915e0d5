"""An offline Stripe: API, hosted pages, signed webhooks and test clocks, for tests and demos.

Stands alone: nothing here imports Django or the rest of the package.
"""

from caixa_subscriptions.simulator.core import Response, Simulator
from caixa_subscriptions.simulator.errors import CardError, StripeError

__all__ = ["CardError", "Response", "Simulator", "StripeError"]
