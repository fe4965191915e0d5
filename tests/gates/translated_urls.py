"""A page that has a path of its own in each language."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.functional import lazystr
from django.utils.translation import get_language


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


class Word:
    """A word that is translated here and not in the catalogue."""

    def __str__(self) -> str:
        return "planos/" if get_language() == "pt-br" else "plans/"


urlpatterns = [
    path("page/", page),
    path(lazystr(Word()), page, name="translated-pricing"),
]
