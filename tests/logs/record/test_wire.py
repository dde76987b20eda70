"""How answers speak of an event: the blueprint's words, one way to write a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from logs.record.wire import format_instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2024, 11, 24, 10, 45, tzinfo=UTC), "2024-11-24T10:45:00Z"),
        (datetime(2024, 11, 24, 10, 45, 0, 500_000, tzinfo=UTC), "2024-11-24T10:45:00.500000Z"),
        (datetime(2024, 11, 24, 10, 45, 0, 1, tzinfo=UTC), "2024-11-24T10:45:00.000001Z"),
        (
            datetime(2024, 11, 24, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2024-11-23T23:00:00Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_answers_give_times_in_utc_with_six_digits_or_none(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text
