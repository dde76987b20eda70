"""What a pass over all rules costs at ten million events against a hundred thousand, and by how
many statements ten thousand tasks are judged that a hundred take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import fill
from bench.measures import Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from bench.retention import as_worker
from logs import interface
from monitoring import watching
from monitoring.alerting.models import Alert
from orgo_audit import logins

SMALL_ROWS, TIMES_LARGER = 100_000, 10  # at least
ROUNDS_FACTOR = 3
FEW_TASKS, MANY_TASKS = 100, 10_000
OPEN_TASKS = 1_000

_COMPLETE_ALL = "UPDATE logs_taskclock SET completed_at = coalesce(moved_at, completed_at)"
_OPEN = """
INSERT INTO logs_taskclock (organization_id, task_id, moved_at, recorded_at)
SELECT id, 'bench-' || number, now() - %(waited)s, now()
  FROM accounts_organization, generate_series(1, %(tasks)s) AS number WHERE slug = %(slug)s
"""
_CLOSE = "DELETE FROM logs_taskclock WHERE task_id LIKE 'bench-%'"


@dataclass(slots=True)
class Pass:
    """What it costs, small and large, in milliseconds; and by how many statements."""

    name: str
    costs: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    statements: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    @property
    def ratio(self) -> float:
        return median(large / small for small, large in zip(*self.costs, strict=True))


def run(portal: Portal, options: Options) -> Result:
    sizes = (min(SMALL_ROWS, options.rows // TIMES_LARGER), options.rows)
    databases = [fill.database(portal, rows) for rows in sizes]
    first = [_first_pass(portal, database) for database in databases]
    rounds = options.rounds * ROUNDS_FACTOR
    say(f"passes: {rounds} rounds")
    quiet, crowd = _quiet(portal, databases, rounds), _crowd(portal, databases[1], options.rounds)
    for name, cost in zip(("small", "large"), first, strict=True):
        say(f"what was there before the first pass, {name}: {cost:,.1f} s")
    return Result([_table(quiet, crowd, sizes)], list(_promises(quiet, crowd, sizes)))


def _first_pass(portal: Portal, database: str) -> float:
    """In seconds; then all tasks are completed, and as many in each size are open."""
    with as_worker(portal, database):
        began = time.perf_counter()
        interface.fold_task_clocks(timezone.now())
        interface.count_hours(timezone.now())
        cost = time.perf_counter() - began
    with portal.connect(logins.OWNER, database) as owner:
        owner.execute(_COMPLETE_ALL)
    with as_worker(portal, database):
        interface.forget_task_clocks(timezone.now())
    _open_tasks(portal, database, OPEN_TASKS, timedelta(minutes=30))
    with portal.connect(logins.OWNER, database) as owner:
        owner.execute("VACUUM (ANALYZE) logs_taskclock")
    return cost


def _quiet(portal: Portal, databases: list[str], rounds: int) -> Pass:
    """All rules, where nothing is wrong: what the portal does every twenty seconds."""
    quiet = Pass("all rules")
    for number in range(rounds):
        for place in (0, 1) if number % 2 else (1, 0):
            with as_worker(portal, databases[place]):
                watching.watch(timezone.now())  # the first one on a connection learns the tables
                _measure(quiet, place)
    return quiet


def _crowd(portal: Portal, database: str, rounds: int) -> Pass:
    """Tasks that reach their deadline between two passes: each an alert, an event, a message."""
    crowd = Pass("tasks at their deadline")
    for _ in range(rounds):
        for place, tasks in enumerate((FEW_TASKS, MANY_TASKS)):
            with as_worker(portal, database):
                watching.watch(timezone.now())
                _open_tasks(portal, database, tasks, timedelta(hours=3))
                _measure(crowd, place)
                fired = Alert.objects.filter(rule="escalation_pending", resolved_at=None).count()
                assert fired == tasks, f"{fired} of {tasks} tasks have an alert"
                _open_tasks(portal, database, OPEN_TASKS, timedelta(minutes=30))
                watching.watch(timezone.now())
    return crowd


def _open_tasks(portal: Portal, database: str, tasks: int, waited: timedelta) -> None:
    """So many tasks are open and have waited for so long, and no others."""
    told = {"tasks": tasks, "waited": waited, "slug": fill.DEFAULT_ORGANIZATION}
    with portal.connect(logins.OWNER, database) as owner:
        owner.execute(_CLOSE)
        owner.execute(_OPEN, told)


def _measure(measured: Pass, place: int) -> None:
    with CaptureQueriesContext(connection) as asked:
        began = time.perf_counter()
        watching.watch(timezone.now())
        measured.costs[place].append(1000 * (time.perf_counter() - began))
    measured.statements[place].add(len(asked))


def _table(quiet: Pass, crowd: Pass, sizes: tuple[int, int]) -> Table:
    small, large = sizes
    lines = [
        (name, *(spread(costs, digits=1) for costs in one.costs), f"{one.ratio:.2f}")
        for one, name in (
            (quiet, f"all rules, {small:,} and {large:,} events, {OPEN_TASKS:,} tasks open"),
            (crowd, f"{FEW_TASKS:,} and {MANY_TASKS:,} tasks at their deadline"),
        )
    ]
    title = "A pass of the watch; median [lowest..highest]"
    return Table(title, ("what", "ms, small", "ms, large", "ratio"), lines)


def _promises(quiet: Pass, crowd: Pass, sizes: tuple[int, int]) -> Iterator[Promise]:
    small, large = sizes
    yield Promise(
        f"a pass over all rules: {large:,} events, of {small:,}",
        *(quiet.ratio, 1.5, 1.1),
        more_is_better=False,
    )
    # A longer pass looks more often whether the policy has changed.
    few, many = (min(statements) for statements in crowd.statements)
    yield Promise(
        f"statements of a pass: {MANY_TASKS:,} tasks at their deadline, of {FEW_TASKS:,}",
        *(many / few, 1.0, 1.0),
        more_is_better=False,
    )
