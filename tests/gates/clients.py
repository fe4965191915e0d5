"""Who asks, and how."""

from __future__ import annotations

from typing import Any

from rest_framework_simplejwt.tokens import AccessToken

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def jwt(user: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
