"""Whatever the policies, overrides, holds, ages and interruptions: nothing early, nothing late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from logs.record.models import Event
from logs.record.vocabulary import LogType
from logs.retention import applying, closures, keeping
from logs.retention.models import (
    Decision,
    DestructionCertificate,
    LegalHold,
    RetentionResolution,
)
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period, next_month, start_of_month
from orgo_audit.policy import versions
from tests.builders import an_organization
from tests.database import login_of_default
from tests.old_events import age_plans, an_old_event, segment_of
from tests.policies import in_force

NOTICE = timedelta(days=2)
MARGIN = closures.MARGIN
TENANTS = ("home", "north")
TASKS = ("T1", "T2")
ACTORS = ("jane", "JOHN")
STEPS = (
    "logs.retention.closures._close",
    "logs.retention.applying._publish",
    "logs.retention.destroying._announce",
    "logs.retention.destroying._batch",
    "logs.retention.destroying._is_still_planned",
    "logs.retention.destroying._finish",
)
PERIODS = ("1 minute", "3 weeks", "1 month", "2 months", "60 days", "3 months", "1 year")
REGIMES = ("null", "gdpr", "hipaa", "[gdpr, hipaa]")


@dataclass(frozen=True)
class Drawn:
    """An event as it is to be made."""

    tenant: str
    kind: LogType
    months: int  # whole months back from this one
    share: float  # how far into that month
    task: str
    actor: str


@dataclass(frozen=True)
class Order:
    """A hold as it is to be placed."""

    tenant: str
    kind: str
    value: str
    months: int


@dataclass(frozen=True)
class Story:
    """All that happens in one example."""

    events: list[Drawn]
    policy: dict[str, Any]
    holds_before: list[Order]
    holds_between: list[Order]
    stops: list[tuple[str, int, bool]]


events = st.builds(
    Drawn,
    st.sampled_from(TENANTS),
    st.sampled_from([LogType.ACTIVITY, LogType.SECURITY]),
    st.integers(1, 5) | st.sampled_from([14, 40, 80]),
    st.sampled_from([0.0, 0.999999]) | st.floats(0, 0.999999),
    st.sampled_from(TASKS),
    st.sampled_from(ACTORS),
)
orders = st.builds(
    Order,
    st.sampled_from(TENANTS),
    st.sampled_from(["segment", "task", "user", "case"]),
    st.sampled_from(["T1", "john", "Jane"]),
    st.integers(1, 4),
)
policies = st.fixed_dictionaries(
    {
        "activity_logs": st.sampled_from(PERIODS),
        "security_logs": st.sampled_from((*PERIODS, "4 years")),
        "north": st.none() | st.sampled_from(PERIODS),
        "regime": st.sampled_from(REGIMES),
        "decision": st.none() | st.sampled_from(Decision.values),
    }
)
interruptions = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(1, 4), st.booleans()), max_size=3
)


class Interrupted(BaseException):
    """The machine goes down."""


@pytest.fixture
def as_owner(committed: None) -> Iterator[None]:
    """Each example is one transaction of the owner's, rolled back: so `now()` stands still."""
    with login_of_default("owner"):
        yield


def recorded_at(drawn: Drawn, now: datetime) -> datetime:
    start = Period(drawn.months, "month").before(start_of_month(now))
    return start + (next_month(start) - start) * drawn.share


def text_of(policy: dict[str, Any]) -> str:
    own = f'retention_policies: {{activity_logs: "{policy["north"]}"}}, ' if policy["north"] else ""
    return (
        f'retention_policies: {{activity_logs: "{policy["activity_logs"]}",'
        f' security_logs: "{policy["security_logs"]}"}}\n'
        f"organizations: {{north: {{{own}regime: {policy['regime']}}}}}\n"
    )


@contextmanager
def interrupted_at(step: str, call: int, *, after: bool) -> Iterator[None]:
    """The step's `call`-th call is the last thing that happens."""
    module, _, name = step.rpartition(".")
    owner = __import__(module, fromlist=[name])
    function = getattr(owner, name)
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(step)
        if len(calls) == call and not after:
            raise Interrupted
        answer = function(*arguments)
        if len(calls) == call:
            raise Interrupted
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, counted)
        try:
            yield
        except Interrupted:
            return


def is_held(drawn: Drawn, order: Order) -> bool:
    """As a person would say it; `held_event` says it in SQL."""
    if drawn.tenant != order.tenant:
        return False
    if order.kind == "segment":
        return drawn.kind is LogType.ACTIVITY and drawn.months == order.months
    if order.kind == "task":
        return drawn.task == order.value
    return order.kind == "user" and drawn.actor.lower() == order.value.lower()


