"""Asking a view's own authenticators who is asking, before the view runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView


def authenticate_for_view(request: HttpRequest, view: Callable[..., Any]) -> Request | None:
    """The request as a REST framework view would see it, when that view would see a user.

    None: not such a view, nobody, or bad credentials, which are the view's to refuse with 401.
    Django's own `request.user` stays as it is, so that no authenticator takes it for a session.
    """
    view_class = getattr(view, "cls", None)
    if not (isinstance(view_class, type) and issubclass(view_class, APIView)):
        return None
    initkwargs = getattr(view, "initkwargs", None) or {}
    authenticators = view_class(**initkwargs).get_authenticators()
    drf_request = Request(request, authenticators=authenticators)
    of_session = request.user
    try:
        user = drf_request.user
    except APIException:
        return None
    finally:
        request.user = of_session  # REST framework has just overwritten it
    return drf_request if user is not None and user.is_authenticated else None
