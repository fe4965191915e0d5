"""Asking a view's own authenticators who is asking, before the view runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView


def is_api_view(view: Callable[..., Any]) -> bool:
    view_class = getattr(view, "cls", None)
    return isinstance(view_class, type) and issubclass(view_class, APIView)


def authenticate_for_view(request: HttpRequest, view: Any) -> Request | None:
    """The request as this REST framework view would see it, when it would see a user.

    None for nobody and for bad credentials, which are the view's to refuse.
    Django's own `request.user` stays as it is, so that no authenticator takes it for a session.
    """
    initkwargs = getattr(view, "initkwargs", None) or {}
    authenticators = view.cls(**initkwargs).get_authenticators()
    drf_request = Request(request, authenticators=authenticators)
    of_session = request.user
    try:
        user = drf_request.user
    except APIException:
        return None
    finally:
        request.user = of_session  # REST framework has just overwritten it
    return drf_request if user is not None and user.is_authenticated else None
