"""Service tokens: made, found, replaced, ended. Keeps a digest only, never a token's text."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Least
from django.utils import timezone

from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.errors import BadInput, Conflict, NotFound

# Secret scanners find tokens by a fixed beginning.
TOKEN_PREFIX = "orgo_"  # noqa: S105  (the public beginning, not a secret)
# The `source` of the portal's own events.
PORTAL = "portal"
# The `source` of old logs that an operator brings in.
IMPORT = "import"
_SERVICE_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
LAST_USED_STEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its text, which exists here and nowhere else."""

    token: ServiceToken
    text: str


def _digest(token: str) -> bytes:
    # 256 random bits need no slow hash and no salt.
    return hashlib.sha256(token.encode()).digest()


def create_token(
    name: str, organization: Organization, scopes: Iterable[Scope], *, expires_at: datetime
) -> NewToken:
    """A new token for the service `name`; this is the only time its text exists.

    BadInput for a name that no service may have, because its events would pass for our own;
    Conflict for another spelling of a service there is, because its events would part in two.
    """
    if not _SERVICE_NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is no service name: 1 to 100 letters, digits, '_', '-' and '.',"
            " a letter or digit first",
            path="name",
        )
    if name.casefold() in (PORTAL, IMPORT):
        raise BadInput(
            f"{name!r} is the source of the portal's own events; give the service another name",
            path="name",
        )
    if other := _other_spelling(name, organization):
        raise Conflict(f"{organization} has the service {other!r}; write it the same", path="name")
    return _new_token(name, organization, sorted(scope.value for scope in scopes), expires_at)


def _other_spelling(name: str, organization: Organization) -> str | None:
    alike = valid_tokens(timezone.now()).filter(organization=organization, name__iexact=name)
    return alike.exclude(name=name).values_list("name", flat=True).first()


def _new_token(
    name: str, organization: Organization, scopes: list[str], expires_at: datetime
) -> NewToken:
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ServiceToken.objects.create(
        organization=organization,
        name=name,
        digest=_digest(text),
        scopes=scopes,
        expires_at=expires_at,
    )
    return NewToken(token, text)


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


def valid_tokens(now: datetime) -> QuerySet[ServiceToken]:
    return ServiceToken.objects.filter(revoked_at=None, expires_at__gt=now)


def choose_tokens(
    name: str, organization: Organization | None, token_id: int | None, *, now: datetime
) -> list[ServiceToken]:
    """A service's valid tokens, or that one of them.

    NotFound where there is none; Conflict where several organizations have such a service and none
    was named.
    """
    chosen = valid_tokens(now).filter(name=name).select_related("organization").order_by("pk")
    if organization is not None:
        chosen = chosen.filter(organization=organization)
    if token_id is not None:
        chosen = chosen.filter(pk=token_id)
    found = list(chosen)
    if not found:
        place = f" in {organization}" if organization else ""
        which = f" with the id {token_id}" if token_id is not None else ""
        raise NotFound(f"{name!r} has no valid token{which}{place}")
    slugs = sorted({token.organization.slug for token in found})
    if len(slugs) > 1:
        raise Conflict(f"{', '.join(slugs)} each have a service {name!r}; say which organization")
    return found


@transaction.atomic
def rotate_tokens(
    replaced: Collection[ServiceToken], *, ends_at: datetime, expires_at: datetime, now: datetime
) -> NewToken:
    """A new token in the place of these of one service, which end at `ends_at` at the latest.

    Conflict where one of them has ended meanwhile, or where they open different things: the new one
    would open more than some holder had.
    """
    locked = _locked(replaced, now)
    if len(locked) < len(replaced):
        raise Conflict("this token has ended meanwhile; make a new one")
    if len({tuple(token.scopes) for token in locked}) > 1:
        told = "; ".join(f"id {token.pk}: {','.join(token.scopes)}" for token in locked)
        raise Conflict(f"its tokens have different scopes ({told}); rotate them one by one, by id")
    _update(locked, expires_at=Least("expires_at", ends_at))
    first = locked[0]
    return _new_token(first.name, first.organization, first.scopes, expires_at)


@transaction.atomic
def revoke_tokens(revoked: Collection[ServiceToken], *, now: datetime) -> list[ServiceToken]:
    """Ends these at once; returns those that were valid until now. Conflict where none was."""
    locked = _locked(revoked, now)
    if not locked:
        raise Conflict("nothing was left to revoke")
    _update(locked, revoked_at=now)
    return locked


def claim_warning(token: ServiceToken, *, now: datetime) -> bool:
    """True for the one caller who is to warn that this token expires."""
    known = ServiceToken.objects.filter(pk=token.pk, warned_at=token.warned_at)
    return known.update(warned_at=now) == 1


def _locked(tokens: Collection[ServiceToken], now: datetime) -> list[ServiceToken]:
    """Those still valid, until the transaction's end."""
    chosen = valid_tokens(now).filter(pk__in=[token.pk for token in tokens]).order_by("pk")
    return list(chosen.select_related("organization").select_for_update(of=("self",)))


def _update(tokens: Collection[ServiceToken], **changes: object) -> None:
    ServiceToken.objects.filter(pk__in=[token.pk for token in tokens]).update(**changes)
