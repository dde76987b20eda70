"""What a portal that starts still waits for, by its own /readyz. Changes nothing."""

from __future__ import annotations

import http.client
import json

from orgo_audit.embedded.ports import IPV4_LOOPBACK
from orgo_audit.operator_settings import is_given

ANSWER_SECONDS = 10
# Where the operator's own server is what does not answer, its setting is named.
SETTINGS = {"database": "DATABASE_URL", "cache": "REDIS_URL", "broker": "CELERY_BROKER_URL"}


def lacking(port: int) -> str:
    """In words; nothing once it is ready."""
    connection = http.client.HTTPConnection(IPV4_LOOPBACK, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return "web does not answer yet"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else told(body)


def told(body: str) -> str:
    """The checks that failed, in words; all that was said, where it is none of our answers."""
    try:
        checks = json.loads(body)["checks"].items()
        failed = [_words(name, one["detail"]) for name, one in checks if one["state"] == "failed"]
    except (ValueError, LookupError, TypeError, AttributeError):
        failed = []
    return "; ".join(failed) or f"/readyz says {body[:200]}"


def _words(name: str, detail: str) -> str:
    setting = SETTINGS.get(name, "")
    hint = f", see {setting}" if setting and is_given(setting) else ""
    return f"{name}: {detail}{hint}"
