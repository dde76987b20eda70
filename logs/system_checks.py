"""Numbered system checks: what would make events be refused, found before they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError
from django.utils import timezone

from logs.record import partitions


@register(Tags.database)
def segments_are_made_ahead(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """logs.E001: this or the next month has no segment, and its events would be refused."""
    if not databases:
        return []
    try:
        missing = partitions.missing_segments(timezone.now())
    except DatabaseError:
        return []  # before the first migration there is no table to look at
    if not missing:
        return []
    return [
        Error(
            f"missing segments: {', '.join(missing)}",
            hint="the worker makes them every six hours; is it running?",
            id="logs.E001",
        )
    ]
