"""Middleware of other packages, that say in their own way who is asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

users: dict[str, Any] = {}


def _says(user_of: Callable[[str], Any]) -> Any:
    @sync_and_async_middleware
    def middleware(get_response: Callable[..., Any]) -> Callable[..., Any]:
        def say(request: HttpRequest) -> None:
            pk = request.headers.get("X-User")
            if pk:
                request.user = user_of(pk)

        if iscoroutinefunction(get_response):

            async def ahandle(request: HttpRequest) -> Awaitable[Any]:
                say(request)
                return await get_response(request)  # type: ignore[no-any-return]

            return ahandle

        def handle(request: HttpRequest) -> Any:
            say(request)
            return get_response(request)

        return handle

    return middleware


loaded = _says(lambda pk: users[pk])
lazy = _says(lambda pk: SimpleLazyObject(lambda: get_user_model().objects.get(pk=pk)))
