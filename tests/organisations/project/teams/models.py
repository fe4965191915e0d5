from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models


class Team(models.Model):
    """Who pays. Its key is no number, as many projects have it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    email = models.EmailField()
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams")

    def __str__(self) -> str:
        return self.name


def team_of(request: Any) -> Team | None:
    """The team in which a user is asking: here the only one, or nobody."""
    team: Team | None = request.user.teams.first()
    return team
