"""A protected page, and beside it an exempt path whose view reads paths as carelessly as some do.

Whatever is not for everybody says so in a header.
"""

from __future__ import annotations

import posixpath
import re
from unicodedata import normalize
from urllib.parse import unquote

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def protected() -> HttpResponse:
    return HttpResponse("protected", headers={"X-Protected": "yes"})


@csrf_exempt
@login_required
def page(request: HttpRequest) -> HttpResponse:
    return protected()


class Api(APIView):
    """Any method, and whoever asks."""

    def get(self, request: Request) -> Response:
        return Response({}, headers={"X-Protected": "yes"})

    post = put = patch = delete = options = head = get


@csrf_exempt
def files(request: HttpRequest, rest: str) -> HttpResponse:
    """Serves what is below /open/, and by mistake whatever a path leads to from there."""
    read = normalize("NFKC", unquote(f"/open/{rest}")).replace("\\", "/").replace("\x00", "")
    read = posixpath.normpath(re.sub(r";[^/]*", "", read))
    return HttpResponse("open") if f"{read}/".startswith("/open/") else protected()


def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("public")


urlpatterns = [
    path("page/", page),
    path("page", page),
    re_path(r"^page/(?P<rest>[.;/\s\x00].*)$", lambda request, rest: page(request)),
    re_path(r"^/+page/$", page),
    path("login/", public),
    path("login/page/", page),
    path("pricing/", public, name="pricing"),
    path("pricing/page/", page),
    re_path(r"^open/(?P<rest>.*)$", files),
    path("api/", Api.as_view()),
    path("api/subscriptions/", include("caixa_subscriptions.urls")),
]
