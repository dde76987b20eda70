"""Streams exactly the events that a query selects, in the list's order; never keeps them all.

PostgreSQL writes the lines itself (COPY): Python objects on the way would cost several times as
much. An NDJSON line must equal what `drafts.as_wire` gives; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from logs.record import own_events, reading
from logs.record.access import Readable, Viewer
from logs.record.drafts import ANSWER_FIELDS
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from orgo_audit.errors import BadInput

BLOCK_BYTES = 64 * 1024
# Whoever reads too slowly must not keep a snapshot, and so a segment, for ever.
LONGEST = timedelta(hours=2)
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
    rows = reading.rows_of(scopes, query)
    if manner.form is Form.NDJSON:
        return _lines(_ndjson(rows, scopes), manner)
    return _lines(_csv(rows, scopes, query, manner.zone), manner)


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


@dataclass(frozen=True, slots=True)
class _Copy:
    """A query to copy out, the options that write it, and a first line."""

    rows: QuerySet[Event]
    columns: tuple[str, ...]
    options: str
    head: bytes = b""


def _lines(copied: _Copy, manner: Manner) -> Iterator[bytes]:
    block: list[bytes | memoryview] = [copied.head]
    count = size = 0
    for row in _copied(copied, manner.zone):
        block.append(row)
        count += 1
        size += len(row)
        if size >= BLOCK_BYTES:
            yield b"".join(block)
            size, block = 0, []
    if manner.with_count:
        block.append(_end(count, manner))
    yield b"".join(block)


def _copied(copied: _Copy, zone: ZoneInfo) -> Iterator[memoryview]:
    """One item per event: COPY sends each row by itself."""
    select, parameters = copied.rows.values_list(*copied.columns).query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('TimeZone', %s, true), set_config('statement_timeout', %s, true)",
            [zone.key, str(int(LONGEST.total_seconds() * 1000))],
        )
        wrapper = connection.wrap_database_errors
        statement = f"COPY ({select}) TO STDOUT ({copied.options})"
        with wrapper, cursor.copy(statement, parameters) as rows:
            yield from rows


def _end(count: int, manner: Manner) -> bytes:
    if manner.form is Form.NDJSON:
        return msgspec.json.encode({"count": count, "time_zone": UTC.key}) + b"\n"
    return f"# count: {count}; time zone: {manner.zone.key}\n".encode()


# --- NDJSON -------------------------------------------------------------------------------------

# A line of JSON holds no control character: as quote and delimiter they leave it as it is.
_ONE_COLUMN = r"FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'"


def _ndjson(rows: QuerySet[Event], scopes: Readable) -> _Copy:
    return _Copy(_with(rows, line=_json_line(scopes)), ("line",), _ONE_COLUMN)


def _json_line(scopes: Readable) -> str:
    """What `drafts.as_wire` gives, as SQL: `concat` leaves out what is NULL, as absent keys are."""
    parts = (
        """'{"id":"', id, '","log_type":"', log_type, '","timestamp":"'""",
        _instant("occurred_at"),
        f"""'","', {_by_log_type("'error'", "'action'")}, '":', to_json(action)""",
        *(f"""',"{name}":' || to_json({column})""" for name, column in ANSWER_FIELDS.items()),
        f"""',"recorded_at":"', {_instant("recorded_at")}""",
        f"""'","organization":"', {_slug(scopes)}, '","source":', to_json(source)""",
        """',"outcome":"', outcome, '","details":', details, '}'""",
    )
    return f"concat({', '.join(parts)})"


def _by_log_type(error: str, other: str) -> str:
    return f"CASE log_type WHEN '{LogType.ERROR.value}' THEN {error} ELSE {other} END"


def _slug(scopes: Readable) -> str:
    known = {organization.pk: sql.quote(organization.slug) for organization in scopes}
    if len(known) == 1:
        return next(iter(known.values()))
    cases = " ".join(f"WHEN {pk} THEN {slug}" for pk, slug in known.items())
    return f"CASE organization_id {cases} END"


# RFC 3339. A format of `to_char` that has a fraction always writes six digits.
_SECONDS = """'YYYY-MM-DD"T"HH24:MI:SS"""
_MICROSECONDS = f"{_SECONDS}.US"


def _instant(column: str) -> str:
    """An instant in UTC as `drafts.format_instant` writes it."""
    return _formatted(f"{column} AT TIME ZONE 'UTC'", column, """"Z"'""")


def _formatted(value: str, column: str, offset: str) -> str:
    return (
        f"CASE WHEN date_trunc('second', {column}) = {column}"
        f" THEN to_char({value}, {_SECONDS}{offset})"
        f" ELSE to_char({value}, {_MICROSECONDS}{offset}) END"
    )


# --- CSV ----------------------------------------------------------------------------------------

# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA_SIGNS = r"'=', '+', '-', '@', E'\t', E'\r', E'\n', '＝', '＋', '－', '＠'"
# By their bytes ASCII's letters are beyond all these signs: usually one comparison tells.
_PLAIN = r"""{0} COLLATE "C" BETWEEN 'A' AND E'\x7F'"""
# Until then zones had offsets with seconds (Liberia's was the last), which RFC 3339 cannot write.
_WHOLE_MINUTES_SINCE = "1973-01-01Z"


def _csv(rows: QuerySet[Event], scopes: Readable, query: EventQuery, zone: ZoneInfo) -> _Copy:
    columns = _csv_columns(scopes, query, zone)
    head = ",".join(columns).encode() + b"\n"
    # Django gives an annotation no name that a column of the table has.
    named = {f"csv_{name}": column for name, column in columns.items()}
    return _Copy(_with(rows, **named), tuple(named), "FORMAT csv", head)


def _csv_columns(scopes: Readable, query: EventQuery, zone: ZoneInfo) -> dict[str, str]:
    """The columns' names, which are the wire's, and their SQL."""
    return {
        "id": "id",
        "log_type": "log_type",
        "timestamp": _local_instant("occurred_at", zone),
        **_action_columns(query),
        **{name: _cell(column) for name, column in ANSWER_FIELDS.items()},
        "recorded_at": _local_instant("recorded_at", zone),
        "organization": _slug(scopes),
        "source": _cell("source"),
        "outcome": "outcome",
        "details": "details",
    }


def _action_columns(query: EventQuery) -> dict[str, str]:
    action = _cell("action")
    if query.log_types == {LogType.ERROR}:
        return {"error": action}
    if LogType.ERROR not in query.log_types:
        return {"action": action}
    return {"action": _by_log_type("NULL", action), "error": _by_log_type(action, "NULL")}


def _cell(column: str) -> str:
    """The text, an apostrophe before it where a spreadsheet would take it for a formula."""
    return (
        f"CASE WHEN {_PLAIN.format(column)} THEN {column}"
        f" WHEN left({column}, 1) IN ({_FORMULA_SIGNS}) THEN '''' || {column} ELSE {column} END"
    )


def _local_instant(column: str, zone: ZoneInfo) -> str:
    if zone.key == UTC.key:
        return _instant(column)
    local = _formatted(column, column, "TZH:TZM'")
    return f"CASE WHEN {column} < '{_WHOLE_MINUTES_SINCE}' THEN {_instant(column)} ELSE {local} END"


def _with(rows: QuerySet[Event], **columns: str) -> QuerySet[Event]:
    """The rows with these columns. Their SQL is this module's alone: nothing sent is in it."""
    return rows.annotate(**{name: RawSQL(column, []) for name, column in columns.items()})  # noqa: S611
