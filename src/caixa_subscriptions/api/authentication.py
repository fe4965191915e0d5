"""Asking a view's own authenticators who is asking, before the view runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView


def is_api_view(view: Callable[..., Any]) -> bool:
    view_class = getattr(view, "cls", None)
    return isinstance(view_class, type) and issubclass(view_class, APIView)


def authenticate_for_view(
    request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Request | None:
    """The request as this REST framework view would see it, when it would see a user.

    None for nobody and for bad credentials, which are the view's to refuse.
    Django's own `request.user` stays as it is, so that no authenticator takes it for a session.
    """
    instance = view.cls(**(getattr(view, "initkwargs", None) or {}))
    instance.action_map = getattr(view, "actions", None) or {}
    instance.setup(request, *args, **kwargs)
    _keep_body(request)
    drf_request: Request = instance.initialize_request(request, *args, **kwargs)
    of_session = request.user
    try:
        user = drf_request.user
    except APIException:
        return None
    finally:
        request.user = of_session  # REST framework has just overwritten it
    return drf_request if user is not None and user.is_authenticated else None


def _keep_body(request: HttpRequest) -> None:
    """An authenticator may read the body; a body Django holds can be read again by the view.

    Uploads, and bodies larger than Django holds in memory, stay unread.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.headers.get("content-length") or "0"
    small = length.isdecimal() and (limit is None or int(length) <= limit)
    if small and request.content_type != "multipart/form-data":
        request.body  # noqa: B018  reading it is what keeps it
