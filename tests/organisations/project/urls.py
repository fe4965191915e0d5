from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caixa_subscriptions.api.permissions import HasActiveSubscription, HasFeature
from caixa_subscriptions.decorators import subscription_exempt, subscription_required


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.subscription.status)  # type: ignore[attr-defined]


class Report(APIView):
    permission_classes = [IsAuthenticated, HasActiveSubscription, HasFeature("reports")]

    def get(self, request: Request) -> Response:
        return Response({"team": request.user.teams.first().name})


@subscription_exempt
def open_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@subscription_exempt
@subscription_required(plans=["pro"])
def pro_page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("pro")


urlpatterns = [
    path("page/", page),
    path("open/", open_page),
    path("pro/", pro_page),
    path("api/report/", Report.as_view()),
    path("api/subscriptions/", include("caixa_subscriptions.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
