from django.contrib.auth.views import LogoutView
from django.urls import path

from example_project.accounts.views import LogIn, SignUp

urlpatterns = [
    path("signup/", SignUp.as_view(), name="signup"),
    path("login/", LogIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
