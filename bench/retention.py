"""What destroying a month costs against a batch DELETE, and how long it keeps inserts waiting.

Each arm has its own copy of a database with one old month, or an old month of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
from django.db import connections
from django.utils import timezone
from psycopg import sql

from bench import fill
from bench.measures import Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from logs.retention import applying
from orgo_audit import logins
from orgo_audit.periods import Period, start_of_month
from orgo_audit.policy import versions

MONTH_SHARE = 2  # five million of the ten that the other benches fill
LEAST_MONTH_ROWS = 500_000  # what a drop writes does not grow with rows: smaller tells nothing
ROUNDS_PER_DESTRUCTION = 3
DELETE_BATCH = 10_000
MONTHS_OLD = 8  # activity is kept for six
READER_SECONDS = 3.0
ROWS_PER_INSERT = 20
SECONDS_BETWEEN_INSERTS = 0.005
NOTICE = timedelta(days=2)
MEGABYTE = 1_000_000
MONTH = "bench_month"


def run(portal: Portal, options: Options) -> Result:
    rounds = max(1, options.rounds // ROUNDS_PER_DESTRUCTION)
    rows = max(options.rows // MONTH_SHARE, LEAST_MONTH_ROWS)
    costs = _destructions(portal, rows, rounds)
    stalls = _stalls(portal, options.rounds)
    tables = [_cost_table(costs, rows), _stall_table(stalls)]
    return Result(tables, [*_cost_promises(costs, rows), *_stall_promises(stalls)])


def months_ago(count: int) -> datetime:
    return Period(count, "month").before(start_of_month(datetime.now(UTC)))


@contextmanager
def as_worker(portal: Portal, database: str) -> Iterator[None]:
    """Django of this process sees that database with the worker's login."""
    url = urlsplit(portal.url(logins.WORKER, database))
    before = connections["default"]
    wrapper: Any = connections.create_connection("default")
    account = {"USER": unquote(url.username or ""), "PASSWORD": unquote(url.password or "")}
    wrapper.settings_dict = {**wrapper.settings_dict, **account, "NAME": database}
    connections["default"] = wrapper
    versions.forget_cache()
    try:
        yield
    finally:
        wrapper.close()
        connections["default"] = before
        versions.forget_cache()


def _publish(owner: psycopg.Connection) -> None:
    """The night before: closes the month, publishes the plan, and lets the notice pass."""
    applying.run(timezone.now())
    owner.execute(
        "UPDATE logs_planneddestruction SET published_at = published_at - %s"
        " WHERE state = 'planned'",
        [NOTICE],
    )


def _child(month: datetime) -> str:
    return f"event_activity_{month:%Y_%m}"


# --- what it costs ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one arm in one round; `closing` is the night in which the month was closed."""

    seconds: float
    wal: int
    bytes_left: int
    bytes_before: int
    vacuum_seconds: float = 0.0
    vacuum_wal: int = 0
    closing_seconds: float = 0.0


def _destructions(portal: Portal, rows: int, rounds: int) -> list[tuple[Cost, Cost]]:
    """Ours and the yardstick's, of each round."""
    month = months_ago(MONTHS_OLD)
    portal.new_database(MONTH)
    with portal.connect(logins.OWNER, MONTH) as owner:
        fill.fill_month(owner, rows, month)
    costs = []
    for number in range(rounds):
        with _a_copy(portal) as database:
            ours = _drop(portal, database, month, rows)
        with _a_copy(portal) as database:
            theirs = _delete(portal, database, month)
        costs.append((ours, theirs))
        say(f"destruction: round {number + 1} of {rounds}")
    _drop_database(portal, MONTH)
    return costs


@contextmanager
def _a_copy(portal: Portal) -> Iterator[str]:
    """By copying files: a copy through the WAL takes as long as filling."""
    name, owner = f"{MONTH}_copy", logins.role_name(logins.OWNER)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY")
    with portal.postgres.superuser_connection() as superuser:
        superuser.execute(statement.format(*map(sql.Identifier, (name, MONTH, owner))))
    yield name
    _drop_database(portal, name)


def _drop_database(portal: Portal, name: str) -> None:
    with portal.postgres.superuser_connection() as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _drop(portal: Portal, database: str, month: datetime, rows: int) -> Cost:
    """The whole nightly run that destroys it, its certificate included."""
    with portal.connect(logins.OWNER, database) as owner, as_worker(portal, database):
        began = time.perf_counter()
        _publish(owner)
        closing_seconds = time.perf_counter() - began
        files = _Files(owner, portal.home, _child(month))
        before, lsn = files.bytes(), _Wal(owner)
        began = time.perf_counter()
        destroyed = applying.run(timezone.now())
        seconds = time.perf_counter() - began
        if [one.rows for one in destroyed] != [rows]:
            raise RuntimeError(f"destroyed: {destroyed}")
        return Cost(seconds, lsn.written(), files.bytes(), before, closing_seconds=closing_seconds)


