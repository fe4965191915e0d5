"""A host project that uses the gates but not our endpoints."""

from django.urls import path

from tests.urls import page

urlpatterns = [path("page/", page), path("pricing/", page, name="pricing")]
