"""From an event to an alert: what came in is judged by the policy, fires, lasts and resolves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logs.record import hour_counts, reclassification
from logs.record.models import Event, FoldMark, HourCount, TaskClock
from logs.record.vocabulary import LogType
from monitoring import watching
from monitoring.alerting import alerts
from monitoring.alerting.models import Alert, WatchMark
from monitoring.delivery.models import Notification
from orgo_audit.errors import Conflict
from tests.builders import Vault, an_event, an_organization
from tests.monitoring.alerting.conftest import Watched
from tests.policies import in_force


def told(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.name, alert.state) for alert in alerts]


def a_burst_of_errors(watched: Watched) -> None:
    watched.deliver(LogType.ERROR, times=6)
    watched.deliver(times=14)


def test_all_is_well_where_nothing_happens(watched: Watched) -> None:
    assert watched.after(minutes=1) == []


def test_the_pass_leaves_a_mark(watched: Watched) -> None:
    watched.after(minutes=1)
    assert WatchMark.objects.get(name=watching.MARK).finished_at == timezone.now()


# --- errors -------------------------------------------------------------------------------------


def test_a_burst_of_errors_fires_once(watched: Watched) -> None:
    a_burst_of_errors(watched)
    watched.after(seconds=20)
    (alert,) = watched.after(seconds=20)
    assert (alert.name, alert.rule, alert.severity) == ("Error Rate High", "error_rate", "critical")
    assert (alert.told["error_rate"], alert.told["events"]) == ("30.0%", 20)
    assert watched.steps(alert) == ["firing"]


def test_what_the_portal_says_of_itself_is_no_activity(watched: Watched) -> None:
    watched.deliver(LogType.ERROR, times=10)
    (alert,) = watched.after(seconds=20)
    assert watched.after(seconds=20)[0].told["events"] == alert.told["events"] == 10


def test_silence_after_errors_is_not_health(watched: Watched) -> None:
    a_burst_of_errors(watched)
    watched.after(seconds=20)
    assert told(watched.after(minutes=20)) == [("Error Rate High", "firing")]


def test_the_alert_resolves_once_events_come_in_without_errors(watched: Watched) -> None:
    a_burst_of_errors(watched)
    watched.after(seconds=20)
    watched.after(minutes=20)
    watched.deliver(times=20)
    assert watched.after(seconds=20) == []
    assert watched.steps(Alert.objects.get()) == ["firing", "resolved"]


def test_errors_of_another_organization_concern_nobody_here(watched: Watched) -> None:
    south = Watched(an_organization("south"), watched.clock)
    a_burst_of_errors(south)
    assert watched.after(seconds=20) == []
    assert told(south.open()) == [("Error Rate High", "firing")]


def test_the_policys_own_threshold_holds(watched: Watched) -> None:
    in_force('organizations: {north: {alert_thresholds: {error_rate: ">40%"}}}')
    a_burst_of_errors(watched)
    assert watched.after(seconds=20) == []


# --- tasks --------------------------------------------------------------------------------------


def test_a_task_that_waits_fires_in_the_blueprints_words(watched: Watched) -> None:
    watched.route("56789")
    assert watched.after(minutes=59) == []
    assert told(watched.after(minutes=2)) == [("Task Escalation Near", "firing")]
    (alert,) = watched.after(hours=1)
    assert (alert.name, alert.task_id) == ("Task Escalation Pending", "56789")
    assert alert.told == {"escalation_time": "2 hours"}


@pytest.mark.parametrize("action", ["Task Completed", "Task Escalated", "Task Routed"])
def test_it_resolves_by_itself_when_the_task_moves(watched: Watched, action: str) -> None:
    watched.route("56789")
    (alert,) = watched.after(hours=3)
    watched.route("56789", action=action)
    assert watched.after(seconds=20) == []
    assert watched.steps(alert) == ["firing", "resolved"]


def test_a_routing_that_failed_moves_no_task(watched: Watched) -> None:
    watched.route("56789")
    watched.after(hours=3)
    watched.route("56789", status="Failed")
    assert told(watched.after(seconds=20)) == [("Task Escalation Pending", "firing")]


def test_an_old_time_of_the_sender_counts(watched: Watched) -> None:
    watched.route("56789", timestamp="2024-11-24T10:45:00Z")
    assert told(watched.after(seconds=20)) == [("Task Escalation Pending", "firing")]


def test_a_late_routing_of_a_completed_task_opens_nothing(watched: Watched) -> None:
    before = (timezone.now() - timedelta(hours=5)).isoformat()
    watched.deliver(task_id="56789", action="Task Completed")
    watched.after(minutes=1)
    watched.route("56789", timestamp=before)
    assert watched.after(hours=3) == []


def test_alerts_are_no_events_of_their_task(watched: Watched) -> None:
    """Who asks for a task's events gets what services said of it."""
    watched.route("56789")
    watched.after(hours=3)
    assert Event.objects.filter(task_id="56789").count() == 1


