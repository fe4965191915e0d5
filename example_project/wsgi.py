"""The site for a WSGI server; in the demo, with the simulated Stripe beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings.production")

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _with_simulator(site: WSGIApplication) -> WSGIApplication:
    # Only here, because a production site has no use for these modules.
    from caixa_subscriptions.simulator.wsgi import SimulatorApplication
    from example_project.simulator import get_simulator

    simulator = get_simulator()
    simulator.start()
    stripe = SimulatorApplication(simulator)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/simulator" or path.startswith(SimulatorApplication.prefixes):
            return stripe(environ, start_response)
        return site(environ, start_response)

    return application


def _application() -> WSGIApplication:
    site: WSGIApplication = get_wsgi_application()
    from django.conf import settings

    return _with_simulator(site) if settings.SIMULATED else site


application = _application()
