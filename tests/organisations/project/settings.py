from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

if "sqlite" not in DATABASES["default"]["ENGINE"]:
    # The tests that start this project are using the other one at the same time.
    DATABASES["default"]["TEST"] = {"NAME": "test_organisations"}

INSTALLED_APPS = [
    app for app in INSTALLED_APPS if not app.startswith("example_project.reports")
] + ["tests.organisations.project.teams"]
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
MIDDLEWARE = [middleware for middleware in MIDDLEWARE if "whitenoise" not in middleware]
MIDDLEWARE.insert(
    MIDDLEWARE.index(AUTHENTICATION) + 1, "django.contrib.auth.middleware.LoginRequiredMiddleware"
)
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "tests.organisations.project.urls"
LOGIN_URL = "/login/"

DJSTRIPE_SUBSCRIBER_MODEL = "teams.Team"
DJSTRIPE_SUBSCRIBER_MODEL_MIGRATION_DEPENDENCY = "__first__"
DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = "tests.organisations.project.teams.models.team_of"

CAIXA_SUBSCRIPTIONS = {
    "PRICES": {"monthly": {"lookup_key": "reports_monthly", "plan": "pro"}},
    "PLANS": {"pro": {"features": ["reports"], "limits": {"seats": 5}}},
    "PAYWALL_URL": "/pricing/",
}
