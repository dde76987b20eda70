"""What SQL takes for a period is what Python takes for it: two judges, one law."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.retention import keeping
from logs.retention.models import Decision
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import UNITS, Period
from orgo_audit.policy.regimes import BOUNDS, kept_log
from orgo_audit.policy.schema import (
    LOG_VIEWS,
    REGIMES,
    OrganizationPolicy,
    Policy,
    RetentionPolicies,
    as_plain,
)
from tests.builders import an_organization
from tests.policies import in_force, rewritten

pytestmark = pytest.mark.usefixtures("as_worker", "committed")

COUNTS = {"minute": 5_000_000, "hour": 90_000, "day": 4000, "week": 600, "month": 140, "year": 12}
periods = st.sampled_from(UNITS).flatmap(
    lambda unit: st.builds(Period, st.integers(1, COUNTS[unit]), st.just(unit))
)
instants = st.datetimes(
    datetime(2019, 1, 1),  # noqa: DTZ001
    datetime(2031, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
MANY = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def asked(statement: str, *parameters: Any) -> object:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


@pytest.fixture
def home(committed: None) -> Organization:
    in_force("metrics: {}")
    return an_organization("home")


def test_the_bounds_of_the_regimes_are_the_same() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT regime, kept, floor, ceiling FROM retention_bounds() ORDER BY 1, 2")
        in_sql = cursor.fetchall()
        expected = []
        for bound in sorted(BOUNDS, key=lambda bound: (bound.regime, bound.kept)):
            limits: list[Any] = [
                bound.floor and str(bound.floor),
                bound.ceiling and str(bound.ceiling),
            ]
            cursor.execute("SELECT %s::interval, %s::interval", limits)
            expected.append((bound.regime, bound.kept, *cursor.fetchone()))
    assert in_sql == expected


@MANY
@given(periods, instants)
def test_a_period_ends_at_the_same_instant(period: Period, instant: datetime) -> None:
    ends = asked("SELECT period_after(%s, %s::interval)", instant, str(period))
    assert ends == period.after(instant)


@MANY
@given(periods, periods)
def test_which_period_may_be_shorter_is_the_same(one: Period, other: Period) -> None:
    answer = asked("SELECT may_be_shorter(%s::interval, %s::interval)", str(one), str(other))
    assert answer == one.may_be_shorter_than(other)


@MANY
@given(
    st.builds(RetentionPolicies, activity_logs=periods, security_logs=periods, error_logs=periods),
    st.lists(st.sampled_from(REGIMES), unique=True),
    st.sampled_from([None, *Decision.values]),
    st.sampled_from(LOG_VIEWS),
)
def test_the_period_that_holds_is_the_same(
    home: Organization,
    kept: RetentionPolicies,
    regimes: list[str],
    decision: str | None,
    log: str,
) -> None:
    chosen = tuple(regime for regime in REGIMES if regime in regimes)
    regime = chosen[0] if len(chosen) == 1 else chosen or None
    own = OrganizationPolicy(retention_policies=kept, regime=regime)
    plain = as_plain(Policy(organizations={"home": own}))
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM logs_retentionresolution")
        cursor.execute(rewritten("%s::jsonb"), [json.dumps(plain)])
        if decision:
            cursor.execute(
                "INSERT INTO logs_retentionresolution (organization_id, kept, decision, basis,"
                " decided_by) VALUES (%s, %s, %s, 'counsel', 'anna')",
                [home.pk, log, decision],
            )
    expected = keeping.destroyed_after(kept_log(own, log), decision)
    kind = log.removesuffix("_logs")
    start = datetime(2024, 1, 31, 12, tzinfo=UTC)
    ends = asked("SELECT period_after(%s, retention_period(%s, %s))", start, home.pk, kind)
    assert ends == (expected.after(start) if expected else None)
