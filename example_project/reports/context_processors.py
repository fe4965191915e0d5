from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def demo(request: HttpRequest) -> dict[str, Any]:
    """`simulated`: whether the pages should say that no real money is involved."""
    return {"simulated": settings.SIMULATED}
