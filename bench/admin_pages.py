"""What the admin's pages cost at ten million events against ten thousand, in as many segments."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psutil
from django.db import connections
from django.test import Client
from django.utils import timezone

from bench import fill
from bench.measures import Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from logs.record.vocabulary import LogType
from logs.record.wire import FILTER_FIELDS, format_instant
from orgo_audit import logins
from orgo_audit.accounts.models import User
from orgo_audit.paging import Cursor
from orgo_audit.policy import versions

SMALL_ROWS = 10_000
ROUNDS_FACTOR = 3
PAGE_ROWS = 100
SMALL_PAGE, LARGE_PAGE = 50, 1000
ACTIVITY_SHARE = fill.LOG_TYPES.count(LogType.ACTIVITY) / len(fill.LOG_TYPES)
Query = Mapping[str, str]

TYPICAL = {
    "action": "Task Routed",
    "status": "Success",
    "user": "person.07@organization.com",
    "ip_address": "192.0.2.7",
    "from": "mailbox_3",
    "to": "it_support_queue",
    "source": "router",
    "outcome": "success",
} | fill.HOT
RARE = fill.RARE | {"source": fill.RARE_SOURCE, "outcome": "failure"}
ABSENT = {name: f"absent-{name}" for name in RARE} | {
    "ip_address": "203.0.113.9",
    "outcome": "denied",
}


@dataclass(slots=True)
class Page:
    """One address at both sizes, and what it cost in each round: milliseconds."""

    name: str
    addresses: tuple[str, str]
    rows: int = 0
    costs: tuple[list[Cost], list[Cost]] = field(default_factory=lambda: ([], []))

    def p50(self, size: int, part: str = "wall") -> float:
        return float(median(getattr(cost, part) for cost in self.costs[size]))

    @property
    def ratios(self) -> list[float]:
        """Large to small of each round, asked one right after the other: a neighbour hits both."""
        return [large.wall / small.wall for small, large in zip(*self.costs, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def cpu_ratio(self) -> float:
        small, large = (sum(cost.cpu for cost in costs) for costs in self.costs)
        return large / small


@dataclass(frozen=True, slots=True)
class Cost:
    wall: float
    sql: float
    cpu: float
    rows: int


class Reader:
    """An admin at one of the databases."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.wrapper: Any = connections.create_connection("default")
        self.wrapper.settings_dict = {**self.wrapper.settings_dict, "NAME": database}
        self.client = Client(SERVER_NAME="localhost")
        with self._current():
            self.client.force_login(User.objects.get(username="admin"))
            self.backend = psutil.Process(self.wrapper.connection.info.backend_pid)

    @contextmanager
    def _current(self) -> Iterator[None]:
        connections["default"] = self.wrapper
        yield

    def get(self, page: Page, size: int) -> Cost:
        """Asks for the page; its whole answer counts, and the SQL in it is told apart."""
        sql = 0.0

        def timed(execute: Any, *arguments: Any) -> Any:
            nonlocal sql
            began = time.perf_counter()
            try:
                return execute(*arguments)
            finally:
                sql += time.perf_counter() - began

        address = page.addresses[size]
        with self._current(), self.wrapper.execute_wrapper(timed):
            cpu, began = self._cpu(), time.perf_counter()
            response = self.client.get(address)
            wall = time.perf_counter() - began
            cpu = self._cpu() - cpu
        if response.status_code != 200:
            raise RuntimeError(f"{address} answers {response.status_code}")
        shown: Any = getattr(response, "context_data", None)
        rows = 1 if "event" in shown else len(shown["rows"])
        return Cost(1000 * wall, 1000 * sql, 1000 * cpu, rows)

    def _cpu(self) -> float:
        return time.process_time() + sum(self.backend.cpu_times()[:2])


def run(portal: Portal, options: Options) -> Result:
    databases = [fill.shown_database(portal, rows) for rows in (SMALL_ROWS, options.rows)]
    versions.forget_cache()
    readers = [Reader(name) for name in databases]
    pages = _pages(portal, databases, options.rows)
    for page in pages:  # the first look also leaves a record of itself
        counts = [reader.get(page, size).rows for size, reader in enumerate(readers)]
        if counts[0] != counts[1]:
            raise RuntimeError(f"{page.name} has {counts} rows: its costs cannot be compared")
        page.rows = counts[0]
    rounds = options.rounds * ROUNDS_FACTOR
    for number in range(rounds + 1):
        for page in pages:
            for size in (0, 1) if number % 2 else (1, 0):
                cost = readers[size].get(page, size)
                if number:  # the first warms
                    page.costs[size].append(cost)
        say(f"pages: round {number} of {rounds}")
    return _result(pages, options.rows, rounds)


