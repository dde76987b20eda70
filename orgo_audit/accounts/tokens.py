"""Service tokens: made, shown once, found again by their digest. Never stores the token."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.errors import BadInput

# Secret scanners find tokens by a fixed beginning.
TOKEN_PREFIX = "orgo_"  # noqa: S105  (the public beginning, not a secret)
# The `source` of the portal's own events.
PORTAL = "portal"
_SERVICE_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
LAST_USED_STEP = timedelta(minutes=10)


def _digest(token: str) -> bytes:
    # 256 random bits need no slow hash and no salt.
    return hashlib.sha256(token.encode()).digest()


def create_token(
    name: str, organization: Organization, scopes: Iterable[Scope], *, expires_at: datetime
) -> str:
    """A new token for the service `name`; this is the only time its text exists.

    BadInput for a name that no service may have: its events would pass for our own.
    """
    if not _SERVICE_NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is no service name: 1 to 100 letters, digits, '_', '-' and '.',"
            " a letter or digit first"
        )
    if name.casefold() == PORTAL:
        raise BadInput(f"{name!r} is the portal itself; give the service another name")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    ServiceToken.objects.create(
        organization=organization,
        name=name,
        digest=_digest(token),
        scopes=sorted(scope.value for scope in scopes),
        expires_at=expires_at,
    )
    return token


def find_token(token: str) -> ServiceToken | None:
    """The valid token of that text, its use noted every ten minutes; None for all others."""
    now = timezone.now()
    found = (
        ServiceToken.objects.select_related("organization").filter(digest=_digest(token)).first()
    )
    if found is None or not found.is_valid_at(now):
        return None
    if found.last_used_at is None or now - found.last_used_at > LAST_USED_STEP:
        ServiceToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found
