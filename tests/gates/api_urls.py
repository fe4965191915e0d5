"""REST framework views of many kinds, all behind the middleware and none with a gate of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
    throttle_classes,
)
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import (
    JWTAuthentication,
    JWTStatelessUserAuthentication,
)

from tests.urls import urlpatterns as pages


class Whoami(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response(
            {
                "user": request.user.pk,
                "django_user": request._request.user.pk,  # type: ignore[union-attr]
                "authenticator": type(request.successful_authenticator).__name__,
                "token": type(request.auth).__name__,
                "subscription": request.subscription.status,  # type: ignore[attr-defined]
                "request": type(request._request).__name__,
            }
        )

    post = get


class Basic(Whoami):
    authentication_classes = [BasicAuthentication]


class Stateless(APIView):
    """The user of the token is no row of a table."""

    authentication_classes = [JWTStatelessUserAuthentication]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class Lazy(Whoami):
    def perform_authentication(self, request: Request) -> None:
        pass

    permission_classes = []

    def get(self, request: Request) -> Response:
        if "nobody" in request.query_params:
            return Response({"asked": False})
        return super().get(request)


class Assigning(APIView):
    """Says itself who is asking, and nothing about `auth`."""

    permission_classes = [IsAuthenticated]

    def perform_authentication(self, request: Request) -> None:
        request.user = get_user_model().objects.get(pk=request.headers["X-User"])

    def get(self, request: Request) -> Response:
        return Response({})


class LoggingOut(JWTAuthentication):
    """Nobody is assigned before the user is."""

    def authenticate(self, request: Request) -> Any:
        logout(request._request)
        return super().authenticate(request)


class AfterLogout(Whoami):
    authentication_classes = [LoggingOut]


class Login(APIView):
    """As in dj-rest-auth: nobody asks, and is somebody in the end."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        user = get_user_model().objects.get(pk=request.data["pk"])
        login(request._request, user, backend="django.contrib.auth.backends.ModelBackend")
        return Response({"user": request._request.user.pk})


class Upload(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser]

    def post(self, request: Request) -> Response:
        return Response({"size": request.FILES["file"].size})


class Browsable(Whoami):
    renderer_classes = [BrowsableAPIRenderer, JSONRenderer]


class Optional(APIView):
    """Takes whoever cannot be identified for nobody."""

    authentication_classes = [JWTAuthentication]
    permission_classes = []

    def perform_authentication(self, request: Request) -> None:
        pass

    def get(self, request: Request) -> Response:
        try:
            user = request.user.pk
        except APIException:
            user = None
        return Response({"user": user})


class CountingThrottle(BaseThrottle):
    calls: list[Any] = []

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.calls.append(request.user.pk)
        return True


class Throttled(Whoami):
    throttle_classes = [CountingThrottle]


class Reports(ViewSet):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def list(self, request: Request) -> Response:
        return Response([])

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response({"pk": pk})


@api_view(["GET", "POST"])
@authentication_classes([JWTAuthentication])
@permission_classes([IsAuthenticated])
@throttle_classes([])
def function(request: Request) -> Response:
    return Response({"user": request.user.pk})


def with_a_header(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def decorated(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        response["X-Decorated"] = "yes"
        return response

    return decorated


class FromHeader(BaseAuthentication):
    """Has the organisation in `auth`, as a token's claims have it."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        pk = request.headers.get("X-User")
        if not pk:
            return None
        claims = {"team": request.headers.get("X-Team")}
        return get_user_model().objects.get(pk=pk), claims


class ByClaims(APIView):
    authentication_classes = [FromHeader]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({})


router = SimpleRouter()
router.register("reports", Reports, basename="reports")

urlpatterns = [
    path("drf/class/", Whoami.as_view()),
    path("drf/basic/", Basic.as_view()),
    path("drf/stateless/", Stateless.as_view()),
    path("drf/lazy/", Lazy.as_view()),
    path("drf/assigning/", Assigning.as_view()),
    path("drf/after-logout/", AfterLogout.as_view()),
    path("drf/login/", Login.as_view()),
    path("drf/upload/", Upload.as_view()),
    path("drf/browsable/", Browsable.as_view()),
    path("drf/optional/", Optional.as_view()),
    path("drf/throttled/", Throttled.as_view()),
    path("drf/function/", function),
    path("drf/decorated/", with_a_header(Whoami.as_view())),
    path("drf/claims/", ByClaims.as_view()),
    path("drf/", include(router.urls)),
    *pages,
]
