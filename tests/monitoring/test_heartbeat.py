"""What should have run and did not: each period has its own patience."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring import heartbeat
from monitoring.health_checks import registry
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit.policy.models import PolicyVersion
from tests.policies import in_force

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

NOW = datetime.now(UTC).replace(microsecond=0)
SECOND = timedelta(seconds=1)


def made(name: str, ago: timedelta, state: str = "ok") -> None:
    HealthCheckResult.objects.create(
        name=name, state=state, started_at=NOW - ago, duration_ms=1, detail="."
    )


def missed() -> list[str]:
    return [one.name for one in heartbeat.missed(NOW)]


def all_made_but(name: str) -> None:
    for other in registry.CHECKS.keys() - {name}:
        made(other, timedelta(0))


@pytest.mark.parametrize(
    ("period", "patience"),
    [
        ("daily", timedelta(hours=36)),
        ("weekly", timedelta(days=10)),
        ("monthly", timedelta(days=46)),
    ],
)
def test_a_check_has_half_its_period_more(period: str, patience: timedelta) -> None:
    in_force(f"health_checks: {{mail: {period}}}\n")
    all_made_but("mail")
    made("mail", patience - SECOND)
    assert missed() == []
    HealthCheckResult.objects.filter(name="mail").delete()
    made("mail", patience)
    assert heartbeat.missed(NOW) == [heartbeat.Missed("health check: mail", NOW)]


def test_a_failed_run_is_a_run_too() -> None:
    in_force("{}\n")
    all_made_but("mail")
    made("mail", timedelta(hours=1), "failed")
    assert missed() == []


def test_a_fresh_portal_has_half_an_hour() -> None:
    assert missed() == [], "without a policy nothing is expected"
    in_force("{}\n")
    over = PolicyVersion.objects.get().loaded_at + timedelta(minutes=30)
    assert heartbeat.missed(over - SECOND) == []
    late = {one.name for one in heartbeat.missed(over)}
    assert late == {f"health check: {name}" for name in registry.CHECKS}


def test_late_work_of_beat_is_missed_behind_the_checks() -> None:
    in_force("{}\n")
    all_made_but("mail")
    made("mail", timedelta(days=3))
    PeriodicTask.objects.create(
        name="watch",
        task="monitoring.tasks.watch",
        interval=IntervalSchedule.objects.create(every=20, period="seconds"),
        last_run_at=NOW - timedelta(hours=1),
    )
    assert missed() == ["health check: mail", "watch"]
