"""What should have run by now and did not: health checks, and all periodic work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.health_checks import registry, running
from monitoring.health_checks.beat import late_work
from orgo_audit.periods import Period
from orgo_audit.policy.models import PolicyVersion
from orgo_audit.policy.schema import Frequency

# Half of the period more, for a machine that was off.
_LATE_AFTER: dict[Frequency, Period] = {
    "daily": Period(36, "hour"),
    "weekly": Period(10, "day"),
    "monthly": Period(46, "day"),
}
_FIRST_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Missed:
    """What did not run, and by when it should have."""

    name: str
    expected_by: datetime


def missed(now: datetime) -> list[Missed]:
    """All of it, health checks first."""
    late = [Missed(work.name, work.expected_by) for work in late_work(now)]
    return [*_missed_checks(now), *late]


def _missed_checks(now: datetime) -> Iterator[Missed]:
    """One that was never made has half an hour from the first policy on."""
    first = PolicyVersion.objects.order_by("loaded_at").values_list("loaded_at", flat=True).first()
    last = running.latest()
    for name, frequency in registry.frequencies().items():
        if name in last:
            expected_by = _LATE_AFTER[frequency].after(last[name].started_at)
        elif first is not None:
            expected_by = first + _FIRST_WITHIN
        else:
            continue
        if expected_by <= now:
            yield Missed(f"health check: {name}", expected_by)
