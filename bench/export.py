"""Exports over HTTP against COPY TO of the same query; what a worker's memory does with rows."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import psutil
from django.db.models import QuerySet

from bench import client, fill
from bench.measures import (
    MICROSECONDS,
    Options,
    Promise,
    Result,
    Sample,
    Table,
    ratios,
    say,
    spread,
    tree_cpu_seconds,
)
from bench.portal import Portal
from logs.record.export import Form
from logs.record.models import Event
from logs.record.reading import EventQuery, rows_of
from logs.record.rows import COLUMNS
from logs.record.vocabulary import LogType
from logs.record.wire import format_instant
from orgo_audit import logins
from orgo_audit.accounts.models import Organization
from orgo_audit.embedded import paths

ADDRESS = "/api/v1/activity-logs/export/"
LARGE_ROWS, TIMES_SMALLER = 1_000_000, 5
ROWS_PER_EXPORTED = 1.5  # seven events in ten are activity
ROUNDS_PER_MEMORY_ROUND = 3
COPIED = "COPY TO, CSV"
FLOORS = {Form.NDJSON: (0.4, 0.5), Form.CSV: (0.6, 0.9)}
MEMORY_LIMIT, MEMORY_AIM = 1.1, 1.05
MEGABYTE = 1024  # VmHWM is in kB


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory a web worker ever had, in MB, after it had sent so many rows."""

    small: float
    large: float


