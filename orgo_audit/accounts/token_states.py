"""What a service token's dates say at a given time. Asks nothing of the database or the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orgo_audit.accounts.models import ServiceToken

WARN_BEFORE = timedelta(days=14)
WARN_AGAIN_BEFORE = timedelta(days=1)
_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


class TokenState(StrEnum):
    """Whether a token opens the API, and for how much longer."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


def state_of(token: ServiceToken, now: datetime) -> TokenState:
    if token.revoked_at is not None:
        return TokenState.REVOKED
    if token.expires_at <= now:
        return TokenState.EXPIRED
    is_near = token.expires_at - now <= WARN_BEFORE
    return TokenState.EXPIRING if is_near else TokenState.ACTIVE


@dataclass(frozen=True, slots=True)
class Row:
    """A token as a list shows it."""

    token: ServiceToken
    state: TokenState
    last_used: str
    ends_at: datetime
    ends: str

    @property
    def is_valid(self) -> bool:
        return self.state in (TokenState.ACTIVE, TokenState.EXPIRING)


def row_of(token: ServiceToken, now: datetime) -> Row:
    used = in_words(token.last_used_at, now) if token.last_used_at else "never"
    ends_at = token.revoked_at or token.expires_at
    return Row(token, state_of(token, now), used, ends_at, in_words(ends_at, now))


def in_words(instant: datetime, now: datetime) -> str:
    """`in 6 days`, `5 hours ago`, `now`: whole days, else whole hours, else whole minutes."""
    span = abs(instant - now)
    if instant > now and span > timedelta(hours=12):
        span += timedelta(minutes=1)  # what was made for 90 days a moment ago ends in 90 days
    for unit, length in _UNITS.items():
        if count := span // length:
            words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
            return f"in {words}" if instant > now else f"{words} ago"
    return "now"


def ending_unreplaced(tokens: Iterable[ServiceToken], now: datetime) -> list[ServiceToken]:
    """Those that expire soon while their service does not yet use one that lasts longer."""
    valid = [token for token in tokens if token.is_valid_at(now)]
    return [
        token
        for token in valid
        if state_of(token, now) is TokenState.EXPIRING
        and not any(_replaces(other, token) for other in valid)
    ]


def _replaces(other: ServiceToken, token: ServiceToken) -> bool:
    return (
        (other.organization_id, other.name) == (token.organization_id, token.name)
        and other.last_used_at is not None
        and other.expires_at > token.expires_at
        and set(other.scopes) >= set(token.scopes)
    )


def is_warning_due(token: ServiceToken, now: datetime) -> bool:
    """Once when 14 days are left, once more when one day is."""
    left = token.expires_at - now
    if not timedelta(0) < left <= WARN_BEFORE:
        return False
    if token.warned_at is None:
        return True
    return left <= WARN_AGAIN_BEFORE < token.expires_at - token.warned_at
