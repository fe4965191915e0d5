"""Public signals.

Each is sent after the database commit, at most once per Stripe event, with `send_robust`: a
failing receiver is logged by Django and cannot lose the event. `sender` is the dj-stripe model.
"""

from django.dispatch import Signal

# subscription (djstripe Subscription), subscriber (or None), event_id (str)
subscription_created = Signal()
subscription_updated = Signal()
subscription_deleted = Signal()
trial_will_end = Signal()

# customer (djstripe Customer), subscriber, previous_subscriber_pk (or None); of no Stripe event
customer_moved = Signal()

# invoice (djstripe Invoice), subscriber (or None), event_id (str)
invoice_payment_succeeded = Signal()
invoice_payment_failed = Signal()

# remedy (our Remedy, also its `sender`), subscriber (or None), policy (str); once per remedy, when
# it is done
remedy_applied = Signal()
