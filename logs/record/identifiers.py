"""Event ids: UUIDv7 (RFC 9562), whose first 48 bits name the millisecond and so the segment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

# An id's time and its event's `recorded_at` differ by no more: the table checks it.
ID_SLACK = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RANDOM_BITS = 74
_LOW_62 = (1 << 62) - 1
# Ids of one batch grow by random steps, so that they keep the batch's order and stay unguessable.
_STEP_BYTES = 5


def _assemble(milliseconds: int, random: int) -> UUID:
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | (random & _LOW_62)
    )


def new_ids(instant: datetime, count: int) -> Iterator[UUID]:
    """`count` ids of that instant, each greater than the one before."""
    milliseconds = (instant - _EPOCH) // _MILLISECOND
    # The highest bit starts at 0, so that no batch overflows the 74 random bits.
    random = secrets.randbits(_RANDOM_BITS - 1)
    steps = memoryview(secrets.token_bytes(_STEP_BYTES * count))
    for start in range(0, len(steps), _STEP_BYTES):
        random += 1 + int.from_bytes(steps[start : start + _STEP_BYTES], "big")
        yield _assemble(milliseconds, random)


def smallest_id(instant: datetime) -> UUID:
    """The lower bound of all ids of that millisecond and later; equals the database's u7_floor."""
    return _assemble(max(0, (instant - _EPOCH) // _MILLISECOND), 0)


def segment_name(log_type: str, instant: datetime) -> str:
    """The one name of a log type's month in every store: `activity-2026-11`."""
    return f"{log_type}-{instant:%Y-%m}"
