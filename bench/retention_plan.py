"""What the plan of destructions costs at ten million events against a hundred thousand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from django.utils import timezone

from bench import fill
from bench.measures import Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from bench.retention import MONTHS_OLD, as_worker, months_ago
from logs.retention import closures, holds, overview
from logs.retention.models import ScopeKind
from orgo_audit import logins
from orgo_audit.accounts.models import Organization

SMALL_ROWS, TIMES_LARGER = 100_000, 10  # at least
ROUNDS_FACTOR = 3
TASK, PERSON = "task-000000001", "person.07@organization.com"


def run(portal: Portal, options: Options) -> Result:
    sizes = (min(SMALL_ROWS, options.rows // TIMES_LARGER), options.rows)
    plans = _plans(portal, sizes, options.rounds * ROUNDS_FACTOR)
    return Result([_table(plans, sizes)], list(_promises(plans, sizes)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What it costs in milliseconds, small and large, with these holds."""

    name: str
    scopes: dict[ScopeKind, str]
    is_promised: bool
    costs: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    @property
    def ratio(self) -> float:
        return median(large / small for small, large in zip(*self.costs, strict=True))


def _plans(portal: Portal, sizes: tuple[int, int], rounds: int) -> list[Plan]:
    databases = [fill.database(portal, rows) for rows in sizes]
    for database in databases:
        with as_worker(portal, database):
            closures.close_months(timezone.now())
    month = f"activity-{months_ago(MONTHS_OLD):%Y-%m}"
    plans = [
        Plan("nothing held", {}, is_promised=True),
        Plan(
            "a month and a task held",
            {ScopeKind.SEGMENT: month, ScopeKind.TASK: TASK},
            is_promised=True,
        ),
        Plan("a person held: reads every name", {ScopeKind.USER: PERSON}, is_promised=False),
    ]
    for plan in plans:
        _measure(portal, databases, plan, rounds if plan.is_promised else 1)
    say(f"plans: {rounds} rounds")
    return plans


def _measure(portal: Portal, databases: list[str], plan: Plan, rounds: int) -> None:
    for database in databases:
        with as_worker(portal, database):
            _place(plan.scopes)
    for number in range(rounds):
        for place in (0, 1) if number % 2 else (1, 0):
            with as_worker(portal, databases[place]):
                plan.costs[place].append(_cost_of_plan())
    for database in databases:
        with portal.connect(logins.OWNER, database) as owner:
            owner.execute("DELETE FROM logs_legalhold")


def _place(scopes: dict[ScopeKind, str]) -> None:
    organization = Organization.objects.get(slug=fill.DEFAULT_ORGANIZATION)
    for kind, value in scopes.items():
        holds.place(
            organization,
            matter="M-1",
            reason="a claim is expected",
            owner="lawyer",
            scope_kind=kind,
            scope_value=value,
            by="bench",
            now=timezone.now(),
        )


def _cost_of_plan() -> float:
    """Of the second one on a connection: the first one learns the tables."""
    organizations = list(Organization.objects.all())
    overview.overview(organizations, now=timezone.now())
    began = time.perf_counter()
    overview.overview(organizations, now=timezone.now())
    return 1000 * (time.perf_counter() - began)


def _table(plans: list[Plan], sizes: tuple[int, int]) -> Table:
    lines = [
        (
            plan.name,
            *(spread(costs, digits=1) for costs in plan.costs),
            f"{plan.ratio:.2f}",
        )
        for plan in plans
    ]
    small, large = sizes
    title = f"The plan of {fill.MONTHS} months; median [lowest..highest]"
    return Table(title, ("holds", f"ms, {small:,}", f"ms, {large:,}", "ratio"), lines)


def _promises(plans: list[Plan], sizes: tuple[int, int]) -> Iterator[Promise]:
    small, large = sizes
    for plan in plans:
        if plan.is_promised:
            yield Promise(
                f"the plan, {plan.name}: {large:,} events, of {small:,}",
                *(plan.ratio, 2, 1.5),
                more_is_better=False,
            )
