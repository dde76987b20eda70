"""Beat's table follows the policy's `health_checks`; what a person paused stays paused."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from monitoring import tasks
from monitoring.health_checks import registry, scheduling
from monitoring.health_checks.scheduling import beat_name
from tests.monitoring.health_checks.conftest import Kept
from tests.policies import in_force

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


def row_of(name: str) -> PeriodicTask:
    return PeriodicTask.objects.get(name=beat_name(name))


def days_of(name: str) -> tuple[str, str]:
    crontab = row_of(name).crontab
    assert crontab.hour == "3"
    return crontab.day_of_week, crontab.day_of_month


def test_a_row_for_each_check_with_its_period() -> None:
    scheduling.plan()
    assert PeriodicTask.objects.count() == len(registry.CHECKS)
    shown = {"mail": ("*", "*"), "cache": ("1", "*"), "database": ("*", "1")}
    assert {name: days_of(name) for name in shown} == shown
    row = row_of("mail")
    assert (row.task, json.loads(row.args), row.enabled) == (scheduling.TASK, ["mail"], True)
    assert row.task == tasks.run_health_check.name
    assert str(row.crontab.timezone) == "UTC"


def test_no_two_checks_at_the_same_minute() -> None:
    scheduling.plan()
    minutes = [row.crontab.minute for row in PeriodicTask.objects.all()]
    assert len(set(minutes)) == len(minutes)


def test_a_change_of_the_policy_moves_the_row_and_nothing_else() -> None:
    scheduling.plan()
    before = {row.name: row.pk for row in PeriodicTask.objects.all()}
    in_force("health_checks: {mail: monthly, database: daily}\n")
    scheduling.plan()
    assert (days_of("mail"), days_of("database")) == (("*", "1"), ("*", "*"))
    assert {row.name: row.pk for row in PeriodicTask.objects.all()} == before


def test_a_paused_row_stays_paused() -> None:
    scheduling.plan()
    row = row_of("mail")
    row.enabled = False
    row.save()
    in_force("health_checks: {mail: weekly}\n")
    scheduling.plan()
    assert not row_of("mail").enabled
    assert days_of("mail") == ("1", "*")


def test_a_second_plan_writes_nothing() -> None:
    scheduling.plan()
    before = list(PeriodicTask.objects.order_by("pk").values_list("pk", "date_changed"))
    scheduling.plan()
    assert list(PeriodicTask.objects.order_by("pk").values_list("pk", "date_changed")) == before


def test_a_row_that_was_given_an_interval_by_hand_follows_the_policy_again() -> None:
    scheduling.plan()
    row = row_of("mail")
    row.crontab = None
    row.interval = IntervalSchedule.objects.create(every=300, period="days")
    row.save()
    scheduling.plan()
    assert days_of("mail") == ("*", "*")
    assert row_of("mail").interval is None


def test_a_schedule_that_is_there_twice_is_no_obstacle() -> None:
    scheduling.plan()
    crontab = row_of("mail").crontab
    CrontabSchedule.objects.create(
        minute=crontab.minute, hour=crontab.hour, timezone=crontab.timezone
    )
    scheduling.plan()
    assert row_of("mail").crontab == crontab


def test_checks_that_were_never_made_are_named(kept: Kept) -> None:
    assert scheduling.plan() == list(registry.CHECKS)
    kept("mail", timezone.now(), "failed")
    kept("disk", timezone.now(), "skipped")
    assert set(scheduling.plan()) == registry.CHECKS.keys() - {"mail", "disk"}
