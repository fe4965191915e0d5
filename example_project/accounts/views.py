from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import CreateView

from example_project.accounts.forms import LogInForm, SignUpForm
from example_project.accounts.models import User

if TYPE_CHECKING:
    CreateUserView = CreateView[User, SignUpForm]
else:
    CreateUserView = CreateView  # generic in the stubs only


class LogIn(LoginView):
    authentication_form = LogInForm
    redirect_authenticated_user = True


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignUp(RedirectURLMixin, CreateUserView):
    """Makes the account, logs in, and goes on to `next`."""

    form_class = SignUpForm
    template_name = "registration/signup.html"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def get_success_url(self) -> str:
        return RedirectURLMixin.get_success_url(self)

    def form_valid(self, form: BaseModelForm[User]) -> HttpResponse:
        user = form.save()
        login(self.request, user)
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        next_url = self.get_redirect_url()
        return super().get_context_data(**kwargs) | {"next": next_url}
