"""Counts and parts of segments in words, for every page and command."""

from __future__ import annotations


def events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def held(count: int | None) -> str:
    """What a hold keeps; None is all of a month that is not counted yet."""
    return "all events" if count is None else events(count)


def part(segment: str, whose: str | None) -> str:
    """One organization's part of a segment, or the whole of it."""
    return f"{segment}, {whose}" if whose else segment
