"""How long SQL keeps a closed case is how long Python does, whatever the policy says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.cases import clock
from logs.retention import keeping
from logs.retention.models import Decision
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import UNITS, Period
from orgo_audit.policy import regimes
from orgo_audit.policy.regimes import Bound, kept_cases
from orgo_audit.policy.schema import (
    REGIMES,
    OrganizationPolicy,
    Policy,
    Regime,
    SensitiveWorkflow,
    as_plain,
)
from tests.builders import an_organization
from tests.policies import in_force, rewritten

pytestmark = pytest.mark.usefixtures("as_worker", "committed")

COUNTS = {"minute": 5_000_000, "hour": 90_000, "day": 4000, "week": 600, "month": 140, "year": 12}
periods = st.sampled_from(UNITS).flatmap(
    lambda unit: st.builds(Period, st.integers(1, COUNTS[unit]), st.just(unit))
)
some_regimes = st.lists(st.sampled_from(REGIMES), unique=True).map(
    lambda chosen: tuple(name for name in REGIMES if name in chosen)
)
MANY = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ENDS = "SELECT period, (%s::date + period::interval)::date FROM case_period(%s, %s) AS period"
# Today no regime wants a case kept; should one want it, the two must not part.
WITH_FLOORS = """
CREATE OR REPLACE FUNCTION retention_bounds(OUT regime text, OUT kept text, OUT floor interval,
                                            OUT ceiling interval) RETURNS SETOF record
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('gdpr', 'cases', NULL::interval, interval '1 month'),
         ('hipaa', 'cases', interval '6 months', NULL),
         ('whistleblowing', 'cases', interval '2 months', interval '3 years')
$$
"""
FLOORS = (
    Bound("gdpr", "cases", None, Period(1, "month"), ""),
    Bound("hipaa", "cases", Period(6, "month"), None, ""),
    Bound("whistleblowing", "cases", Period(2, "month"), Period(3, "year"), ""),
)


@pytest.fixture
def home(committed: None) -> Organization:
    in_force("metrics: {}")
    return an_organization("home")


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic(using="owner"):
        yield
        transaction.set_rollback(True, using="owner")


def agree(
    home: Organization,
    stated: Period | None,
    held: tuple[Regime, ...],
    decisions: list[str],
    workflow: str,
    day: date,
) -> None:
    own = OrganizationPolicy(
        sensitive_workflows={"harassment": SensitiveWorkflow(case_period=stated)},
        regime=held[0] if len(held) == 1 else held or None,
    )
    plain = as_plain(Policy(organizations={"home": own}))
    with connections["owner"].cursor() as cursor:
        cursor.execute(rewritten("%s::jsonb"), [json.dumps(plain)])
        for decision in decisions:
            cursor.execute(
                "INSERT INTO logs_retentionresolution (organization_id, kept, decision, basis,"
                " decided_by) VALUES (%s, 'cases', %s, 'counsel', 'anna')",
                [home.pk, decision],
            )
        cursor.execute(ENDS, [day, home.pk, workflow])
        told = cursor.fetchone()
    decided = decisions[-1] if decisions else None
    expected = keeping.destroyed_after(kept_cases(own, workflow), decided)
    if expected is None:
        assert told == (None, None)
    else:
        assert told == (str(expected), clock.destroyed_after(day, expected))


any_case = {
    "stated": st.none() | periods,
    "held": some_regimes,
    "decisions": st.lists(st.sampled_from(Decision.values), max_size=2),
    "workflow": st.sampled_from(["harassment", "retaliation"]),
    "day": st.dates(date(2019, 1, 1), date(2031, 1, 1)),
}


@MANY
@given(**any_case)
def test_the_last_day_of_a_case_is_the_same(
    home: Organization,
    stated: Period | None,
    held: tuple[Regime, ...],
    decisions: list[str],
    workflow: str,
    day: date,
) -> None:
    with undone():
        agree(home, stated, held, decisions, workflow, day)


@MANY
@given(**any_case)
def test_it_is_the_same_with_floors_and_conflicts(
    home: Organization,
    stated: Period | None,
    held: tuple[Regime, ...],
    decisions: list[str],
    workflow: str,
    day: date,
) -> None:
    with undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(regimes, "BOUNDS", FLOORS)
        with connections["owner"].cursor() as cursor:
            cursor.execute(WITH_FLOORS)
        agree(home, stated, held, decisions, workflow, day)


def test_without_a_policy_there_is_no_last_day(home: Organization) -> None:
    with undone(), connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM policy_policyversion")
        cursor.execute(ENDS, [datetime(2024, 1, 1, tzinfo=UTC), home.pk, "harassment"])
        assert cursor.fetchone() == (None, None)