def test_what_is_imported_alarms_nobody(watched: Watched) -> None:
    an_event(watched.organization, task_id="56789", source="import")
    assert watched.after(hours=3) == []


def test_a_task_that_becomes_sensitive_takes_its_alerts_along(
    watched: Watched, vault: Vault
) -> None:
    watched.route("56789")
    assert told(watched.after(hours=3)) == [("Task Escalation Pending", "firing")]
    watched.deliver(task_id=" 56789", identities={"reporter": "jane.roe@organization.com"})
    assert watched.after(minutes=1) == []
    reclassification.run()
    assert "56789" not in str(list(Event.objects.values()))
    assert not Alert.objects.exists()
    assert not Notification.objects.filter(alerts__len__gt=0).exists()


def test_a_policys_business_hours_stop_the_clock(watched: Watched) -> None:
    weekday = (timezone.now() + timedelta(days=2)).strftime("%A").lower()
    in_force(f"escalation: {{business_hours: {{days: [{weekday}]}}}}")
    watched.route("56789")
    watched.after(hours=5)
    assert not Alert.objects.filter(task_id="56789").exists()


# --- bursts -------------------------------------------------------------------------------------


def test_a_burst_of_failed_logins_names_nobody(watched: Watched) -> None:
    login = {"action": "Failed Login Attempt", "user": "jane.roe@organization.com"}
    watched.deliver(LogType.SECURITY, times=21, **login)
    (alert,) = watched.after(seconds=20)
    assert (alert.name, alert.told["number"]) == ("Failed Logins", 21)
    assert "jane" not in str(alert.told)


def test_a_burst_is_over_when_its_time_is(watched: Watched) -> None:
    watched.deliver(LogType.SECURITY, times=21, action="RBAC Violation")
    assert told(watched.after(seconds=20)) == [("Access Violations", "firing")]
    assert watched.after(minutes=10) == []


# --- what people do -----------------------------------------------------------------------------


def by_anna() -> dict[str, Any]:
    return {"by": "anna", "reason": "the router is restarted", "now": timezone.now()}


def test_each_step_is_an_activity_event(watched: Watched) -> None:
    watched.route("56789")
    (alert,) = watched.after(hours=3)
    watched.pause()
    alerts.acknowledge(alert, **by_anna())
    own = Event.objects.filter(source="portal", log_type="activity").order_by("id")
    assert [(one.action, one.actor) for one in own] == [
        ("Alert Fired", "system:alerting"),
        ("Alert Acknowledged", "anna"),
    ]
    assert own[1].details["alert_id"] == str(alert.pk)
    assert own[1].details["because"] == "the router is restarted"


def test_what_nobody_acknowledges_climbs_the_ladder(watched: Watched) -> None:
    a_burst_of_errors(watched)
    watched.after(seconds=20)
    assert told(watched.after(minutes=31)) == [("Error Rate High", "escalated")]
    watched.after(hours=4)
    receivers = Notification.objects.order_by("made_at", "receiver")
    assert [(one.kind, one.receiver) for one in receivers] == [
        ("fired", "admin"),
        ("escalated", "admin"),
        ("escalated", "admin"),
        ("escalated", "dpo"),
    ]


def test_an_acknowledged_alert_stays_where_it_is(watched: Watched) -> None:
    a_burst_of_errors(watched)
    (alert,) = watched.after(seconds=20)
    alerts.acknowledge(alert, **by_anna())
    assert told(watched.after(hours=5)) == [("Error Rate High", "acknowledged")]
    assert Notification.objects.count() == 1


def test_a_silence_ends_and_the_alert_fires_again(watched: Watched) -> None:
    a_burst_of_errors(watched)
    (alert,) = watched.after(seconds=20)
    until = timezone.now() + timedelta(hours=1)
    alerts.silence(alert, until, **by_anna())
    assert told(watched.after(minutes=59)) == [("Error Rate High", "silenced")]
    assert told(watched.after(minutes=2)) == [("Error Rate High", "firing")]
    assert watched.steps(alert) == ["firing", "silenced", "firing"]


