from __future__ import annotations

from typing import Any


def early_fraud_warning(warning_id: str, *, charge: dict[str, Any], created: int) -> dict[str, Any]:
    """Actionable while there is still money to give back and no dispute (SDK types)."""
    return {
        "id": warning_id,
        "object": "radar.early_fraud_warning",
        "actionable": not (charge["refunded"] or charge["disputed"]),
        "charge": charge["id"],
        "created": created,
        "fraud_type": "misc",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
