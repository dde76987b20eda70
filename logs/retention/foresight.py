"""What a policy that is not in force would destroy. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from logs.retention import facts, keeping, plan, wording
from orgo_audit.policy.contradictions import LONGEST_NOTICE
from orgo_audit.policy.schema import Policy


def would_destroy(policy: Policy, *, now: datetime) -> list[plan.Sooner]:
    """What goes earlier under this policy than under the one in force, the oldest first.

    Nothing of it goes before the longest notice is over.
    """
    found = plan.sooner(facts.segments(now), keeping.rules(), keeping.rules(policy))
    # Until then the policy of today is heeded too.
    return [replace(one, becomes=max(one.becomes, LONGEST_NOTICE.after(now))) for one in found]


def described_destruction(policy: Policy, *, now: datetime) -> Iterator[str]:
    """The same, a line each for people."""
    for one in would_destroy(policy, now=now):
        rows = "not yet counted" if one.rows is None else wording.events(one.rows)
        was = f"from {one.was:%Y-%m-%d} on" if one.was else "not before somebody decides"
        yield (
            f"{one.segment} of {one.organization}: {rows}, from {one.becomes:%Y-%m-%d} on;"
            f" until now {was}"
        )
