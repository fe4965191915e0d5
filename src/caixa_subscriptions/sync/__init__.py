"""Reconciliation with Stripe: what a webhook never brought, and customers without an owner."""
