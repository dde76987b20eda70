"""Streams exactly the events that a query selects, in the list's order; never keeps them all.

PostgreSQL writes the columns of both forms (COPY): Django's objects on the way would cost several
times as much. An NDJSON line must equal what `wire.as_wire` gives; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from logs.record import own_events, reading
from logs.record.access import Readable, Viewer
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from logs.record.wire import ANSWER_FIELDS
from orgo_audit.database.base import patient
from orgo_audit.errors import BadInput
from orgo_audit.spreadsheets import FORMULA_SIGNS

ROWS_PER_BLOCK = 128
# Whoever reads too slowly must not keep a snapshot, and so a segment, for ever.
LONGEST = timedelta(hours=2)
# Between two lines: a filter may pass over all but a few of many events.
LONGEST_SILENCE = timedelta(minutes=10)
UTC = ZoneInfo("UTC")


class Form(StrEnum):
    """How an export is written."""

    NDJSON = "ndjson"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        return {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}[self.value]


def chosen_form(name: str) -> Form:
    """The form of that name, NDJSON where none is given; BadInput for any other."""
    try:
        return Form(name or Form.NDJSON)
    except ValueError:
        known = ", ".join(Form)
        raise BadInput(f"expected one of {known}", path="format", code="unknown_format") from None


@dataclass(frozen=True, slots=True)
class Manner:
    """How an export is told: its form, the zone of a CSV's times, whether its count ends it."""

    form: Form
    zone: ZoneInfo = UTC
    with_count: bool = False


def export(viewer: Viewer, query: EventQuery, manner: Manner) -> Iterator[bytes]:
    """Blocks of whole lines; NotFound where the viewer may read nothing of it.

    The export is on record before its first line; the lines are of one instant.
    """
    scopes = reading.scopes_of(viewer, query.log_types)
    _require_zone(manner.zone)
    own_events.report_export(
        viewer, scopes, reading.described(query.log_types), query.described(), manner.form.value
    )
    columns = _columns(scopes, query.log_types, manner)
    rows = reading.rows_of(scopes, query).annotate(
        # Django gives an annotation no name that a field has. All this SQL is of this module.
        **{f"export_{name}": RawSQL(column, []) for name, column in columns.items()}  # noqa: S611
    )
    return _lines(rows, list(columns), manner)


def _require_zone(zone: ZoneInfo) -> None:
    """PostgreSQL has its own list of zones: better refused now than after the first line."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT now() AT TIME ZONE %s", [zone.key])
    except DataError:
        raise _unknown_zone() from None


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name; BadInput where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown_zone() from None


def _unknown_zone() -> BadInput:
    return BadInput(
        "expected the name of a time zone such as Europe/Vienna, or UTC",
        path="time_zone",
        code="unknown_time_zone",
    )


def _lines(rows: QuerySet[Event], columns: list[str], manner: Manner) -> Iterator[bytes]:
    written = _Ndjson() if manner.form is Form.NDJSON else _Csv()
    count = 0
    if head := written.head(columns):
        yield head
    copied = _copied(rows, columns, written.options, manner.zone)
    while block := list(islice(copied, ROWS_PER_BLOCK)):
        count += len(block)
        yield written.block(block)
    if manner.with_count:
        yield written.end(count, manner.zone)


_Row = bytes | memoryview


def _copied(
    rows: QuerySet[Event], columns: list[str], options: str, zone: ZoneInfo
) -> Iterator[_Row]:
    """One item per event: COPY sends each row by itself."""
    selected = rows.values_list(*(f"export_{name}" for name in columns))
    select, parameters = selected.query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('TimeZone', %s, true), set_config('statement_timeout', %s, true)",
            [zone.key, str(int(LONGEST.total_seconds() * 1000))],
        )
        wrapper = connection.wrap_database_errors
        statement = f"COPY ({select}) TO STDOUT (FORMAT csv{options})"
        with (
            patient(cursor, LONGEST_SILENCE),
            wrapper,
            cursor.copy(statement, parameters) as copy,
        ):
            yield from copy


class _Csv:
    """RFC 4180 as PostgreSQL writes it."""

    options = ""

    def head(self, columns: Iterable[str]) -> bytes:
        return f"{','.join(columns)}\n".encode()

    def block(self, rows: list[_Row]) -> bytes:
        return b"".join(rows)

    def end(self, count: int, zone: ZoneInfo) -> bytes:
        return f"# count: {count}; time zone: {zone.key}\n".encode()


# The wire's event, its absent keys left out.
_Line = msgspec.defstruct(
    "_Line",
    [
        *(("id", str), ("log_type", str), ("timestamp", str)),
        *((name, str | None, None) for name in ("action", "error", *ANSWER_FIELDS)),
        *((name, Any, None) for name in ("recorded_at", "organization", "source", "outcome")),
        ("details", Any, None),
    ],
    omit_defaults=True,
)
_DETAILS = _Line.__struct_fields__.index("details")
_CONTROL = re.compile(rb"[\x01-\x1f]")
_decode, _encoder = msgspec.json.Decoder().decode, msgspec.json.Encoder()


class _Ndjson:
    """CSV so written that a row in brackets is a JSON array, which becomes the event's object."""

    options = r", ESCAPE '\', NULL 'null', FORCE_QUOTE *"

    def head(self, columns: Iterable[str]) -> bytes:
        return b""

    def block(self, rows: list[_Row]) -> bytes:
        values = self._values(rows)
        for row in values:
            row[_DETAILS] = msgspec.Raw(row[_DETAILS])
        return _encoder.encode_lines([_Line(*row) for row in values])

    def end(self, count: int, zone: ZoneInfo) -> bytes:
        return _encoder.encode_lines([{"count": count, "time_zone": zone.key}])

    def _values(self, rows: list[_Row]) -> list[list[Any]]:
        try:
            values: list[list[Any]] = _decode(b"[[%b]]" % b"],[".join(rows))
        except msgspec.DecodeError:
            values = [self._value(row) for row in rows]
        return values

    def _value(self, row: _Row) -> list[Any]:
        """Control characters are the one thing that CSV keeps as they are and JSON does not."""
        escaped = _CONTROL.sub(lambda sign: b"\\u%04x" % ord(sign[0]), bytes(row).rstrip(b"\n"))
        value: list[Any] = _decode(b"[%b]" % escaped)
        return value


