from django.urls import path

from example_project.reports import billing_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("pricing/", views.pricing, name="pricing"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("billing/", billing_views.billing, name="billing"),
    path("billing/checkout/", billing_views.checkout, name="billing_checkout"),
    path("billing/portal/", billing_views.portal, name="billing_portal"),
    path("billing/success/", billing_views.checkout_success, name="checkout_success"),
]
