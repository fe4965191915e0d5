"""`path("api/subscriptions/", include("caixa_subscriptions.urls"))`."""

from caixa_subscriptions.api.urls import app_name, urlpatterns

__all__ = ["app_name", "urlpatterns"]
