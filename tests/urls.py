"""A small host project: pages and API views behind the middleware."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
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
    path("api/gated/", Gated.as_view()),
    path("api/gated-only/", GatedOnly.as_view()),
    path("api/public/", Public.as_view()),
    path("api/subscriptions/", include("caixa_subscriptions.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
