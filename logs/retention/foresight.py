"""What a policy that is not in force would destroy. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from logs.retention import facts, keeping, plan, wording
from logs.retention.segments import log_type_of
from orgo_audit.policy.schema import Policy


def would_destroy(policy: Policy, *, now: datetime) -> list[plan.Sooner]:
    """What goes earlier under this policy than under the one in force, the oldest first.

    Nothing of it goes before it was published for the notice that the policy gives.
    """
    rules = keeping.rules(policy)
    found = plan.sooner(facts.segments(now), keeping.rules(), rules)
    return [_announced(one, rules, now) for one in found]


def _announced(one: plan.Sooner, rules: plan.Rules, now: datetime) -> plan.Sooner:
    notice = rules[one.organization, log_type_of(one.segment)].notice
    return replace(one, becomes=max(one.becomes, notice.after(now)))


def described_destruction(policy: Policy, *, now: datetime) -> Iterator[str]:
    """The same, a line each for people."""
    for one in would_destroy(policy, now=now):
        rows = "not yet counted" if one.rows is None else wording.events(one.rows)
        was = f"from {one.was:%Y-%m-%d} on" if one.was else "not before somebody decides"
        yield (
            f"{one.segment} of {one.organization}: {rows}, from {one.becomes:%Y-%m-%d} on;"
            f" until now {was}"
        )
