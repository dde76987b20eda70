"""Fills a database with N events over equally many segments, by COPY.

Plants values whose number of hits is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
from rich.console import Console
from rich.progress import track

from bench.events import copy_line, wire_event
from logs.record.drafts import Draft, draft_of
from logs.record.identifiers import new_ids
from logs.record.rows import COLUMNS, row_of
from logs.record.vocabulary import LogType
from orgo_audit.periods import next_month, start_of_month

MONTHS = 24
ROWS_PER_COPY = 10_000
LOG_TYPES = (LogType.ACTIVITY,) * 7 + (LogType.SECURITY,) * 2 + (LogType.ERROR,)
SOURCES = ("email_parser", "router", "escalation_engine")

COPY = f"COPY event ({', '.join(COLUMNS)}) FROM STDIN"

# One event in HOT_EVERY speaks of the hot task; RARE_ROWS activity events, evenly spread, carry the
# rare value of every field, whatever the size.
HOT_EVERY = 25
HOT = {"task_id": "task-hot", "email_id": "<hot@mail.organization.com>"}
RARE_ROWS = 20
RARE_SOURCE = "rare_service"
RARE = {
    "action": "Rare Action",
    "status": "Failed",
    "user": "rare.person@organization.com",
    "task_id": "task-rare",
    "email_id": "<rare@mail.organization.com>",
    "ip_address": "198.51.100.7",
    "from": "rare_mailbox",
    "to": "rare_queue",
}


def fill(owner: psycopg.Connection, organization_id: int, rows: int, now: datetime) -> None:
    """Makes segments and events, evenly over the MONTHS that end with `now`; VACUUM ANALYZE."""
    months = _months(now)
    for month in months:
        for log_type in LogType:
            owner.execute("SELECT make_segment(%s, %s)", [log_type.value, month.date()])
    lines = _lines(organization_id, rows, months[0], now)
    starts = range(0, rows, ROWS_PER_COPY)
    console = Console(stderr=True)
    for start in track(starts, description=f"bench: filling {rows:,} events", console=console):
        with owner.cursor() as cursor, cursor.copy(COPY) as copy:
            for _ in range(min(ROWS_PER_COPY, rows - start)):
                copy.write(next(lines))
    owner.execute("VACUUM (ANALYZE) event")


def head(identifier: object, log_type: LogType, organization_id: int, recorded_at: str) -> str:
    """The beginning of an event's line: what the portal adds."""
    return f"{identifier}\t{log_type.value}\t{organization_id}\t{recorded_at}\t"


def tail(draft: Draft, source: str) -> str:
    """The rest of the line: what the sender said."""
    row = row_of(draft, identifier="", organization_id=0, recorded_at="", source=source)
    said = row[COLUMNS.index("occurred_at") :]
    return copy_line((said[0].isoformat(), *said[1:]))


def _months(now: datetime) -> list[datetime]:
    newest = start_of_month(now)
    month = start_of_month(newest - timedelta(days=30.5 * (MONTHS - 1) - 15))
    months = [month]
    while months[-1] < newest:
        months.append(next_month(months[-1]))
    return months


def _lines(organization_id: int, rows: int, since: datetime, now: datetime) -> Iterator[str]:
    random = Random(2)  # noqa: S311  (repeatable on purpose)
    step = (now - since) / rows
    rare = {rows * (2 * place + 1) // (2 * RARE_ROWS) for place in range(RARE_ROWS)}
    for number in range(rows):
        recorded_at = since + number * step
        log_type = LogType.ACTIVITY if number in rare else random.choice(LOG_TYPES)
        draft = _draft(number, log_type, recorded_at, random, is_rare=number in rare)
        source = RARE_SOURCE if number in rare else random.choice(SOURCES)
        [identifier] = new_ids(recorded_at, 1)
        told = head(identifier, log_type, organization_id, recorded_at.isoformat())
        yield f"{told}{tail(draft, source)}\n"


def _draft(
    number: int, log_type: LogType, recorded_at: datetime, random: Random, *, is_rare: bool
) -> Draft:
    sent = wire_event(number, random)
    sent["timestamp"] = (recorded_at - _lag(random)).isoformat()
    if is_rare:
        sent |= RARE
    elif number % HOT_EVERY == 0:
        sent |= HOT
    if log_type is LogType.ERROR:
        sent["error"] = sent.pop("action")
    return draft_of(sent, log_type, now=datetime.now(UTC))


def _lag(random: Random) -> timedelta:
    """Most events arrive within seconds, one in a hundred is up to two days late."""
    is_late = random.random() < 0.01
    return timedelta(seconds=random.random() * (172_800 if is_late else 5))
