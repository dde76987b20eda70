"""What Prometheus is told: the counters of all processes, and figures of the database."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from logs import interface
from logs.record.models import Beat, TaskClock
from monitoring import exposition, figures, metrics
from monitoring.alerting import rules
from monitoring.alerting.business_time import over_at
from monitoring.alerting.models import Alert, WatchMark
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.delivery.models import Kind, Notification, NotificationState
from monitoring.health_checks.models import CheckState, HealthCheckResult
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Unavailable
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.schema import BusinessHours
from tests.builders import a_refused_item, an_organization, setting_the_scene
from tests.policies import in_force
from tests.portal import PROJECT

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Told = dict[str, float]


def scraped() -> Told:
    """Every series of our own."""
    exposition.forget_cache()
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    series = re.findall(r"^(orgo_\S+) (\S+)$", answer.content.decode(), re.MULTILINE)
    return {name: float(value) for name, value in series}


@pytest.fixture
def home(db: None) -> Organization:
    return an_organization()


def an_open_task(home: Organization, moved_at: datetime, name: str = "T1") -> None:
    with setting_the_scene():
        TaskClock.objects.create(
            organization=home, task_id=name, moved_at=moved_at, recorded_at=moved_at
        )


def an_alert(home: Organization, severity: Severity, subject: str, *, is_over: bool) -> None:
    over = NOW if is_over else None
    with setting_the_scene():
        Alert.objects.create(
            organization=home,
            rule=Rule.HEALTH_CHECK,
            subject=subject,
            severity=severity,
            state=State.RESOLVED if is_over else State.FIRING,
            fired_at=NOW,
            resolved_at=over,
            cleared_at=over,
        )


def a_notification(home: Organization, made_at: datetime, *, is_sent: bool = False) -> None:
    with setting_the_scene():
        Notification.objects.create(
            organization=home,
            kind=Kind.FIRED,
            receiver="admin",
            alerts=[],
            state=NotificationState.SENT if is_sent else NotificationState.WAITING,
            settled_at=NOW if is_sent else None,
            made_at=made_at,
            next_try_at=made_at,
        )


def a_run(name: str, state: CheckState, started_at: datetime) -> None:
    with setting_the_scene():
        HealthCheckResult.objects.create(
            name=name, state=state, started_at=started_at, duration_ms=1, detail=""
        )


# --- figures ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_where_nothing_has_happened_yet_nothing_is_told_of_it() -> None:
    told = scraped()
    assert told["orgo_database_up"] == 1
    assert told["orgo_audit_quarantine_items"] == told["orgo_tasks_open"] == 0
    assert told["orgo_escalation_pending_oldest_seconds"] == 0
    assert told["orgo_notifications_oldest_seconds"] == 0
    assert told['orgo_alerts_open{severity="critical"}'] == 0
    assert not any("timestamp" in name and "_created" not in name for name in told)


def test_refused_items_are_counted(home: Organization) -> None:
    a_refused_item(home)
    a_refused_item(an_organization())
    assert scraped()["orgo_audit_quarantine_items"] == 2


def test_alerts_that_are_not_resolved_are_counted_by_severity(home: Organization) -> None:
    an_alert(home, Severity.WARNING, "mail", is_over=False)
    an_alert(an_organization(), Severity.WARNING, "mail", is_over=False)
    an_alert(home, Severity.CRITICAL, "disk", is_over=True)
    told = scraped()
    assert told['orgo_alerts_open{severity="warning"}'] == 2
    assert told['orgo_alerts_open{severity="critical"}'] == 0


@time_machine.travel(NOW, tick=False)
def test_notifications_wait_since_they_were_made(home: Organization) -> None:
    a_notification(home, NOW - HOUR, is_sent=True)
    a_notification(home, NOW - timedelta(minutes=2))
    a_notification(home, NOW - timedelta(minutes=1))
    told = scraped()
    assert told["orgo_notifications_waiting"] == 2
    assert told["orgo_notifications_oldest_seconds"] == 120


@pytest.mark.django_db
def test_the_last_run_of_each_check_counts() -> None:
    a_run("mail", CheckState.FAILED, NOW)
    a_run("mail", CheckState.OK, NOW - HOUR)
    a_run("disk", CheckState.OK, NOW)
    told = scraped()
    assert told['orgo_health_check_ok{check="mail"}'] == 0
    assert told['orgo_health_check_ok{check="disk"}'] == 1
    run = 'orgo_health_check_last_run_timestamp_seconds{check="mail"}'
    assert told[run] == NOW.timestamp()


@pytest.mark.django_db
def test_a_check_without_anything_to_check_is_neither_well_nor_ill() -> None:
    a_run("cache", CheckState.SKIPPED, NOW)
    told = scraped()
    assert 'orgo_health_check_ok{check="cache"}' not in told
    assert 'orgo_health_check_last_run_timestamp_seconds{check="cache"}' in told


@pytest.mark.django_db
def test_a_check_that_nobody_knows_makes_no_series() -> None:
    a_run("jane.roe", CheckState.FAILED, NOW)
    assert not any("jane" in name for name in scraped())


@pytest.mark.django_db
def test_when_the_portal_last_watched_and_the_vault_was_seen_is_told() -> None:
    with setting_the_scene():
        WatchMark.objects.create(name="watch", finished_at=NOW)
        Beat.objects.create(process=Beat.Process.VAULT, beaten_at=NOW - HOUR, problem="")
    told = scraped()
    assert told["orgo_watch_last_pass_timestamp_seconds"] == NOW.timestamp()
    seen = told["orgo_audit_vault_last_seen_timestamp_seconds"]
    assert seen == (NOW - HOUR).timestamp()


@pytest.mark.django_db
def test_a_vault_that_cannot_work_is_not_seen() -> None:
    with setting_the_scene():
        Beat.objects.create(process=Beat.Process.VAULT, beaten_at=NOW, problem="no keyring")
    assert "orgo_audit_vault_last_seen_timestamp_seconds" not in scraped()


@time_machine.travel(NOW, tick=False)
def test_a_task_is_pending_by_its_own_organizations_policy(home: Organization) -> None:
    patient = an_organization("patient")
    in_force(
        'alert_thresholds: {escalation_pending: "2 hours"}\n'
        'organizations: {patient: {alert_thresholds: {escalation_pending: "1 day"}}}\n'
    )
    an_open_task(home, NOW - 2 * HOUR)
    an_open_task(home, NOW - 2 * HOUR + timedelta(seconds=5), "T2")
    an_open_task(patient, NOW - 3 * HOUR)
    told = scraped()
    assert told["orgo_tasks_open"] == 3
    assert told["orgo_escalation_pending_tasks"] == 1
    assert told["orgo_escalation_pending_oldest_seconds"] == 7200


def test_a_completed_task_is_not_open(home: Organization) -> None:
    an_open_task(home, NOW)
    with setting_the_scene():
        TaskClock.objects.update(completed_at=NOW)
    assert scraped()["orgo_tasks_open"] == 0


@pytest.mark.django_db
def test_without_a_policy_that_can_be_read_all_else_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable() -> None:
        raise Unavailable("the policy in force cannot be read")

    monkeypatch.setattr(versions, "current", unreadable)
    told = scraped()
    assert "orgo_escalation_pending_tasks" not in told
    assert (told["orgo_database_up"], told["orgo_tasks_open"]) == (1, 0)


@pytest.mark.django_db
def test_a_database_that_is_away_fails_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> int:
        raise OperationalError("password of orgo_web refused")

    monkeypatch.setattr(interface, "quarantined", away)
    told = scraped()
    assert told["orgo_database_up"] == 0
    assert not told.keys() & {figure.name for figure in metrics.FIGURES[1:]}
    assert 'orgo_audit_events_stored_total{log_type="error"}' in told


@pytest.mark.django_db
def test_a_database_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, answers nothing
        host, port = silent.getsockname()
        told = connection.get_connection_params() | {"host": host, "port": port}
        monkeypatch.setattr(connection, "get_connection_params", lambda: told)
        monkeypatch.setattr(figures, "LOGIN_SECONDS", 1)
        assert scraped()["orgo_database_up"] == 0


@pytest.mark.django_db
def test_a_statement_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")
        return 0

    monkeypatch.setattr(figures, "LIMIT_SECONDS", 1)
    monkeypatch.setattr(interface, "quarantined", hangs)
    assert scraped()["orgo_database_up"] == 0


@pytest.mark.django_db
def test_every_figure_is_declared() -> None:
    families = {family.name for family in figures.read(timezone.now())}
    assert families <= {figure.name for figure in metrics.FIGURES}


def test_the_database_is_asked_once_in_fifteen_seconds(
    home: Organization,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    instant = 1000.0
    monkeypatch.setattr(exposition, "monotonic", lambda: instant)
    assert scraped()["orgo_audit_quarantine_items"] == 0
    a_refused_item(home)
    instant += 14.9
    with django_assert_num_queries(0):
        page = Client().get("/metrics").content
    assert b"orgo_audit_quarantine_items 0.0" in page
    instant += 0.2
    assert b"orgo_audit_quarantine_items 1.0" in Client().get("/metrics").content


# --- the instant before which a task is pending --------------------------------------------------

PERIODS = st.builds(Period, st.integers(1, 90), st.sampled_from(["minute", "hour", "day", "week"]))
HOURS = st.none() | st.builds(
    BusinessHours,
    days=st.just(("monday", "wednesday", "friday")),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)
INSTANTS = st.integers(0, 366 * 24 * 3600).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(PERIODS, HOURS, INSTANTS)
def test_a_task_that_moved_by_then_is_pending_and_a_later_one_is_not(
    period: Period, hours: BusinessHours | None, now: datetime
) -> None:
    last = figures.last_pending(period, hours, now)
    assert over_at(last, period, hours, 1.0) <= now
    assert over_at(last + timedelta(seconds=2), period, hours, 1.0) > now


def test_it_agrees_with_the_rule() -> None:
    last = figures.last_pending(Period(2, "hour"), None, NOW)
    told = rules.escalations([("T1", last)], Period(2, "hour"), None, NOW)
    assert len(told.pending.conditions) == 1


# --- several processes --------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_every_process_counted_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    code = "from logs import metrics; metrics.EMAILS_RECEIVED.inc(2)"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, env=shared)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    told = scraped()
    assert told["orgo_emails_received_total"] == 4
    assert told["orgo_database_up"] == 1
