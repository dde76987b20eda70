"""Lines of syslog are read as the RFCs write them, and their times get a year and a zone."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.imports.syslog import Calendar, Message, Yearless, parse
from orgo_audit.errors import BadInput
from tests.shared_data import SHARED_DATA

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
VECTORS = SHARED_DATA / "formats" / "syslog5424" / "vectors.jsonl"


def refusal(raw: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parse(raw)
    assert caught.value.sentence
    return caught.value.code


def instants(calendar: Calendar, *whens: Yearless) -> list[str]:
    return [f"{calendar.instant(when):%Y-%m-%dT%H:%M:%S}" for when in whens]


# --- the three shapes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b"Mar  7 13:06:56 web-1 sshd[1291]: Server listening on :: port 2.",
            Message(
                Yearless(3, 7, 13, 6, 56),
                "web-1",
                "sshd",
                "1291",
                "Server listening on :: port 2.",
            ),
        ),
        (
            b"<38>Nov 2 15:40:14 web-1 sudo:   ann : TTY=pts/0",
            Message(Yearless(11, 2, 15, 40, 14), "web-1", "sudo", "", "  ann : TTY=pts/0", 38),
        ),
        (
            b"2024-03-28T06:00:01.500000+01:00 web-1 CRON[7]: hello: you",
            Message(
                datetime(2024, 3, 28, 5, 0, 1, 500000, UTC), "web-1", "CRON", "7", "hello: you"
            ),
        ),
        (
            b'<34>1 2003-10-11T22:14:15.003Z h su 8 ID47 [a@1 x="1" x="\\]2"][b] said',
            Message(
                datetime(2003, 10, 11, 22, 14, 15, 3000, UTC),
                *("h", "su", "8", "said", 34, 1, "ID47"),
                {"a@1": {"x": ["1", "]2"]}, "b": {}},
            ),
        ),
        (b"<34>1 - - su - - -", Message(None, program="su", priority=34, version=1)),
    ],
)
def test_each_shape_is_taken_apart(raw: bytes, expected: Message) -> None:
    told = parse(raw)
    assert told == (
        expected
        if not isinstance(expected.when, datetime)
        else Message(told.when, *(getattr(expected, name) for name in _BEHIND_WHEN))
    )
    if isinstance(expected.when, datetime):
        assert told.when == expected.when


_BEHIND_WHEN = ("host", "program", "pid", "text", "priority", "version") + (
    "message_id",
    "structured_data",
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"Mar 32 25:00:00 web-1 sshd[1]",
        b"<192>Mar  7 13:06:56 web-1 sshd[1]: x",
        b"<192>1 - - - - - -",
        b"<34>1 2003-10-11T22:14:15,003Z - - - - -",
        b'<34>1 - - - - - [a x="]"]',
        b"<34>1 - - - - - [a]said",
        b"<34>1 - - - - - - \xff",
        b"\x7fELF\x02\x01\x01",
        "Март  7 13:06:56 web-1 sshd[1]: x".encode(),
        "Mar  ٧ 13:06:56 web-1 sshd[1]: x".encode(),
    ],
)
def test_what_is_no_syslog_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "malformed_syslog"


@pytest.mark.parametrize(
    "raw",
    [
        b"Feb 30 13:06:56 web-1 sshd[1]: x",
        b"Mar  7 24:06:56 web-1 sshd[1]: x",
        b"2024-13-28T06:00:01Z web-1 sshd[1]: x",
        b"<34>1 2003-09-31T22:14:15Z - - - - -",
    ],
)
def test_a_day_that_is_not_in_the_calendar_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "bad_timestamp"


def test_nul_is_refused_and_a_wrong_byte_stays_readable() -> None:
    assert refusal(b"Mar  7 13:06:56 web-1 sshd[1]: a\0b") == "nul_character"
    assert refusal(b"<34>1 - - - - - - a\0b") == "nul_character"
    assert parse(b"Mar  7 13:06:56 web-1 sshd[1]: J\xfcrgen").text == r"J\xfcrgen"


@pytest.mark.skipif(not VECTORS.exists(), reason="needs the shared test data")
def test_a_strict_reader_agrees_on_every_vector() -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
    assert len(vectors) == 86
    for vector in vectors:
        raw = base64.b64decode(vector["input_base64"])
        if vector["valid"]:
            assert told_fields(parse(raw), vector["expect"]) == vector["expect"]
        else:
            refusal(raw)


def told_fields(message: Message, expected: dict[str, Any]) -> dict[str, Any]:
    """The message in the vectors' words; of the time only whether it is the same moment."""
    assert message.priority is not None
    told = {
        "priority": message.priority,
        "facility": message.priority // 8,
        "severity": message.priority % 8,
        "version": message.version,
        "hostname": message.host,
        "appname": message.program,
        "procID": message.pid,
        "msgID": message.message_id,
        "message": message.text,
        "structured_data": bool(message.structured_data),
    }
    if message.when is not None:
        assert message.when == datetime.fromisoformat(expected["timestamp"])
        told["timestamp"] = expected["timestamp"]
    return {name: value for name, value in told.items() if value or name in expected}


