"""The site for an ASGI server. The demo's simulator lives in `wsgi.py` only."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings.production")

application = get_asgi_application()