def _delete(portal: Portal, database: str, month: datetime) -> Cost:
    """The cheapest DELETE there is: by ranges of the key, nothing watching, nothing beside it."""
    child = sql.Identifier(_child(month))
    with portal.connect(logins.OWNER, database) as owner:
        owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER no_change").format(child))
        owner.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(child))
        ends = [found[0] for found in owner.execute(_batches(child)).fetchall()]
        files = _Files(owner, portal.home, _child(month))
        before, lsn = files.bytes(), _Wal(owner)
        # With its lower bound, no batch looks again at what the ones before have left behind.
        delete = sql.SQL("DELETE FROM {} WHERE id > %s AND id <= %s").format(child)
        began = time.perf_counter()
        for bounds in pairwise([UUID(int=0), *ends]):
            owner.execute(delete, bounds)
        seconds, wal, lsn = time.perf_counter() - began, lsn.written(), _Wal(owner)
        began = time.perf_counter()
        owner.execute(sql.SQL("VACUUM {}").format(child))
        vacuum_seconds = time.perf_counter() - began
        return Cost(seconds, wal, files.bytes(), before, vacuum_seconds, lsn.written())


def _batches(child: sql.Identifier) -> sql.Composed:
    """The last id of each batch."""
    numbered = sql.SQL("SELECT id, row_number() OVER (ORDER BY id) AS n FROM {}").format(child)
    last = sql.SQL("(SELECT max(n) FROM numbered)")
    return sql.SQL(
        "WITH numbered AS ({}) SELECT id FROM numbered WHERE n % {} = 0 OR n = {} ORDER BY id"
    ).format(numbered, sql.Literal(DELETE_BATCH), last)


class _Files:
    """What a table and its indexes have on the disk, whether the catalogue still knows them."""

    def __init__(self, owner: psycopg.Connection, home: Path, table: str) -> None:
        found = owner.execute(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE oid = %(name)s::regclass"
            " OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = %(name)s::regclass)"
            " OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = %(name)s::regclass)",
            {"name": table},
        ).fetchall()
        self.files = [home / "postgres" / "data" / path for (path,) in found]

    def bytes(self) -> int:
        """All segments and forks of each."""
        every = (part for file in self.files for part in file.parent.glob(f"{file.name}*"))
        ours = (part for part in every if part.name.split(".")[0].split("_")[0] in self._names)
        return sum(part.stat().st_size for part in ours)

    @property
    def _names(self) -> set[str]:
        return {file.name for file in self.files}


