"""What `check --deploy` says of the portal itself. Changes nothing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, register


@register(Tags.security, deploy=True)
def transport(**_: Any) -> list[CheckMessage]:
    """orgo_audit.I001: stands for Django's own warnings about TLS, of which each asks the same."""
    if settings.BEHIND_TLS:
        return []
    return [
        Info(
            "the portal is served over plain http, which is for one machine alone",
            hint="behind a proxy that ends TLS, set ORGO_PUBLIC_URL=https://… and"
            " ORGO_TRUSTED_PROXIES: then redirects, HSTS and secure cookies are on",
            id="orgo_audit.I001",
        )
    ]
