#!/usr/bin/env python
"""Django's command line for the example project."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

REPOSITORY_DIR = Path(__file__).resolve().parent.parent


def main() -> None:
    # Python puts this file's folder first, where `accounts` would shadow other packages.
    sys.path[0] = str(REPOSITORY_DIR)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings.demo")
    if sys.argv[1:2] == ["demo"]:
        # dj-stripe reads where Stripe is when it is imported, so the settings must know the port.
        parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
        parser.add_argument("--port")
        port = parser.parse_known_args(sys.argv[2:])[0].port
        if port is not None:
            os.environ["PORT"] = port

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
