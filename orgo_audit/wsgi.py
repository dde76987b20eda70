"""The WSGI application that a web server loads. Decides nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgo_audit.settings")
os.environ.setdefault("ORGO_PROCESS", "web")

_django = get_wsgi_application()

# A view that sends a task needs the broker's address.
from orgo_audit import celery  # noqa: E402, F401
from orgo_audit.requests import plain_content_type  # noqa: E402


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Django, which reads the Content-Type before any middleware can look at it."""
    environ["CONTENT_TYPE"] = plain_content_type(environ.get("CONTENT_TYPE", ""))
    return _django(environ, start_response)