# --- columns ------------------------------------------------------------------------------------


def _columns(scopes: Readable, log_types: Iterable[LogType], manner: Manner) -> dict[str, str]:
    """The wire's names in the order of an answer, and the SQL of each."""
    text = _whole if manner.form is Form.NDJSON else _cell
    return {
        "id": "id",
        "log_type": "log_type",
        "timestamp": _instant("occurred_at", manner.zone),
        **_action_columns(text("action"), log_types, manner),
        **{name: text(column) for name, column in ANSWER_FIELDS.items()},
        "recorded_at": _instant("recorded_at", manner.zone),
        "organization": _slug(scopes),
        "source": text("source"),
        "outcome": "outcome",
        "details": "details",
    }


def _action_columns(action: str, log_types: Iterable[LogType], manner: Manner) -> dict[str, str]:
    """Error events say `error`. A CSV of one log has only the column that it needs."""
    known = set(log_types)
    if manner.form is Form.CSV and known == {LogType.ERROR}:
        return {"error": action}
    if manner.form is Form.CSV and LogType.ERROR not in known:
        return {"action": action}
    error = f"log_type = '{LogType.ERROR.value}'"
    return {
        "action": f"CASE WHEN {error} THEN NULL ELSE {action} END",
        "error": f"CASE WHEN {error} THEN {action} END",
    }


def _slug(scopes: Readable) -> str:
    known = {organization.pk: sql.quote(organization.slug) for organization in scopes}
    if len(known) == 1:
        return next(iter(known.values()))
    cases = " ".join(f"WHEN {pk} THEN {slug}" for pk, slug in known.items())
    return f"CASE organization_id {cases} END"


def _whole(column: str) -> str:
    return column


_FORMULA_CODES = ", ".join(str(ord(sign)) for sign in FORMULA_SIGNS)


def _cell(column: str) -> str:
    """The text, an apostrophe before it where a spreadsheet would take it for a formula."""
    return (
        f"CASE WHEN ascii({column}) IN ({_FORMULA_CODES}) THEN '''' || {column} ELSE {column} END"
    )


# Until then zones had offsets with seconds (Liberia's was the last), which RFC 3339 cannot write.
_WHOLE_MINUTES_SINCE = "1973-01-01Z"


def _instant(column: str, zone: ZoneInfo) -> str:
    """An instant as `wire.format_instant` writes it: UTC with `Z`, or the zone's offset."""
    utc = _formatted(column, f"{column} AT TIME ZONE 'UTC'", '"Z"')
    if zone.key == UTC.key:
        return utc
    local = _formatted(column, column, "TZH:TZM")
    return f"CASE WHEN {column} < '{_WHOLE_MINUTES_SINCE}' THEN {utc} ELSE {local} END"


def _formatted(column: str, value: str, offset: str) -> str:
    second = 'YYYY-MM-DD"T"HH24:MI:SS'
    return (
        f"CASE WHEN {column}::timestamptz(0) = {column}"
        f" THEN to_char({value}, '{second}{offset}')"
        f" ELSE to_char({value}, '{second}.US{offset}') END"
    )
