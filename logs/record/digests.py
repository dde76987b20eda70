"""Keyed digests: what must be compared and never read. Without our key nobody can try any."""

from __future__ import annotations

import hmac

from django.conf import settings


def keyed_digest(purpose: str, *parts: bytes) -> bytes:
    """HMAC-SHA256 of the parts under our secret; neither purposes nor parts run into each other."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (purpose.encode(), *parts))
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")
