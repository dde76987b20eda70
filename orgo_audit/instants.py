"""Instants as callers write them, RFC 3339 with an offset: read into UTC. Never reads a clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from orgo_audit.errors import BadInput

TIMES = ("since", "until")
_INSTANT: Any = Annotated[datetime, msgspec.Meta(tz=True)]


def parse_instant(name: str, value: str) -> datetime:
    """What this field or parameter says; BadInput with its name where that is no instant."""
    try:
        instant: datetime = msgspec.convert(value, _INSTANT).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise BadInput(
            "expected an RFC 3339 time with an offset such as 2024-11-24T10:45:00Z"
            " (a + in an address is written %2B)",
            path=name,
            code="bad_timestamp",
        ) from None
    return instant


def range_from(given: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """The half-open range of `since` and `until`; BadInput for one that can hold nothing."""
    since, until = (parse_instant(name, given[name]) if name in given else None for name in TIMES)
    if since is not None and until is not None and since >= until:
        raise BadInput("`until` must be later than `since`", path="until", code="empty_range")
    return since, until
