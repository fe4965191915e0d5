"""The few values that every family of objects shares."""

from __future__ import annotations

from typing import Any

API_VERSION = "2026-08-26.dahlia"

ACCOUNT_ID = "acct_1SimulatedAccount"

PORTAL_CONFIGURATION_ID = "bpc_1SimulatedDefaultPortal"

HOUR, DAY = 3600, 86400

EMPTY_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def page(data: list[dict[str, Any]], url: str, *, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
