"""Changes service tokens, for commands and pages alike. Never without an event beside the change.

The event names the token by its number; a token's text is returned once and told nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction

from logs import interface
from orgo_audit.accounts import tokens
from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.accounts.token_states import ending_unreplaced, is_warning_due
from orgo_audit.accounts.tokens import NewToken
from orgo_audit.periods import Period

WARNER = "system:tokens"


@transaction.atomic
def create(
    name: str, organization: Organization, scopes: Iterable[Scope], *, expires_at: datetime, by: str
) -> NewToken:
    """A new token; see `tokens.create_token` for what is refused."""
    made = tokens.create_token(name, organization, scopes, expires_at=expires_at)
    _report("Token Created", made.token, by)
    return made


@transaction.atomic
def rotate(
    replaced: Collection[ServiceToken],
    *,
    overlap: Period | None,
    lifetime: Period,
    by: str,
    now: datetime,
) -> NewToken:
    """A new token; those it replaces end after `overlap`, or at once without one."""
    ends_at = overlap.after(now) if overlap else now
    made = tokens.rotate_tokens(replaced, ends_at=ends_at, expires_at=lifetime.after(now), now=now)
    told = {"replaced": [token.pk for token in replaced], "replaced_end_at": ends_at.isoformat()}
    _report("Token Rotated", made.token, by, told)
    return made


@transaction.atomic
def revoke(revoked: Collection[ServiceToken], *, by: str, now: datetime) -> list[ServiceToken]:
    """Ends these with the next request, and returns those that were valid until now."""
    ended = tokens.revoke_tokens(revoked, now=now)
    for token in ended:
        _report("Token Revoked", token, by)
    return ended


def warn_of_expiry(now: datetime) -> None:
    """Puts on record, twice a token, that it expires and its service uses no other yet."""
    valid = tokens.valid_tokens(now).select_related("organization").order_by("pk")
    for token in ending_unreplaced(valid, now):
        if is_warning_due(token, now):
            _warn(token, now)


@transaction.atomic
def _warn(token: ServiceToken, now: datetime) -> None:
    if tokens.claim_warning(token, now=now):
        _report("Token Expiring", token, WARNER)


def _report(
    action: str, token: ServiceToken, by: str, told: Mapping[str, object] | None = None
) -> None:
    about = {
        "service": token.name,
        "token": token.pk,
        "scopes": token.scopes,
        "expires_at": token.expires_at.isoformat(),
    }
    interface.report_administration(action, token.organization, by, about | dict(told or {}))
