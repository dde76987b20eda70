"""E-mail volumes are compared with the same hours of former weeks, incidents and all."""

from __future__ import annotations

import csv
import json
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.alerting import baseline
from monitoring.alerting.baseline import WEEK, Volume, judged
from tests.shared_data import SHARED_DATA

MAIL = SHARED_DATA / "timeseries" / "mail"
HOUR = timedelta(hours=1)
OFFICE = [40 if 8 <= hour % 24 < 18 and hour // 24 < 5 else 3 for hour in range(WEEK)]


def weeks(number: int) -> list[int]:
    """An office's mails: each week like the others, but for what chance does."""
    chance = random.Random(7)  # noqa: S311  # no secret
    return [max(0, round(chance.gauss(mean, mean**0.5))) for mean in OFFICE * number]


def volumes(hourly: list[int]) -> set[Volume]:
    return {one.volume for one in judged(hourly).values()}


def test_two_weeks_are_not_enough_to_say_anything() -> None:
    assert volumes(weeks(2)) == {Volume.LEARNING}


def test_nothing_at_all_is_not_enough_either() -> None:
    assert volumes([]) == {Volume.LEARNING}


def test_weeks_like_the_others_are_usual() -> None:
    hourly = weeks(10)
    unusual = [
        place
        for place in range(9 * WEEK, 10 * WEEK)
        for one in baseline.windows_at(hourly[:place]).values()
        if one.volume is not Volume.USUAL
    ]
    assert unusual == []


def test_a_flood_of_mails_is_high() -> None:
    assert Volume.HIGH in volumes([*weeks(8)[:-WEEK], *OFFICE[:10], 400])


def test_silence_in_office_hours_is_low() -> None:
    assert Volume.LOW in volumes([*weeks(8)[:-WEEK], *OFFICE[:10], 0])


def test_silence_at_night_is_usual_where_nights_are_silent() -> None:
    hourly = [0 if hour % 24 < 6 else mails for hour, mails in enumerate(weeks(8))]
    assert volumes([*hourly[:-WEEK], 0, 0, 0]) == {Volume.USUAL}


def test_one_old_incident_does_not_hide_the_next_one() -> None:
    hourly = weeks(8)
    hourly[3 * WEEK + 10] = 4000
    assert Volume.HIGH in volumes([*hourly[:-WEEK], *OFFICE[:10], 400])


def test_an_incident_lasts_until_six_hours_were_usual() -> None:
    flood = [*weeks(8)[:-WEEK], *OFFICE[:9], 400]
    assert Volume.HIGH in volumes([*flood, *OFFICE[10:15]])
    assert Volume.HIGH not in {judged([*flood, *OFFICE[10:16]])[1].volume}


@given(st.lists(st.integers(0, 10**6), max_size=700))
def test_no_series_is_too_odd_to_be_judged(hourly: list[int]) -> None:
    assert set(judged(hourly)) == set(baseline.WINDOWS_HOURS)


@pytest.mark.long
@pytest.mark.skipif(not MAIL.is_dir(), reason="the labelled series of ../shared/data are not here")
def test_every_injected_anomaly_is_found_and_nothing_else() -> None:
    with (MAIL / "office_injected.csv").open() as file:
        rows = [(datetime.fromisoformat(t), int(n)) for t, n in list(csv.reader(file))[1:]]
    told = json.loads((MAIL / "office_injected.windows.json").read_text())
    windows = [
        (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in told
    ]
    hourly = [number for _, number in rows]
    alarms = [
        rows[place - 1][0]
        for place in range(3 * WEEK, len(rows) + 1)
        if any(
            one.volume in (Volume.HIGH, Volume.LOW)
            for one in baseline.windows_at(hourly[:place]).values()
        )
    ]
    near = max(baseline.WINDOWS_HOURS) * HOUR
    found = [any(start <= alarm <= end + near for alarm in alarms) for start, end in windows]
    false = [
        alarm for alarm in alarms if not any(start <= alarm <= end + near for start, end in windows)
    ]
    assert (found, false) == ([True] * len(windows), [])
