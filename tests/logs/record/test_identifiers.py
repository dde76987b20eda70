"""Event ids: UUIDv7 whose first bits name the millisecond, as the database computes it, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.record.identifiers import new_ids, segment_name, smallest_id
from orgo_audit.periods import next_month
from tests.builders import instant_of

NOW = datetime(2026, 11, 25, 10, 30, 0, 123456, tzinfo=UTC)
SECONDS_TO_YEAR_9999 = 253_370_764_800
instants = st.tuples(st.integers(0, SECONDS_TO_YEAR_9999), st.integers(0, 999_999)).map(
    lambda moment: datetime.fromtimestamp(moment[0], UTC).replace(microsecond=moment[1])
)


def test_ids_are_version_7_of_the_rfc_and_carry_their_millisecond() -> None:
    for identifier in new_ids(NOW, 100):
        assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
        assert instant_of(identifier) == NOW.replace(microsecond=123000)


@given(instants, st.integers(0, 200))
def test_ids_of_a_batch_rise_and_none_comes_twice(instant: datetime, count: int) -> None:
    identifiers = list(new_ids(instant, count))
    assert len(identifiers) == count
    assert identifiers == sorted(set(identifiers))
    assert all(identifier >= smallest_id(instant) for identifier in identifiers)


def test_the_largest_batch_stays_within_its_millisecond() -> None:
    *_, last = new_ids(NOW, 5000)
    assert smallest_id(NOW) < last < smallest_id(NOW + timedelta(milliseconds=1))


def test_two_batches_of_one_millisecond_share_no_id() -> None:
    assert not set(new_ids(NOW, 1000)) & set(new_ids(NOW, 1000))


def test_the_rfcs_own_example_is_read_right() -> None:
    example = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert instant_of(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@pytest.mark.django_db
@settings(max_examples=50)
@given(instants)
def test_the_smallest_id_is_the_databases_floor(instant: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT u7_floor(%s)", [instant])
        assert cursor.fetchone()[0] == smallest_id(instant)


@pytest.mark.parametrize("year", [1, 1969])
def test_before_the_epoch_the_bound_is_the_smallest_of_all(year: int) -> None:
    assert smallest_id(datetime(year, 1, 1, tzinfo=UTC)) == smallest_id(
        datetime(1970, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "activity-2026-11"),
        (datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC), "activity-2026-11"),
        (datetime(2026, 12, 1, tzinfo=UTC), "activity-2026-12"),
    ],
)
def test_a_segment_is_named_after_its_log_and_month(instant: datetime, name: str) -> None:
    assert segment_name("activity", instant) == name


def test_the_months_bounds_part_its_ids_from_the_next_ones() -> None:
    *_, last = new_ids(next_month(NOW) - timedelta(milliseconds=1), 5000)
    assert last < smallest_id(next_month(NOW))
