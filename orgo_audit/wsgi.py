"""The WSGI application that a web server loads. Lets no caller choose how its text is read."""

from __future__ import annotations

import os
import re
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

_BOUNDARY = re.compile(
    r";\s*(boundary=(?:[^\s;,\"]{1,70}|\"[^\"]{1,70}\"))\s*(?:;|\Z)", re.IGNORECASE
)


def plain_content_type(told: str) -> str:
    """The media type and a form's boundary; all else in this header only names codecs.

    All we read is UTF-8. Django would read addresses and forms by the sender's choice of any codec
    of Python, and fall over those that are no text, or that do not exist.
    """
    media_type = told.partition(";")[0]
    boundary = _BOUNDARY.search(told)
    return f"{media_type}; {boundary[1]}" if boundary else media_type


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Django, which reads the Content-Type before any middleware can look at it."""
    environ["CONTENT_TYPE"] = plain_content_type(environ.get("CONTENT_TYPE", ""))
    return _django(environ, start_response)
