"""Sell subscriptions with Django, Stripe and dj-stripe."""

__version__ = "0.1.0"
