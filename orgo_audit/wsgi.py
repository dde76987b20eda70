"""The WSGI application that a web server loads. Decides nothing."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgo_audit.settings")
os.environ.setdefault("ORGO_PROCESS", "web")

application = get_wsgi_application()

from orgo_audit import celery  # noqa: E402, F401  a view that sends a task needs the broker's address