def run(portal: Portal, options: Options) -> Result:
    large = min(LARGE_ROWS, int(options.rows / ROWS_PER_EXPORTED))
    small = large // TIMES_SMALLER
    database = _database(portal, options.rows, needed=int(large * ROWS_PER_EXPORTED))
    bench = _Bench(
        portal, database, sinces={size: _since(portal, database, size) for size in (small, large)}
    )
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as reader:
        samples = _rates(bench, reader, small, options.rounds)
        peaks = _peaks(
            bench, reader, small, large, max(1, options.rounds // ROUNDS_PER_MEMORY_ROUND)
        )
    tables = [_rate_table(samples, small), _memory_table(peaks, small, large)]
    return Result(tables, [*_rate_promises(samples), *_memory_promises(peaks)])


def _database(portal: Portal, rows: int, needed: int) -> str:
    """The admin pages' large one, if they have made it, else one that is just large enough."""
    return fill.shown_database(portal, rows if rows in portal.filled else needed)


def _since(portal: Portal, database: str, rows: int) -> datetime:
    """The time from which on there are so many activity events."""
    with portal.connect(logins.OWNER, database) as owner:
        found = owner.execute(
            "SELECT occurred_at FROM event WHERE log_type = 'activity'"
            " ORDER BY occurred_at DESC, id DESC OFFSET %s LIMIT 1",
            [rows - 1],
        ).fetchone()
    assert found is not None
    since: datetime = found[0]
    return since


class _Bench:
    """The arms: each sends the newest rows of the activity log, newest first."""

    def __init__(self, portal: Portal, database: str, sinces: dict[int, datetime]) -> None:
        self.portal = portal
        self.database = database
        self.sinces = sinces
        self.token = paths.read_secret(portal.home, "sample_read_token")

    @contextmanager
    def web_server(self) -> Iterator[int]:
        url = self.portal.url(logins.WEB, self.database)
        with self.portal.web_server({logins.url_variable(logins.WEB): url}) as pid:
            yield pid

    def read(self, form: Form, rows: int, reader: Executor) -> client.Reading:
        query = {"format": form.value, "since": format_instant(self.sinces[rows])}
        address = f"{ADDRESS}?{urlencode(query)}"
        done = reader.submit(client.read_and_discard, self.portal.port, self.token, address)
        reading = done.result()
        if reading.lines - (form is Form.CSV) != rows:
            raise RuntimeError(f"{reading.lines:,} lines for {rows:,} events")
        return reading

    def through_http(self, form: Form, rows: int, reader: Executor, server: int) -> Sample:
        backends, web = tree_cpu_seconds(self.portal.postgres_pid), tree_cpu_seconds(server)
        reading = self.read(form, rows, reader)
        web = tree_cpu_seconds(server) - web
        backends = tree_cpu_seconds(self.portal.postgres_pid) - backends
        each = MICROSECONDS / rows
        return Sample(
            rows / reading.seconds, reading.cpu_seconds * each, web * each, backends * each
        )

    def copy_to(self, rows: int) -> Sample:
        """One connection, the table's columns as they are, read and discarded."""
        select, parameters = self._selected(rows).query.sql_with_params()
        lines = 0
        with self.portal.connect(logins.WEB, self.database) as connection:
            backends = tree_cpu_seconds(self.portal.postgres_pid)
            cpu, began = time.process_time(), time.perf_counter()
            statement = f"COPY ({select}) TO STDOUT (FORMAT csv)"
            with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
                while copy.read():
                    lines += 1
            seconds, spent = time.perf_counter() - began, time.process_time() - cpu
            backends = tree_cpu_seconds(self.portal.postgres_pid) - backends
        if lines != rows:
            raise RuntimeError(f"{lines:,} lines for {rows:,} events")
        each = MICROSECONDS / rows
        return Sample(rows / seconds, spent * each, 0, backends * each)

    def _selected(self, rows: int) -> QuerySet[Event, tuple[object, ...]]:
        scopes = {Organization.objects.get(): frozenset({LogType.ACTIVITY})}
        query = EventQuery(frozenset({LogType.ACTIVITY}), since=self.sinces[rows])
        return rows_of(scopes, query).values_list(*COLUMNS)


def _rates(bench: _Bench, reader: Executor, rows: int, rounds: int) -> dict[str, list[Sample]]:
    with bench.web_server() as server:
        arms: dict[str, Callable[[], Sample]] = {
            form.value: partial(bench.through_http, form, rows, reader, server) for form in Form
        }
        arms[COPIED] = partial(bench.copy_to, rows)
        samples: dict[str, list[Sample]] = {name: [] for name in arms}
        for number in range(rounds + 1):
            for name in list(arms)[:: 1 if number % 2 else -1]:
                sample = arms[name]()
                if number:  # the first warms
                    samples[name].append(sample)
            say(f"export: round {number} of {rounds}")
    return samples


def _peaks(
    bench: _Bench, reader: Executor, small: int, large: int, rounds: int
) -> dict[Form, list[Peak]]:
    peaks: dict[Form, list[Peak]] = {form: [] for form in Form}
    for number in range(rounds):
        for form in Form:
            peaks[form].append(Peak(*(_peak(bench, reader, form, rows) for rows in (small, large))))
        say(f"export: memory round {number + 1} of {rounds}")
    return peaks


def _peak(bench: _Bench, reader: Executor, form: Form, rows: int) -> float:
    """Of workers that have done nothing else."""
    with bench.web_server() as server:
        bench.read(form, rows, reader)
        workers = psutil.Process(server).children()
        return max(_high_water_mark(worker.pid) for worker in workers) / MEGABYTE


def _high_water_mark(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("this system tells no VmHWM")


def _rate_table(samples: dict[str, list[Sample]], rows: int) -> Table:
    yardstick = samples[COPIED]
    table = [
        (
            name,
            spread(sample.rate for sample in own),
            spread(ratios(own, yardstick), digits=2),
            *(
                spread((getattr(sample, part) for sample in own), digits=1)
                for part in ("client_cpu", "server_cpu", "backend_cpu")
            ),
        )
        for name, own in samples.items()
    ]
    title = (
        f"Export of {rows:,} activity events, newest first, to one client that discards them;"
        f" median [lowest..highest] of {len(yardstick)} rounds; CPU per event.\n{COPIED}: the same"
        " query over one connection, the table's columns as they are."
    )
    headings = ("arm", "events/s", "of COPY TO", "client us", "server us", "backend us")
    return Table(title, headings, table)


def _memory_table(peaks: dict[Form, list[Peak]], small: int, large: int) -> Table:
    table = [
        (
            form.value,
            spread((peak.small for peak in own), digits=1),
            spread((peak.large for peak in own), digits=1),
            spread(_growths(own), digits=3),
        )
        for form, own in peaks.items()
    ]
    title = "Export: the most memory that a web worker ever had (VmHWM), fresh workers each time"
    headings = ("form", f"MB, {small:,} rows", f"MB, {large:,} rows", "ratio in a round")
    return Table(title, headings, table)


def _growths(own: list[Peak]) -> list[float]:
    return [peak.large / peak.small for peak in own]


def _rate_promises(samples: dict[str, list[Sample]]) -> list[Promise]:
    return [
        Promise(
            f"{form.value} export over HTTP, of COPY TO",
            median(ratios(samples[form.value], samples[COPIED])),
            limit,
            aim,
            more_is_better=True,
        )
        for form, (limit, aim) in FLOORS.items()
    ]


def _memory_promises(peaks: dict[Form, list[Peak]]) -> list[Promise]:
    return [
        Promise(
            f"{form.value} export, memory at {TIMES_SMALLER} times the rows",
            median(_growths(own)),
            MEMORY_LIMIT,
            MEMORY_AIM,
            more_is_better=False,
        )
        for form, own in peaks.items()
    ]
