"""A small host project: pages and API views behind the middleware."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication

from caixa_subscriptions.api.permissions import HasActiveSubscription


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"page, {request.subscription.status}")


async def async_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("async page")


class OnlyMiddleware(APIView):
    """No gate of its own; session first, so that a JWT user must not be taken for a session."""

    authentication_classes = [SessionAuthentication, JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})

    def post(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class JWTOnly(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class FromBody(BaseAuthentication):
    """Reads the body, as an API with signed requests does."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        key = request.data.get("key")
        return (get_user_model().objects.get(pk=key), None) if key else None


class BodyAuth(APIView):
    """Chooses its authenticators by the request at hand, and reads the body again."""

    permission_classes = [IsAuthenticated]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [FromBody()] if self.request.method == "POST" and "pk" in self.kwargs else []

    def post(self, request: Request, pk: int) -> Response:
        return Response({"key": request.data["key"]})


class Actions(ViewSet):
    permission_classes = [IsAuthenticated]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [JWTAuthentication()] if self.action_map["get"] == "list" else []

    def list(self, request: Request) -> Response:
        return Response([])


@api_view(["GET"])
@authentication_classes([JWTAuthentication])
@permission_classes([IsAuthenticated])
def function(request: Request) -> Response:
    return Response({})


class Gated(APIView):
    permission_classes = [IsAuthenticated, HasActiveSubscription]

    def get(self, request: Request) -> Response:
        return Response({})


class GatedOnly(APIView):
    """The gate alone, without IsAuthenticated in front of it."""

    permission_classes = [HasActiveSubscription]

    def get(self, request: Request) -> Response:
        return Response({})


class Public(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("page/", page),
    path("async-page/", async_page),
    path("open/page/", page),
    path("pricing/", page, name="pricing"),
    path("api/only-middleware/", OnlyMiddleware.as_view()),
    path("api/jwt-only/", JWTOnly.as_view()),
    path("api/body-auth/<int:pk>/", BodyAuth.as_view()),
    path("api/actions/", Actions.as_view({"get": "list"})),
    path("api/function/", function),
    path("api/gated/", Gated.as_view()),
    path("api/gated-only/", GatedOnly.as_view()),
    path("api/public/", Public.as_view()),
    path("api/subscriptions/", include("caixa_subscriptions.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
