"""Posts notes to the policy's webhook, signed as Standard Webhooks has it.

https://github.com/standard-webhooks/standard-webhooks: HMAC-SHA256 over id, time and body. The id
of a note stays the same over all its tries, so a receiver tells a repeat from a new one.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime

from django.conf import settings

from logs.interface import format_instant
from monitoring.delivery import guarded_http
from monitoring.delivery.base import ChannelError, Note

SECRET_PREFIX = "whsec_"  # noqa: S105  # what secrets begin with


class Webhook:
    """The organization's `escalation.webhook`."""

    def send(self, note: Note, now: datetime) -> None:
        if not note.webhook:
            raise ChannelError("the policy names no webhook (escalation.webhook)")
        if not settings.ORGO_WEBHOOK_SECRET:
            raise ChannelError("there is no secret to sign with (ORGO_WEBHOOK_SECRET)")
        body = _body(note, now)
        try:
            status = guarded_http.post(
                note.webhook,
                _headers(note.id, now, body),
                body,
                may_be_private=settings.ORGO_WEBHOOK_PRIVATE,
            )
        except guarded_http.NotPublic as error:
            raise ChannelError(
                "the webhook leads into a private network (ORGO_WEBHOOK_PRIVATE=1 lets it)"
            ) from error
        except guarded_http.Unreachable as error:
            raise ChannelError("the webhook does not answer", is_down=True) from error
        if not 200 <= status < 300:
            raise ChannelError(f"the webhook answered {status}")


def _body(note: Note, now: datetime) -> bytes:
    return json.dumps(
        {
            "type": f"alert.{note.kind}",
            "timestamp": format_instant(now),
            "data": {
                "organization": note.organization,
                "receiver": note.receiver,
                "alerts": [one.as_json() | {"facts": dict(one.facts)} for one in note.alerts],
            },
        },
        ensure_ascii=False,
    ).encode()


def _headers(identifier: str, now: datetime, body: bytes) -> dict[str, str]:
    told = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "orgo-audit",
        "webhook-id": identifier,
        "webhook-timestamp": told,
        "webhook-signature": signature(settings.ORGO_WEBHOOK_SECRET, identifier, told, body),
    }


def signature(secret: str, identifier: str, told: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{identifier}.{told}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
