"""Async REST framework views."""

from __future__ import annotations

from adrf.views import APIView
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication

from caixa_subscriptions.api.permissions import HasActiveSubscription


class Behind(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    async def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class Gated(Behind):
    permission_classes = [HasActiveSubscription]


urlpatterns = [path("behind/", Behind.as_view()), path("gated/", Gated.as_view())]