@given(st.binary(max_size=200))
def test_whatever_a_line_holds_it_is_read_or_refused(raw: bytes) -> None:
    for line in (raw, b"<34>1 " + raw, b"Mar  7 13:06:56 web-1 sshd[1]: " + raw):
        with suppress(BadInput):
            parse(line)


# --- years and zones ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (Yearless(11, 25, 11, 59, 59), "2026-11-25T11:59:59"),
        (Yearless(11, 25, 12, 4, 0), "2026-11-25T12:04:00"),  # their clock may be ahead a little
        (Yearless(11, 25, 12, 6, 0), "2025-11-25T12:06:00"),
        (Yearless(12, 31, 23, 59, 59), "2025-12-31T23:59:59"),
        (Yearless(1, 1, 0, 0, 0), "2026-01-01T00:00:00"),
    ],
)
def test_without_a_year_a_line_is_in_the_past_twelve_months(when: Yearless, expected: str) -> None:
    assert instants(Calendar(NOW), when) == [expected]


def test_a_leap_day_needs_a_year_that_has_it() -> None:
    leap_day = Yearless(2, 29, 1, 0, 0)
    with pytest.raises(BadInput, match="--year"):
        Calendar(NOW).instant(leap_day)
    with pytest.raises(BadInput, match="--year"):
        Calendar(NOW, year=2023).instant(leap_day)
    assert instants(Calendar(NOW, year=2024), leap_day) == ["2024-02-29T01:00:00"]


def test_a_file_that_goes_from_december_to_january_enters_the_next_year() -> None:
    lines = [
        *(Yearless(3, 1, 0, 0, 0), Yearless(12, 31, 23, 59, 59), Yearless(1, 1, 0, 0, 1)),
        *(Yearless(12, 31, 23, 59, 58), Yearless(1, 2, 0, 0, 0), Yearless(1, 1, 12, 0, 0)),
        Yearless(9, 1, 0, 0, 0),
    ]
    years = [told[:4] for told in instants(Calendar(NOW, year=2023), *lines)]
    assert years == ["2023", "2023", "2024", "2023", "2024", "2024", "2024"]


def test_no_year_is_entered_that_has_not_come() -> None:
    lines = [Yearless(11, 1, 0, 0, 0), Yearless(1, 1, 0, 0, 0)]
    assert instants(Calendar(NOW, year=2026), *lines)[1] == "2026-01-01T00:00:00"


def test_a_time_without_an_offset_is_in_the_zone_that_was_told() -> None:
    calendar = Calendar(NOW, BERLIN)
    assert instants(calendar, Yearless(7, 1, 12, 0, 0)) == ["2026-07-01T10:00:00"]
    assert calendar.instant(datetime(2024, 1, 1, 12, 0)) == datetime(2024, 1, 1, 11, 0, tzinfo=UTC)  # noqa: DTZ001
    told = datetime(2024, 1, 1, 12, 0, tzinfo=UTC)
    assert calendar.instant(told) == told


def test_an_hour_that_comes_twice_is_the_first_one_and_a_missing_hour_is_moved() -> None:
    calendar = Calendar(NOW, BERLIN)
    assert instants(calendar, Yearless(10, 25, 2, 30, 0)) == ["2026-10-25T00:30:00"]
    assert instants(calendar, Yearless(3, 29, 2, 30, 0)) == ["2026-03-29T01:30:00"]


def test_a_moment_beyond_the_calendar_is_refused() -> None:
    edge = datetime.fromisoformat("0001-01-01T00:00:00+14:00")
    with pytest.raises(BadInput):
        Calendar(NOW).instant(edge)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2026, 11, 25)), st.integers(0, 300))  # noqa: DTZ001
def test_the_year_that_was_told_is_kept_over_steps_of_less_than_half_a_year(
    start: datetime, days: int
) -> None:
    calendar = Calendar(NOW, year=start.year)
    for moment in (start, start + timedelta(days=days / 2), start + timedelta(days=days)):
        if moment < NOW.replace(tzinfo=None):
            when = Yearless(moment.month, moment.day, moment.hour, moment.minute, moment.second)
            expected = moment.replace(microsecond=0, tzinfo=UTC)
            assert calendar.instant(when) == expected
