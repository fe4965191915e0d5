"""A page whose path begins with the language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from tests.gates.translated_urls import page

urlpatterns = [path("page/", page), *i18n_patterns(path("login/", page, name="prefixed-login"))]
