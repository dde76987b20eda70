"""Fills a database with N events over equally many segments, by COPY in two processes.

Plants values whose number of hits is known. Never removes anything: the record only grows.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.events import wire_event
from bench.measures import say
from bench.portal import Portal
from logs.record.drafts import Draft, draft_of
from logs.record.identifiers import new_ids
from logs.record.rows import COLUMNS, line_of, row_of
from logs.record.vocabulary import LogType
from orgo_audit import logins
from orgo_audit.periods import next_month, start_of_month

MONTHS = 24
DEFAULT_ROWS = 10_000_000
DEFAULT_ORGANIZATION = "default"
ROWS_PER_COPY = 10_000
PROCESSES = 2
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


@dataclass(frozen=True, slots=True)
class Filling:
    """So many events of one organization, spread evenly from `since` to `now`."""

    organization_id: int
    rows: int
    since: datetime
    now: datetime
    log_types: tuple[LogType, ...] = LOG_TYPES


def shown_database(portal: Portal, rows: int) -> str:
    """As `database`, with a policy that withholds none of them. From then on none is over, too."""
    name = database(portal, rows)
    portal.keep_for_long(name)
    return name


def database(portal: Portal, rows: int) -> str:
    """The name of the portal's database with so many events; made if it is not there."""
    name = f"bench_{rows}"
    if rows not in portal.filled:
        portal.new_database(name)
        with portal.connect(logins.OWNER, name) as owner:
            fill(owner, organization(owner), rows, datetime.now(UTC))
        portal.filled.add(rows)
    return name


def organization(owner: psycopg.Connection, slug: str = DEFAULT_ORGANIZATION) -> int:
    """Its key."""
    found = owner.execute("SELECT id FROM accounts_organization WHERE slug = %s", [slug]).fetchone()
    if found is None:
        raise SystemExit(f"no organization {slug!r}")
    return int(found[0])


def fill(owner: psycopg.Connection, organization_id: int, rows: int, now: datetime) -> None:
    """Makes segments and events, evenly over the MONTHS that end with `now`; VACUUM ANALYZE."""
    months = _months(now)
    for month in months:
        for log_type in LogType:
            owner.execute("SELECT make_segment(%s, %s)", [log_type.value, month.date()])
    began = time.monotonic()
    _copy_all(owner, Filling(organization_id, rows, months[0], now))
    owner.execute("VACUUM (ANALYZE) event")
    say(f"{rows:,} events in {time.monotonic() - began:,.0f} s; {_disk_use(owner)}")


def fill_month(owner: psycopg.Connection, rows: int, month: datetime) -> None:
    """One segment of the activity log, with so many events of the default organization."""
    owner.execute("SELECT make_segment('activity', %s)", [month.date()])
    ends = next_month(month)
    _copy_all(owner, Filling(organization(owner), rows, month, ends, (LogType.ACTIVITY,)))
    owner.execute("VACUUM (ANALYZE) event")


def _copy_all(owner: psycopg.Connection, filling: Filling) -> None:
    # The password is in no `info.dsn`.
    reach = {**owner.info.get_parameters(), "password": owner.info.password}
    copy_block = partial(_copy_block, psycopg.conninfo.make_conninfo("", **reach), filling)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as processes:
        blocks = processes.map(copy_block, range(0, filling.rows, ROWS_PER_COPY))
        _show_progress(blocks, filling.rows)


def _show_progress(blocks: Iterable[int], total: int) -> None:
    columns = (
        TextColumn("bench: filling"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} events/s"),
        TimeRemainingColumn(),
    )
    done, began = 0, time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total, rate=0)
        for rows in blocks:
            done += rows
            rate = done / (time.monotonic() - began)
            progress.update(task, completed=done, rate=rate)


def _copy_block(reach: str, filling: Filling, start: int) -> int:
    """In a process of the pool; how many rows it was."""
    numbers = range(start, min(start + ROWS_PER_COPY, filling.rows))
    lines = _lines(filling, numbers)
    with psycopg.connect(reach) as owner, owner.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write("".join(lines))
    return len(numbers)


def _disk_use(owner: psycopg.Connection) -> str:
    row = owner.execute(
        "SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid))"
        " FROM pg_partition_tree('event') WHERE isleaf"
    ).fetchone()
    table, indexes = (float(size) / 1e9 for size in row or (0, 0))
    return f"{table:.1f} GB of table and {indexes:.1f} GB of indexes on the disk"


def head(identifier: object, log_type: LogType, organization_id: int, recorded_at: str) -> str:
    """The beginning of an event's line: what the portal adds."""
    return f"{identifier}\t{log_type.value}\t{organization_id}\t{recorded_at}\t"


def tail(draft: Draft, source: str) -> str:
    """The rest of the line: what the sender said."""
    row = row_of(draft, identifier="", organization_id="", recorded_at="", source=source)
    return line_of(row[COLUMNS.index("occurred_at") :])


def _months(now: datetime) -> list[datetime]:
    newest = start_of_month(now)
    month = start_of_month(newest - timedelta(days=30.5 * (MONTHS - 1) - 15))
    months = [month]
    while months[-1] < newest:
        months.append(next_month(months[-1]))
    return months


def _lines(filling: Filling, numbers: range) -> Iterator[str]:
    random = Random(numbers.start)  # noqa: S311  (repeatable on purpose)
    rows, step = filling.rows, (filling.now - filling.since) / filling.rows
    rare = {rows * (2 * place + 1) // (2 * RARE_ROWS) for place in range(RARE_ROWS)}
    for number in numbers:
        recorded_at = filling.since + number * step
        log_type = LogType.ACTIVITY if number in rare else random.choice(filling.log_types)
        draft = _draft(number, log_type, recorded_at, random, is_rare=number in rare)
        source = RARE_SOURCE if number in rare else random.choice(SOURCES)
        [identifier] = new_ids(recorded_at, 1)
        told = head(identifier, log_type, filling.organization_id, recorded_at.isoformat())
        yield told + tail(draft, source)


def few_lines(organization_id: int, rows: int, recorded_at: datetime) -> str:
    """So many activity events of one moment, as COPY takes them."""
    random = Random(rows)  # noqa: S311  (repeatable on purpose)
    log_type, instant = LogType.ACTIVITY, recorded_at.isoformat()
    return "".join(
        head(identifier, log_type, organization_id, instant)
        + tail(_draft(number, log_type, recorded_at, random, is_rare=False), SOURCES[0])
        for number, identifier in enumerate(new_ids(recorded_at, rows))
    )


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


# --- by itself ----------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    """`python -m bench fill`."""
    parser = ArgumentParser(
        prog="python -m bench fill",
        description="Fills a portal's database with made-up events of the last"
        f" {MONTHS} months, by COPY past the API, as its owner. The record is append-only: what"
        " is filled cannot be taken out again. Never for a portal that is in use.",
    )
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help="default: %(default)s")
    parser.add_argument(
        "--home",
        type=Path,
        required=True,
        help="ORGO_HOME of the portal, which must be running; DATABASE_URL, where it is set,"
        " names the server instead of the embedded one",
    )
    parser.add_argument("--organization", default=DEFAULT_ORGANIZATION, metavar="SLUG")
    asked = parser.parse_args(words)
    home, owner_url = asked.home.resolve(), os.environ.get("DATABASE_URL", "")
    url = logins.database_url(logins.OWNER, owner_url=owner_url, home=home)
    with psycopg.connect(url, autocommit=True) as owner:
        organization_id = organization(owner, asked.organization)
        fill(owner, organization_id, asked.rows, datetime.now(UTC))
    return 0
