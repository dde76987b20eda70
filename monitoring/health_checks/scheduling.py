"""Keeps beat's table equal to the policy's `health_checks`. Runs no check itself."""

from __future__ import annotations

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from monitoring.health_checks import registry
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit.policy.schema import Frequency

TASK = "monitoring.tasks.run_health_check"
# In the third hour, UTC; a minute apart, so that they do not measure each other.
_HOUR, _FIRST_MINUTE, _MINUTES_APART = "3", 10, 2
_WHEN: dict[Frequency, dict[str, str]] = {
    "daily": {},
    "weekly": {"day_of_week": "1"},
    "monthly": {"day_of_month": "1"},
}


def beat_name(name: str) -> str:
    return f"health check: {name}"


def plan() -> list[str]:
    """Writes what the policy says; the names of those that were never made, to be made at once.

    What somebody paused in beat's table stays paused.
    """
    wanted = registry.frequencies()
    for place, (name, frequency) in enumerate(wanted.items()):
        minute = str(_FIRST_MINUTE + place * _MINUTES_APART)
        _keep_row(name, _schedule(_times(minute, frequency)))
    made = set(HealthCheckResult.objects.values_list("name", flat=True).distinct())
    return [name for name in wanted if name not in made]


def _times(minute: str, frequency: Frequency) -> dict[str, str]:
    every = {"day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
    return {"minute": minute, "hour": _HOUR, **every, **_WHEN[frequency]}


def _schedule(times: dict[str, str]) -> CrontabSchedule:
    """The admin may hold the same one twice."""
    known = CrontabSchedule.objects.filter(**times, timezone="UTC").order_by("pk").first()
    return known or CrontabSchedule.objects.create(**times, timezone="UTC")


def _keep_row(name: str, schedule: CrontabSchedule) -> None:
    row = PeriodicTask.objects.filter(name=beat_name(name)).first()
    if row is None:
        PeriodicTask.objects.create(
            name=beat_name(name), task=TASK, crontab=schedule, args=f'["{name}"]'
        )
    elif row.crontab_id != schedule.pk:
        row.crontab, row.interval, row.solar, row.clocked = schedule, None, None, None
        row.save()
