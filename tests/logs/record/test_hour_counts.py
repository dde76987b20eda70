"""Counts by the hour: mails by the sender's clock, arrivals by ours, late ones and leavers too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from logs.record import hour_counts
from logs.record.hour_counts import Measure, count, counts
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from tests.builders import an_organization, stored, wire_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def mails(north: Organization, *hours_ago: int, **fields: object) -> None:
    now = datetime.now(UTC)
    stored(
        north,
        *(
            wire_event(
                action="Email Received",
                timestamp=(now - timedelta(hours=ago)).isoformat(),
                **fields,
            )
            for ago in hours_ago
        ),
    )


def counted(north: Organization, measure: Measure) -> dict[int, int]:
    """By how many hours ago."""
    now = datetime.now(UTC)
    count(now)
    found = counts([north], [measure], now - timedelta(days=400))
    return {(hour_of(now) - hour) // timedelta(hours=1): n for (_, _, hour), n in found.items()}


def test_a_mail_counts_in_the_hour_in_which_it_came(north: Organization) -> None:
    mails(north, 1, 1, 5)
    assert counted(north, Measure.MAILS) == {1: 2, 5: 1}


def test_a_late_mail_still_counts(north: Organization) -> None:
    mails(north, 3)
    assert counted(north, Measure.MAILS) == {3: 1}
    mails(north, 3, 20)
    assert counted(north, Measure.MAILS) == {3: 2, 20: 1}


def test_test_mails_and_imports_are_no_volume(north: Organization) -> None:
    mails(north, 1, source="health_check")
    stored(north, wire_event(action="Email Received"), source="import")
    assert counted(north, Measure.MAILS) == {}


def test_routings_whose_outcome_is_unknown_are_no_routing(north: Organization) -> None:
    lately = {"timestamp": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    for status in ("Success", "Success", "Failed", "Whatever"):
        stored(north, wire_event(task_id="1", **lately | {"status": status}))
    assert counted(north, Measure.ROUTED) == {1: 3}
    assert counted(north, Measure.ROUTED_WELL) == {1: 2}


def test_arrivals_count_by_our_clock(north: Organization) -> None:
    stored(north, *[wire_event(timestamp="2024-11-24T10:45:00Z")] * 3)
    stored(north, wire_event(LogType.ERROR), log_type=LogType.ERROR)
    assert counted(north, Measure.ACTIVITY) == {0: 3}
    assert counted(north, Measure.ERRORS) == {0: 1}


def test_what_is_there_before_the_first_count_is_counted_in_steps(
    north: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hour_counts, "LONGEST_STEP", timedelta(hours=1))
    stored(north, wire_event())
    assert counted(north, Measure.ACTIVITY) == {0: 1}