def test_an_alert_resolved_by_hand_stays_away_until_its_cause_was_gone(watched: Watched) -> None:
    a_burst_of_errors(watched)
    (alert,) = watched.after(seconds=20)
    alerts.resolve(alert, **by_anna())
    assert told(watched.after(seconds=20)) == [("Error Rate High", "resolved")]
    assert watched.after(minutes=15) == []
    a_burst_of_errors(watched)
    assert told(watched.after(seconds=20)) == [("Error Rate High", "firing")]


def test_nobody_acts_twice(watched: Watched) -> None:
    a_burst_of_errors(watched)
    (alert,) = watched.after(seconds=20)
    alerts.acknowledge(alert, **by_anna())
    with pytest.raises(Conflict):
        alerts.acknowledge(alert, **by_anna())
    alerts.resolve(alert, **by_anna())
    for act in (alerts.resolve, alerts.acknowledge):
        with pytest.raises(Conflict):
            act(alert, **by_anna())


# --- many ---------------------------------------------------------------------------------------


def statements_of_a_pass(watched: Watched, tasks: int) -> int:
    for number in range(tasks):
        watched.route(f"{tasks}-{number}")
    watched.clock.shift(timedelta(hours=3))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        watching.watch(timezone.now())
    assert Alert.objects.filter(rule="escalation_pending").count() == tasks
    Alert.objects.all().delete()
    TaskClock.objects.all().delete()
    return len(asked)


def test_many_tasks_are_judged_with_as_many_statements_as_few(watched: Watched) -> None:
    statements_of_a_pass(watched, 1)  # which fills what is cached
    few, many = (statements_of_a_pass(watched, tasks) for tasks in (3, 60))
    assert few == many


def test_many_alerts_are_one_message_to_a_receiver(watched: Watched) -> None:
    for number in range(12):
        watched.route(f"task-{number}")
    watched.after(hours=3)
    (note,) = Notification.objects.all()
    assert len(note.alerts) == 12


# --- e-mail volumes -----------------------------------------------------------------------------

USUAL = 30


def mails_of_former_weeks(watched: Watched) -> datetime:
    """As many each hour for nine weeks, up to a day and some hours ago; the last full hour."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    HourCount.objects.bulk_create(
        HourCount(
            organization=watched.organization,
            measure="mails",
            number=USUAL,
            hour=hour - timedelta(hours=back),
        )
        for back in range(1, 9 * 7 * 24)
    )
    FoldMark.objects.create(name=hour_counts.MARK, until=timezone.now())
    return hour


def mails(watched: Watched, hour: datetime, numbers: dict[int, int]) -> None:
    """So many in the hour that began so many hours before."""
    for back, number in numbers.items():
        at = (hour - timedelta(hours=back)).isoformat()
        watched.deliver(times=number, action="Email Received", timestamp=at)


def volumes_after(watched: Watched, **span: float) -> list[str]:
    watched.clock.shift(timedelta(**span))
    watching.watch_volumes(timezone.now())
    return [alert.name for alert in watched.open() if alert.rule == "email_volume"]


def test_a_flood_of_mails_fires_and_usual_hours_end_it(watched: Watched) -> None:
    hour = mails_of_former_weeks(watched)
    mails(watched, hour, dict.fromkeys(range(2, 28), USUAL) | {1: 300})
    assert volumes_after(watched, minutes=15) == ["E-mail Volume High"]
    [alert] = watched.open()
    assert (alert.told["mails"], alert.told["window"]) == (300, "1 hour")
    for later in range(11):  # five hours are still within the window of six, six were usual
        mails(watched, hour, {-later: USUAL})
        ended = volumes_after(watched, hours=1) == []
        assert ended == (later == 10)


def test_silence_is_told_as_much_as_noise(watched: Watched) -> None:
    hour = mails_of_former_weeks(watched)
    mails(watched, hour, dict.fromkeys(range(2, 28), USUAL))
    assert volumes_after(watched, minutes=15) == ["E-mail Volume Low"]


def test_two_weeks_of_mails_are_no_baseline(watched: Watched) -> None:
    hour = mails_of_former_weeks(watched)
    HourCount.objects.filter(hour__lt=hour - timedelta(days=14)).delete()
    assert volumes_after(watched, minutes=15) == []