def _pages(portal: Portal, databases: list[str], rows: int) -> list[Page]:
    pages = [
        Page(f"{log_type.value}, first page", (_list({}, log_type),) * 2) for log_type in LogType
    ]
    for kind, values in (("typical", TYPICAL), ("rare", RARE), ("absent", ABSENT)):
        assert values.keys() == FILTER_FIELDS.keys(), "a filter is not measured"
        pages += [
            Page(f"{name}, {kind}", (_list({name: value}),) * 2) for name, value in values.items()
        ]
    places = [_Places(portal, database) for database in databases]
    for name in _Places.NAMES:
        small, large = (getattr(place, name)() for place in places)
        pages.append(Page(name.replace("_", ", "), (_list(small), _list(large))))
    for name, share in (("newest", 0.0), ("middle", 0.5)):
        small, large = (
            place.event(int(share * size * ACTIVITY_SHARE) + 1)
            for place, size in zip(places, (SMALL_ROWS, rows), strict=True)
        )
        pages.append(Page(f"one event, {name}", (small, large)))
    # Seven events in ten are activity; a smaller table has no page 1,000.
    large_page = min(LARGE_PAGE, rows // 2 // PAGE_ROWS)
    cursors = (_list(places[0].page(SMALL_PAGE)), _list(places[1].page(large_page)))
    pages.append(Page(f"page {large_page:,} against page {SMALL_PAGE}", cursors))
    return pages


def _list(query: Query, log_type: LogType = LogType.ACTIVITY) -> str:
    """The address of a log's list."""
    return f"/admin/logs/{log_type.value}log/?{urlencode(query)}"


class _Places:
    """Times and cursors that mean the same number of rows at each size."""

    NAMES = (
        *("since_typical", "since_rare", "since_absent"),
        *("until_typical", "until_rare", "until_absent"),
        "month_typical",
    )

    def __init__(self, portal: Portal, database: str) -> None:
        self.portal = portal
        self.database = database
        self.now = timezone.now()

    def since_typical(self) -> Query:
        return {"since": format_instant(self.now - timedelta(days=60))}

    def since_rare(self) -> Query:
        return {"since": format_instant(self._nth(fill.RARE_ROWS, "DESC")[0])}

    def since_absent(self) -> Query:
        return {"since": format_instant(self.now)}

    def until_typical(self) -> Query:
        return {"until": format_instant(self.now - timedelta(days=365))}

    def until_rare(self) -> Query:
        return {"until": format_instant(self._nth(fill.RARE_ROWS + 1, "ASC")[0])}

    def until_absent(self) -> Query:
        return {"until": format_instant(self.now - timedelta(days=10_000))}

    def month_typical(self) -> Query:
        since, until = (self.now - timedelta(days=days) for days in (380, 340))
        return {"since": format_instant(since), "until": format_instant(until)}

    def page(self, number: int) -> Query:
        """The page that one reaches after `number` - 1 clicks on `older`."""
        return {"cursor": Cursor(*self._nth((number - 1) * PAGE_ROWS, "DESC")).as_text()}

    def event(self, number: int) -> str:
        """The address of the n-th event's own page."""
        return f"/admin/logs/activitylog/{self._nth(number, 'DESC')[1]}/change/"

    def _nth(self, number: int, order: str) -> Any:
        """Time and id of the activity log's n-th event."""
        with self.portal.connect(logins.OWNER, self.database) as owner:
            return owner.execute(
                "SELECT occurred_at, id FROM event WHERE log_type = 'activity'"
                f" ORDER BY occurred_at {order}, id {order} OFFSET %s LIMIT 1",
                [number - 1],
            ).fetchone()


def _result(pages: list[Page], rows: int, rounds: int) -> Result:
    worst_first = sorted(pages, key=lambda page: page.ratio, reverse=True)
    table = [
        (
            page.name,
            str(page.rows),
            *(f"{page.p50(size):.1f}" for size in (0, 1)),
            *(f"{page.p50(size, 'sql'):.1f}" for size in (0, 1)),
            f"{page.p50(1) / page.p50(0):.2f}",
            spread(page.ratios, digits=2),
            f"{page.cpu_ratio:.2f}",
        )
        for page in worst_first
    ]
    title = (
        f"Admin pages, {PAGE_ROWS} rows a page: {SMALL_ROWS:,} against {rows:,} events in"
        f" {fill.MONTHS} months x 3 logs; p50 of {rounds} interleaved rounds, worst first"
    )
    headings = ("page", "rows", "10k ms", "large ms", "10k SQL", "large SQL", "p50 ratio")
    every = Table(title, (*headings, "ratio in a round", "CPU ratio"), table)
    *others, last = pages
    worst = max(others, key=lambda page: page.ratio)
    promises = [
        Promise(what, page.ratio, limit=1.5, aim=1.2, more_is_better=False)
        for what, page in (
            (f"worst of {len(others)} pages: {worst.name}", worst),
            (last.name, last),
        )
    ]
    return Result([every], promises)
