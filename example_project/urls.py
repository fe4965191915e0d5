from django.contrib import admin
from django.urls import include, path
from rest_framework_simplejwt.views import TokenRefreshView

from example_project.accounts.api import RegisterView, TokenView
from example_project.reports.api import ReportsView

handler404 = "example_project.reports.views.page_not_found"

urlpatterns = [
    path("", include("example_project.reports.urls")),
    path("accounts/", include("example_project.accounts.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/register/", RegisterView.as_view(), name="register"),
    path("api/token/", TokenView.as_view(), name="token"),
    path("api/token/refresh/", TokenRefreshView.as_view(), name="token_refresh"),
    path("api/reports/", ReportsView.as_view(), name="reports"),
    path("api/subscriptions/", include("caixa_subscriptions.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
