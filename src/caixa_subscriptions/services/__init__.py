"""WRITE: keyword-only functions that change something here or at Stripe. No request objects."""
