from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "tests.organisations.project.teams"
    default_auto_field = "django.db.models.BigAutoField"
