from django.urls import path

from caixa_subscriptions.api.views import CheckoutView, ConfigView, PortalView, StatusView

app_name = "caixa_subscriptions"

urlpatterns = [
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("status/", StatusView.as_view(), name="status"),
    path("portal/", PortalView.as_view(), name="portal"),
    path("config/", ConfigView.as_view(), name="config"),
]
