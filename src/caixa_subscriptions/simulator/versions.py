"""Answers and webhooks as earlier API versions shape them, back to the first basil.

Objects are kept as `API_VERSION` has them; what an earlier version lacks is taken away, and what
it names differently is renamed, on the way out. Sources: Stripe's changelog, the changelogs of its
SDKs, which name the version each attribute came with, and recorded answers of 2025-10-29.clover
and 2026-03-25.dahlia.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.objects import API_VERSION

VERSIONS = (
    "2025-03-31.basil",
    "2025-04-30.basil",
    "2025-05-28.basil",
    "2025-06-30.basil",
    "2025-07-30.basil",
    "2025-08-27.basil",
    "2025-09-30.clover",
    "2025-10-29.clover",
    "2025-11-17.clover",
    "2025-12-15.clover",
    "2026-01-28.clover",
    "2026-02-25.clover",
    "2026-03-25.dahlia",
    "2026-04-22.dahlia",
    "2026-05-27.dahlia",
    "2026-06-24.dahlia",
    "2026-07-29.dahlia",
    API_VERSION,
)
CLOVER = "2025-09-30.clover"
DAHLIA = "2026-03-25.dahlia"

# The version an attribute came with: `object attribute`, nested ones with dots, `*` for any object.
SINCE: dict[str, str] = {
    "2025-04-30.basil": """
        charge billing_details.tax_id
        checkout.session automatic_tax.provider
        checkout.session wallet_options
        invoice automatic_tax.provider
        payment_method billing_details.tax_id
        refund pending_reason
    """,
    "2025-05-28.basil": """
        balance_transaction balance_type
        subscription billing_thresholds
        subscription_item billing_thresholds
    """,
    "2025-06-30.basil": """
        subscription billing_mode
    """,
    "2025-07-30.basil": """
        checkout.session origin_context
    """,
    "2025-08-27.basil": """
        billing_portal.configuration name
        payment_intent excluded_payment_method_types
    """,
    CLOVER: """
        billing_portal.configuration features.subscription_update.trial_update_behavior
        checkout.session branding_settings
        checkout.session collected_information.business_name
        checkout.session collected_information.individual_name
        checkout.session customer_details.business_name
        checkout.session customer_details.individual_name
        checkout.session excluded_payment_method_types
        checkout.session name_collection
        invoiceitem net_amount
        invoiceitem proration_details
        subscription billing_mode.flexible
    """,
    "2025-10-29.clover": """
        payment_intent payment_details
        setup_intent excluded_payment_method_types
    """,
    "2025-11-17.clover": """
        billing_portal.configuration features.payment_method_update.payment_method_configuration
        payment_intent hooks
    """,
    "2025-12-15.clover": """
        * customer_account
        refund customer
        refund payment_method
        billing_portal.configuration features.subscription_update.billing_cycle_anchor
        line_item subtotal
    """,
    DAHLIA: """
        checkout.session integration_identifier
        invoiceitem quantity_decimal
        line_item quantity_decimal
    """,
    # `line_item subscription` stands in no changelog; the recordings of 2026-03-25 lack it.
    "2026-04-22.dahlia": """
        * managed_payments
        line_item subscription
    """,
    "2026-05-27.dahlia": """
        invoice amount_paid_off_stripe
        invoiceitem proration_details.credited_items
        subscription billing_schedules
        subscription_item billed_until
    """,
    "2026-06-24.dahlia": """
        charge payment_method_details.card.transaction_link_id
        subscription invoice_settings.custom_fields
        subscription invoice_settings.description
        subscription invoice_settings.footer
    """,
}
UI_MODES = {"hosted_page": "hosted", "embedded_page": "embedded", "elements": "custom"}

Lookup = Callable[[str], dict[str, Any] | None]


def _later_attributes() -> list[tuple[str, str, list[str]]]:
    return [
        (version, line.split()[0], line.split()[1].split("."))
        for version, lines in SINCE.items()
        for line in lines.splitlines()
        if line.strip()
    ]


_LATER = _later_attributes()


def checked(version: str) -> str:
    """Raises Stripe's 400 for what is no version, `not_simulated` for one not spoken here."""
    if version in VERSIONS:
        return version
    if re.fullmatch(r"\d{4}-\d\d-\d\d(\.\w+)?", version):
        raise StripeError(
            501,
            f"The simulator does not speak {version}, only {VERSIONS[0]} to {API_VERSION}.",
            code="not_simulated",
            param="api_version",
        )
    raise invalid(f"Invalid Stripe API version: {version}")


def billing_mode_type(version: str) -> str:
    """Of new subscriptions that name none (Stripe docs: billing mode)."""
    return "classic" if version < CLOVER else "flexible"


def incoming(path: str, params: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """The parameters as `API_VERSION` names them."""
    if version < DAHLIA and path == "/v1/checkout/sessions" and "ui_mode" in params:
        newer = {old: new for new, old in UI_MODES.items()}
        return {**params, "ui_mode": newer.get(params["ui_mode"], params["ui_mode"])}
    if version < CLOVER and path == "/v1/promotion_codes" and "coupon" in params:
        rest = {name: value for name, value in params.items() if name != "coupon"}
        return rest | {"promotion": {"type": "coupon", "coupon": params["coupon"]}}
    return params


def shaped(body: dict[str, Any], version: str, lookup: Lookup) -> dict[str, Any]:
    """`body`, changed in place; what an event carries keeps the shape of its own version. `lookup`
    finds a coupon by its id."""
    if version != API_VERSION:
        _shape(body, version, lookup)
    return body


def shaped_event(event: dict[str, Any], version: str, lookup: Lookup) -> dict[str, Any]:
    """The event as an endpoint of that version is told of it, changed in place."""
    if version == API_VERSION:
        return event
    event["api_version"] = version
    data = event["data"]
    _shape(data["object"], version, lookup)
    if "previous_attributes" in data:
        _shape(data["previous_attributes"], version, lookup, kind=data["object"]["object"])
    return event


def _shape(node: Any, version: str, lookup: Lookup, *, kind: str | None = None) -> None:
    if isinstance(node, list):
        for child in node:
            _shape(child, version, lookup)
    if not isinstance(node, dict) or node.get("object") == "event":
        return
    kind = kind or node.get("object")
    if isinstance(kind, str):
        for since, owner, steps in _LATER:
            if version < since and owner in ("*", kind):
                _take_away(node, steps)
        _rename(node, kind, version, lookup)
    for child in node.values():
        _shape(child, version, lookup)


def _take_away(node: Any, steps: list[str]) -> None:
    for step in steps[:-1]:
        node = node.get(step) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(steps[-1], None)


def _rename(node: dict[str, Any], kind: str, version: str, lookup: Lookup) -> None:
    if kind == "checkout.session" and version < DAHLIA and node.get("ui_mode") in UI_MODES:
        node["ui_mode"] = UI_MODES[node["ui_mode"]]
    newer = {"discount": "source", "promotion_code": "promotion"}.get(kind)
    if newer in node and version < CLOVER:
        coupon = node.pop(newer)["coupon"]
        found = lookup(coupon) if isinstance(coupon, str) else coupon
        node["coupon"] = {k: v for k, v in (found or {}).items() if not k.startswith("_")} or coupon
