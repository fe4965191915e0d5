from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caixa_subscriptions.api.permissions import HasActiveSubscription
from example_project.reports.sample import REPORTS


class ReportsView(APIView):
    """What is paid for. The permissions would do alone; the middleware guards the pages too."""

    permission_classes = [IsAuthenticated, HasActiveSubscription]

    def get(self, request: Request) -> Response:
        return Response(
            [
                {
                    "id": report.id,
                    "title": str(report.title),
                    "unit": report.unit,
                    "value": report.value,
                    "change_percent": report.change_percent,
                }
                for report in REPORTS
            ]
        )
