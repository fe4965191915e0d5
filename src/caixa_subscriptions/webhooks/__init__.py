"""What happens when Stripe tells us something, after dj-stripe has stored it."""
