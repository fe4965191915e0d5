"""A gate that waits inside the request until a REST framework view knows who is asking.

The view's own authenticators decide that, and only once: while the view authenticates, REST
framework assigns `user` and then `auth` on Django's request, before permissions, throttles and
the view's own code, and where an `APIException` becomes the view's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest
from rest_framework.views import APIView

from caixa_subscriptions.api.requiring import require_access
from caixa_subscriptions.subscribers import is_somebody


def is_api_view(view: Callable[..., Any]) -> bool:
    view_class = getattr(view, "cls", None)
    return isinstance(view_class, type) and issubclass(view_class, APIView)


def arm(request: HttpRequest) -> None:
    """From now on whoever REST framework finds to be asking is asked for a subscription."""
    if not is_armed(request):
        plain: Any = type(request)
        request.__class__ = _armed(plain)


def is_armed(request: HttpRequest) -> bool:
    """Whether it is still to be found out who is asking."""
    return isinstance(request, _Armed)


class _Armed:
    """What is added to the class of a request: its `user` and `auth` are watched.

    Raises `PaymentRequired` and `Unavailable` from the assignments.
    """

    _disarmed: type

    @property
    def user(self) -> Any:
        return _stored(self, "user")

    @user.setter
    def user(self, user: Any) -> None:
        self.__dict__.update(user=user, _waits_for_auth=False)
        if not is_somebody(user):
            return
        try:
            require_access(self)
        except Exception:
            # The project's callback wants `auth`, say the organisation of a token. It comes next.
            if not self.__dict__["_waits_for_auth"]:
                raise

    @property
    def auth(self) -> Any:
        self.__dict__["_waits_for_auth"] = True
        return _stored(self, "auth")

    @auth.setter
    def auth(self, auth: Any) -> None:
        """The last that REST framework says: a `user` assigned later is a login."""
        self.__dict__["auth"] = auth
        waits = self.__dict__.pop("_waits_for_auth", False)
        self.__class__ = self._disarmed
        if waits and is_somebody(self.user):
            require_access(self)


def _stored(request: Any, name: str) -> Any:
    try:
        return request.__dict__[name]
    except KeyError:
        raise AttributeError(name) from None


@cache
def _armed(request_class: type) -> type:
    return type(request_class.__name__, (_Armed, request_class), {"_disarmed": request_class})
