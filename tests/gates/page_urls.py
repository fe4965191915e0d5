"""Django views of every kind with gates of their own; none of them is exempt but by a decorator."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from caixa_subscriptions.api.permissions import HasActiveSubscription, HasFeature, HasPlan
from caixa_subscriptions.decorators import subscription_exempt, subscription_required
from caixa_subscriptions.gate import access_of
from caixa_subscriptions.mixins import SubscriptionRequiredMixin
from tests.gates.api_urls import urlpatterns as api_views


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


async def aplain(request: Any) -> HttpResponse:
    """Reads what it is given, as async code may."""
    user = await request.auser()
    later = await request.asubscription()
    assert later.code == request.subscription.code
    return HttpResponse(f"{user.pk} {request.subscription.status}")


async def abare(request: Any) -> HttpResponse:
    return HttpResponse("bare")


async def auser(request: Any) -> HttpResponse:
    return HttpResponse((await request.auser()).pk)


async def aread(request: Any) -> HttpResponse:
    return HttpResponse(request.subscription.status)


async def afirst(request: Any) -> HttpResponse:
    """Where no gate has asked."""
    return HttpResponse((await request.asubscription()).status)


class Page(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("class")


class AsyncPage(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("class")


class Gated(SubscriptionRequiredMixin, Page):
    pass


class AsyncGated(SubscriptionRequiredMixin, AsyncPage):
    pass


class Reports(SubscriptionRequiredMixin, Page):
    required_features = "reports"


class AsyncAudit(SubscriptionRequiredMixin, AsyncPage):
    required_features = ["reports", "audit"]


class TeamOnly(SubscriptionRequiredMixin, Page):
    required_plans = ["team"]


@subscription_exempt
class Exempt(Page):
    pass


class StillExempt(Exempt):
    pass


class NoLongerExempt(Exempt):
    subscription_exempt = False


@method_decorator(subscription_exempt, name="dispatch")
class ExemptByMethod(Page):
    pass


class Api(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({})


@subscription_exempt
class ExemptApi(Api):
    pass


@subscription_exempt
class ExemptSet(ViewSet):
    permission_classes = [IsAuthenticated]

    def list(self, request: Request) -> Response:
        return Response([])


@subscription_exempt
@api_view(["GET"])
def exempt_function(request: Request) -> Response:
    return Response({})


@api_view(["GET"])
@permission_classes([IsAuthenticated])
@subscription_required(features="audit")
def api_function(request: Request) -> Response:
    return Response({})


class ReportsApi(Api):
    permission_classes = [HasFeature("reports", "export")]


class AuditApi(Api):
    permission_classes = [HasActiveSubscription & HasFeature("reports", "audit")]


class PlanApi(Api):
    permission_classes = [HasPlan("team", "pro")]


class TeamApi(Api):
    permission_classes = [HasPlan("team")]


@subscription_required
def twice(request: Any) -> HttpResponse:
    """Asked three times: by the middleware, by the decorator, and here."""
    access = access_of(request)
    return HttpResponse(f"{access.status} {access.is_exempt}")


exempt_here = subscription_exempt(plain)
aexempt = subscription_exempt(afirst)

urlpatterns = [
    path("plain/", plain),
    path("aplain/", aplain),
    path("abare/", abare),
    path("auser/", auser),
    path("exempt/function/", exempt_here),
    path("exempt/async/", aexempt),
    path("exempt/class/", Exempt.as_view()),
    path("exempt/subclass/", StillExempt.as_view()),
    path("exempt/method/", ExemptByMethod.as_view()),
    path("exempt/api/", ExemptApi.as_view()),
    path("exempt/set/", ExemptSet.as_view({"get": "list"})),
    path("exempt/api-function/", exempt_function),
    path("not-exempt/", NoLongerExempt.as_view()),
    path("required/bare/", subscription_required(plain)),
    path("required/called/", subscription_required()(plain)),
    path("required/async/", subscription_required(aread)),
    path("required/class/", Gated.as_view()),
    path("required/async-class/", AsyncGated.as_view()),
    path("required/twice/", twice),
    path("reports/", subscription_required(features="reports")(plain)),
    path("reports/both/", subscription_required(features=["reports", "export"])(plain)),
    path("reports/async/", subscription_required(features="reports", plans="pro")(aplain)),
    path("reports/class/", Reports.as_view()),
    path("reports/api/", ReportsApi.as_view()),
    path("reports/plan/", PlanApi.as_view()),
    path("audit/", subscription_required(features=["reports", "audit"])(plain)),
    path("audit/async/", subscription_required(features=["audit"])(aplain)),
    path("audit/class/", AsyncAudit.as_view()),
    path("audit/api/", AuditApi.as_view()),
    path("audit/api-function/", api_function),
    path("team/", subscription_required(plans=["team"])(plain)),
    path("team/class/", TeamOnly.as_view()),
    path("team/api/", TeamApi.as_view()),
    *api_views,
]