def place(orders: list[Order], tenants: dict[str, Organization], now: datetime) -> None:
    for order in orders:
        month = Period(order.months, "month").before(start_of_month(now))
        LegalHold.objects.create(
            organization=tenants[order.tenant],
            matter="M",
            reason="r",
            owner="o",
            scope_kind=order.kind,
            scope_value=segment_of(month) if order.kind == "segment" else order.value,
            placed_at=now,
            placed_by="anna",
            review_on=now.date(),
        )


def stored() -> set[UUID]:
    return set(Event.objects.exclude(source="portal").values_list("pk", flat=True))


def check(story: Story) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    in_force(text_of(story.policy))
    tenants = {name: an_organization(name) for name in TENANTS}
    if story.policy["decision"]:
        RetentionResolution.objects.create(
            organization=tenants["north"],
            kept="security_logs",
            decision=story.policy["decision"],
            basis="counsel",
            decided_by="anna",
        )
    made = {made_of(one, tenants, now): one for one in story.events}
    place(story.holds_before, tenants, now)
    nights(now, story.stops[:2])
    place(story.holds_between, tenants, now)
    age_plans(NOTICE, using="default")
    nights(now, story.stops[2:])
    # What was given up because a hold covers some of it is planned anew, with its own notice.
    age_plans(NOTICE, using="default")
    applying.run(now)
    check_what_is_left(made, story, now)
    check_what_is_certified(made, now)
    check_what_is_announced()


def made_of(one: Drawn, tenants: dict[str, Organization], now: datetime) -> UUID:
    return an_old_event(
        tenants[one.tenant],
        recorded_at(one, now),
        one.kind,
        using="default",
        task_id=one.task,
        actor=one.actor,
    )


def check_what_is_left(made: dict[UUID, Drawn], story: Story, now: datetime) -> None:
    left, rules = stored(), keeping.rules()
    for identifier, one in made.items():
        period = rules[one.tenant, one.kind.value].period
        held = any(is_held(one, hold) for hold in story.holds_before + story.holds_between)
        if held or period is None or period.after(recorded_at(one, now)) > now:
            assert identifier in left, one
        elif period.after(next_month(start_of_month(recorded_at(one, now)))) <= now - MARGIN:
            assert identifier not in left, one


def check_what_is_certified(made: dict[UUID, Drawn], now: datetime) -> None:
    """As much as is gone, each once."""
    left = stored()
    certified = Counter[tuple[str, str]]()
    for certificate in DestructionCertificate.objects.exclude(organization=None):
        assert certificate.organization is not None
        key = certificate.segment, certificate.organization.slug
        certified[key] += certificate.rows_destroyed
    gone = Counter(
        (segment_of(recorded_at(one, now), one.kind), one.tenant)
        for identifier, one in made.items()
        if identifier not in left
    )
    assert certified == gone


def check_what_is_announced() -> None:
    """Each certificate's announcement is on record, once an organization."""
    said = Counter(
        (one.details["plan"], one.organization_id)
        for one in Event.objects.filter(code="retention.announced")
    )
    certified = {
        (str(one.plan_id), one.organization_id)
        for one in DestructionCertificate.objects.exclude(organization=None)
    }
    assert set(said.values()) <= {1}
    assert certified <= set(said)
    of_empty_months = DestructionCertificate.objects.filter(organization=None)
    assert len(said) == len(certified) + of_empty_months.count()


def nights(now: datetime, stops: list[tuple[str, int, bool]]) -> None:
    """Runs that the machine does not live through, and one that it does."""
    for step, call, after in stops:
        with interrupted_at(step, call, after=after):
            applying.run(now)
    applying.run(now)


stories = st.builds(
    Story,
    st.lists(events, min_size=1, max_size=8),
    policies,
    st.lists(orders, max_size=2),
    st.lists(orders, max_size=1),
    interruptions,
)
quiet = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)


def examine(story: Story) -> None:
    versions.forget_cache()
    with transaction.atomic():
        try:
            check(story)
        finally:
            transaction.set_rollback(True)


@pytest.mark.long
@pytest.mark.usefixtures("as_owner")
@settings(
    max_examples=250,
    suppress_health_check=quiet,
    phases=(Phase.generate, Phase.shrink),
)
@given(stories)
def test_nothing_goes_early_nothing_stays_and_what_is_held_survives(story: Story) -> None:
    examine(story)
