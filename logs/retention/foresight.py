"""What a policy that is not in force would destroy. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from logs.retention import facts, plan
from orgo_audit.policy.schema import Policy


def would_destroy(policy: Policy, *, now: datetime) -> list[plan.Sooner]:
    """What goes earlier under this policy than under the one in force, the oldest first."""
    return plan.sooner(facts.segments(now), facts.rules(), facts.rules(policy))


def described_destruction(policy: Policy, *, now: datetime) -> Iterator[str]:
    """The same, a line each for people."""
    for one in would_destroy(policy, now=now):
        rows = "not yet counted" if one.rows is None else f"{one.rows} events"
        becomes = "at once" if one.becomes <= now else f"from {one.becomes:%Y-%m-%d} on"
        was = f"from {one.was:%Y-%m-%d} on" if one.was else "not before somebody decides"
        yield f"{one.segment} of {one.organization}: {rows}, {becomes}; until now {was}"
