"""Sphinx configuration."""

import caixa_subscriptions

project = "caixa-subscriptions"
author = "The caixa-subscriptions maintainers"
copyright = "2026, the caixa-subscriptions maintainers"  # noqa: A001
release = version = caixa_subscriptions.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "caixa-subscriptions"
html_static_path = ["_static"]