class _Wal:
    """What is written from now on."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self.owner = owner
        self.began = self._position()

    def written(self) -> int:
        return self._position() - self.began

    def _position(self) -> int:
        position = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
        found = self.owner.execute(position).fetchone()
        assert found is not None
        return int(found[0])


def _cost_table(costs: list[tuple[Cost, Cost]], rows: int) -> Table:
    ours, theirs = zip(*costs, strict=True)
    lines = [
        ("the nightly run: announce, drop, certify", *_cells(ours, "seconds", "wal", left=True)),
        ("DELETE in batches, by ranges of the key", *_cells(theirs, "seconds", "wal", left=False)),
        ("the VACUUM it needs", *_cells(theirs, "vacuum_seconds", "vacuum_wal", left=True)),
        ("the night before, once a month: closing it", _seconds(ours, "closing_seconds"), "", ""),
    ]
    title = f"Destroying a month of {rows:,} events; median [lowest..highest] of {len(costs)}"
    return Table(title, ("way", "seconds", "MB of WAL", "MB left on the disk"), lines)


def _cells(costs: tuple[Cost, ...], seconds: str, wal: str, *, left: bool) -> tuple[str, str, str]:
    written = spread((getattr(one, wal) / MEGABYTE for one in costs), digits=2)
    kept = spread(one.bytes_left / MEGABYTE for one in costs) if left else ""
    return _seconds(costs, seconds), written, kept


def _seconds(costs: tuple[Cost, ...], name: str) -> str:
    return spread((getattr(one, name) for one in costs), digits=2)


def _cost_promises(costs: list[tuple[Cost, Cost]], rows: int) -> Iterator[Promise]:
    times = [(its.seconds + its.vacuum_seconds) / own.seconds for own, its in costs]
    what = f"a month of {rows:,} events"
    yield Promise(
        f"{what}: seconds of DELETE and VACUUM, times ours",
        *(median(times), 10, 20),
        more_is_better=True,
    )
    wal = [its.wal / own.wal for own, its in costs]
    yield Promise(
        f"{what}: WAL of DELETE, times ours", *(median(wal), 1000, 5000), more_is_better=True
    )
    left = max(own.bytes_left / own.bytes_before for own, _ in costs)
    yield Promise(f"{what}: left on the disk, of what it had", left, 0, 0, more_is_better=False)


# --- whom it keeps waiting ----------------------------------------------------------------------


def _stalls(portal: Portal, rounds: int) -> list[tuple[float, float, float]]:
    """The longest insert in milliseconds beside a reader alone, ours, and a plain DETACH."""
    database = f"{MONTH}_stalls"
    portal.new_database(database)
    stalls = []
    with portal.connect(logins.OWNER, database) as owner, as_worker(portal, database):
        for number in range(rounds):
            month = months_ago(MONTHS_OLD + number)
            nothing = _longest_insert(portal, database, lambda: time.sleep(READER_SECONDS))
            _a_small_month(owner, month)
            _publish(owner)
            ours = _longest_insert(portal, database, _destroy_one)
            _a_small_month(owner, month)
            theirs = _longest_insert(portal, database, partial(_detach, owner, month))
            owner.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(_child(month))))
            stalls.append((nothing, ours, theirs))
    say(f"stalls: {rounds} rounds")
    _drop_database(portal, database)
    return stalls


def _a_small_month(owner: psycopg.Connection, month: datetime) -> None:
    """Whom a destruction keeps waiting, and how long, does not hang on its rows."""
    owner.execute("SELECT make_segment('activity', %s)", [month.date()])
    lines = fill.few_lines(fill.organization(owner), ROWS_PER_INSERT, month + timedelta(days=1))
    with owner.cursor() as cursor, cursor.copy(fill.COPY) as copy:
        copy.write(lines)


def _destroy_one() -> None:
    destroyed = applying.run(timezone.now())
    if [one.rows for one in destroyed] != [ROWS_PER_INSERT]:
        raise RuntimeError(f"destroyed: {destroyed}")


def _detach(owner: psycopg.Connection, month: datetime) -> None:
    child = sql.Identifier(_child(month))
    owner.execute(sql.SQL("ALTER TABLE event_activity DETACH PARTITION {}").format(child))


def _longest_insert(portal: Portal, database: str, act: Callable[[], None]) -> float:
    """While a reader keeps the table open for three seconds, and until `act` is done."""
    is_read, is_done = threading.Event(), threading.Event()
    took: list[float] = []
    with closing(portal.connect(logins.WEB, database)) as web:
        inserter = threading.Thread(target=_insert, args=(web, took, is_done))
        with closing(portal.connect(logins.WEB, database)) as another:
            reader = threading.Thread(target=_read, args=(another, is_read))
            for thread in (inserter, reader):
                thread.start()
            is_read.wait()
            try:
                act()
            finally:
                is_done.set()
                for thread in (inserter, reader):
                    thread.join()
    return 1000 * max(took)


def _read(connection: psycopg.Connection, is_read: threading.Event) -> None:
    with connection.transaction():
        connection.execute("SELECT FROM event LIMIT 1")
        is_read.set()
        time.sleep(READER_SECONDS)


def _insert(web: psycopg.Connection, took: list[float], is_done: threading.Event) -> None:
    """Small batches, as services send them."""
    organization_id = fill.organization(web)
    while not is_done.is_set():
        lines = fill.few_lines(organization_id, ROWS_PER_INSERT, timezone.now())
        began = time.perf_counter()
        with web.cursor() as cursor, cursor.copy(fill.COPY) as copy:
            copy.write(lines)
        took.append(time.perf_counter() - began)
        time.sleep(SECONDS_BETWEEN_INSERTS)


def _stall_table(stalls: list[tuple[float, float, float]]) -> Table:
    ways = ("nothing goes", "the nightly run", "plain DETACH")
    lines = [
        (way, spread(longest)) for way, longest in zip(ways, zip(*stalls, strict=True), strict=True)
    ]
    title = (
        f"The longest insert of {ROWS_PER_INSERT} events beside it, a reader keeping the table open"
        f" for {READER_SECONDS:.0f} seconds; median [lowest..highest] of {len(stalls)} rounds"
    )
    return Table(title, ("what goes", "ms"), lines)


def _stall_promises(stalls: list[tuple[float, float, float]]) -> Iterator[Promise]:
    ratio = median(ours / theirs for _, ours, theirs in stalls)
    yield Promise(
        "longest insert beside it, of plain DETACH's", *(ratio, 0.1, 0.05), more_is_better=False
    )
