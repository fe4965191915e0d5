"""REST framework permissions."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from caixa_subscriptions.api.requiring import require_access
from caixa_subscriptions.subscribers import is_somebody


class HasActiveSubscription(BasePermission):
    """Lets subscribers in, answers others with 402 and the reason, and nobody with 401."""

    features: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not is_somebody(request.user):
            return False
        require_access(request, features=self.features, plans=self.plans)
        return True


def HasFeature(*names: str) -> type[HasActiveSubscription]:  # noqa: N802  it makes a class
    """The permission for subscribers who have all these features: `HasFeature("reports")`."""
    return type("HasFeature", (HasActiveSubscription,), {"features": frozenset(names)})


def HasPlan(*names: str) -> type[HasActiveSubscription]:  # noqa: N802
    """The permission for subscribers who have one of these plans: `HasPlan("pro", "team")`."""
    return type("HasPlan", (HasActiveSubscription,), {"plans": frozenset(names)})
