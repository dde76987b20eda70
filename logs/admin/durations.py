"""Spans of time as people say them. Pure: knows no clock."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(span: timedelta) -> str:
    """The two largest units: `3 days 4 h`, `12 min`, `0.4 s`; the sign is left to the caller."""
    seconds = abs(span.total_seconds())
    if seconds < 1:
        return f"{seconds:.1f} s" if seconds >= 0.1 else "an instant"
    rest, parts = int(seconds), []
    for unit, size in _UNITS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(_counted(number, unit))
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts)


def _counted(number: int, unit: str) -> str:
    return f"{number} days" if unit == "day" and number > 1 else f"{number} {unit}"
