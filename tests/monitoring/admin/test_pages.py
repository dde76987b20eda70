"""Monitoring's pages for admins: status, alerts, health; what they show, and what one may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from logs.record.models import Event, HourCount
from monitoring import tasks
from monitoring.admin.figures import DAY, MONTH, Figure, figures
from monitoring.alerting.models import Alert, WatchMark
from monitoring.delivery.models import DeliveryTry, Notification
from monitoring.health_checks.models import HealthCheckResult, QueueSample
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, an_organization, setting_the_scene

ALERTS = "/admin/monitoring/alert/"
STATUS = "/admin/monitoring/watchmark/"
HEALTH = "/admin/monitoring/healthcheckresult/"
HOSTILE = "<script>alert(1)</script>"

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


@pytest.fixture
def admin(north: Organization) -> Client:
    client = Client()
    client.force_login(a_user(Role.ADMIN, north, "anna"))
    return client


def an_alert(organization: Organization, **changed: Any) -> Alert:
    told: dict[str, Any] = {
        "rule": "escalation_pending",
        "subject": str(uuid4()),
        "name": "Task Escalation Pending",
        "severity": "critical",
        "state": "firing",
        "task_id": "56789",
        "told": {"escalation_time": "2 hours"},
        "fired_at": timezone.now(),
    }
    with setting_the_scene():
        alert = Alert.objects.create(organization=organization, **told | changed)
        alert.transitions.create(state="firing", at=alert.fired_at, by="system:alerting")
    return alert


def over(organization: Organization, **changed: Any) -> Alert:
    now = timezone.now()
    return an_alert(organization, state="resolved", resolved_at=now, cleared_at=now, **changed)


def told(alert: Alert, outcome: str, detail: str = "") -> None:
    with setting_the_scene():
        now = timezone.now()
        note = Notification.objects.create(
            organization=alert.organization,
            kind="fired",
            receiver="admin",
            alerts=[alert.pk],
            made_at=now,
            next_try_at=now,
            state="sent" if outcome == "sent" else "waiting",
            settled_at=now if outcome == "sent" else None,
        )
        DeliveryTry.objects.create(
            notification=note, channel="email", at=now, outcome=outcome, detail=detail
        )


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


# --- the list -----------------------------------------------------------------------------------


def test_without_an_alert_the_page_says_what_would_fire(admin: Client) -> None:
    page = text(admin, ALERTS)
    assert "No alert is open" in page
    assert "errors &gt;5% of the events" in page


def test_open_alerts_come_first_and_what_is_over_stays_listed(
    admin: Client, north: Organization
) -> None:
    an_alert(north)
    over(north, name="Error Rate High", task_id=None)
    assert "Error Rate High" not in text(admin, ALERTS)
    assert "Error Rate High" in text(admin, f"{ALERTS}?state=all")
    assert "Task Escalation Pending" not in text(admin, f"{ALERTS}?state=resolved")


def test_another_organizations_alerts_are_not_here(admin: Client) -> None:
    alert = an_alert(an_organization("south"))
    assert "Task Escalation Pending" not in text(admin, f"{ALERTS}?state=all")
    assert admin.get(f"{ALERTS}{alert.pk}/").status_code == 404
    answer = admin.post(f"{ALERTS}{alert.pk}/act/", {"reason": "x", "act": "resolve"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query", ["state=odd", "rule=odd", "severity=odd", "odd=1", "state=all&state=all", "cursor=x"]
)
def test_a_filter_that_is_none_is_told(admin: Client, query: str) -> None:
    assert admin.get(f"{ALERTS}?{query}").status_code == 400


def test_pages_go_by_key(admin: Client, north: Organization) -> None:
    for number in range(130):
        an_alert(north, task_id=f"task-{number}")
    first = text(admin, ALERTS)
    assert first.count('data-label="Fired"') == 100
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert text(admin, f"{ALERTS}{older}").count('data-label="Fired"') == 30


def test_hostile_words_stay_words(admin: Client, north: Organization) -> None:
    alert = an_alert(north, name=HOSTILE, task_id=HOSTILE, told={HOSTILE: HOSTILE})
    for path in (ALERTS, f"{ALERTS}{alert.pk}/"):
        assert HOSTILE not in text(admin, path)


def test_a_look_is_on_record(admin: Client, north: Organization) -> None:
    text(admin, f"{ALERTS}?state=all")
    looked = Event.objects.filter(action="Logs Viewed").latest("id")
    assert looked.details == {"read": "alerts", "filters": {"state": "all"}}


# --- one alert ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("sent", "Yes: admin by email."), ("refused", "No: the mail server refused it.")],
)
def test_the_page_answers_whether_anybody_was_told(
    admin: Client, north: Organization, outcome: str, expected: str
) -> None:
    alert = an_alert(north)
    assert "Not yet: it is sent within a minute." in text(admin, f"{ALERTS}{alert.pk}/")
    told(alert, outcome, "" if outcome == "sent" else "the mail server refused it")
    assert expected in text(admin, f"{ALERTS}{alert.pk}/")


def act(client: Client, alert: Alert, what: str, **fields: str) -> Any:
    given = {"reason": "the router is restarted", "act": what} | fields
    return client.post(f"{ALERTS}{alert.pk}/act/", given, follow=True)


@pytest.mark.parametrize(
    ("what", "state"),
    [("acknowledge", "acknowledged"), ("resolve", "resolved"), ("silence", "silenced")],
)
def test_a_person_says_what_becomes_of_it(
    admin: Client, north: Organization, what: str, state: str
) -> None:
    alert = an_alert(north)
    page = act(admin, alert, what, silence_for="8 hours").content.decode()
    alert.refresh_from_db()
    assert alert.state == state
    assert "by anna: the router is restarted" in page
    step = Event.objects.filter(log_type="activity").latest("id")
    assert (step.actor, step.details["alert_id"]) == ("anna", str(alert.pk))
    if what == "silence":
        assert alert.silenced_until is not None
        assert timedelta(hours=7) < alert.silenced_until - timezone.now() <= timedelta(hours=8)


def test_without_a_reason_nothing_is_done(admin: Client, north: Organization) -> None:
    alert = an_alert(north)
    answer = act(admin, alert, "resolve", reason="", silence_for="1 week")
    assert answer.status_code == 400
    assert '<option value="1 week" selected>' in answer.content.decode()
    alert.refresh_from_db()
    assert alert.state == "firing"


def test_an_act_that_comes_too_late_is_told_in_words(admin: Client, north: Organization) -> None:
    alert = over(north)
    answer = act(admin, alert, "acknowledge")
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said == ["This alert is resolved already."]


# --- status -------------------------------------------------------------------------------------

NOON = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def counted(north: Organization, **numbers: int) -> None:
    """An hour ago."""
    with setting_the_scene():
        for measure, number in numbers.items():
            HourCount.objects.create(
                organization=north,
                measure=measure,
                number=number,
                hour=NOON.replace(minute=0) - timedelta(hours=1),
            )


def drawn(north: Organization, name: str, span: str = DAY) -> Figure:
    return next(one for one in figures([north], span, NOON) if one.name == name)


def test_a_rate_of_nothing_is_a_gap_and_not_zero(north: Organization) -> None:
    counted(north, routed=4, routed_well=3)
    routing = drawn(north, "Routing success")
    assert [when for when, rate in routing.rows if rate != "–"] == ["11:00"]
    assert dict(routing.rows)["11:00"] == "75%"
    assert drawn(north, "Error rate").chart is None


def test_the_error_rate_is_of_errors_and_activity(north: Organization) -> None:
    counted(north, errors=1, activity=19)
    assert dict(drawn(north, "Error rate").rows)["11:00"] == "5.0%"


def test_hours_and_days_are_those_of_the_viewer(north: Organization) -> None:
    counted(north, mails=7)
    with timezone.override("Asia/Kolkata"):
        # 11:00 UTC begins at 16:30 there: it lies in the hour that begins at 16:00.
        assert dict(drawn(north, "E-mails").rows)["16:00"] == "7"
    with timezone.override("Pacific/Auckland"):
        assert dict(drawn(north, "E-mails", MONTH).rows)["25 Nov"] == "7"


def test_open_alerts_are_those_at_the_end_of_each_hour(north: Organization) -> None:
    an_alert(north, fired_at=NOON - timedelta(hours=3))
    over(north, fired_at=NOON - timedelta(hours=2, minutes=10))
    Alert.objects.filter(state="resolved").update(resolved_at=NOON - timedelta(minutes=50))
    shown = dict(drawn(north, "Open alerts").rows)
    assert [shown[when] for when in ("08:00", "09:00", "10:00", "11:00", "12:00")] == [
        *("0", "1", "2", "1", "1")
    ]


def test_the_queue_shows_the_most_that_waited(north: Organization) -> None:
    with setting_the_scene():
        for minutes, waiting in ((35, 3), (50, 9)):
            at = NOON - timedelta(minutes=minutes)
            QueueSample.objects.create(measured_at=at, waiting=waiting)
    assert dict(drawn(north, "Waiting tasks").rows)["11:00"] == "9"


def test_a_chart_says_its_numbers_in_words(north: Organization) -> None:
    counted(north, mails=7)
    chart = drawn(north, "E-mails").chart
    assert chart is not None
    assert "11:00 7" in chart.words


def test_the_page_tells_when_nobody_watches(admin: Client) -> None:
    assert "Nobody watches" in text(admin, STATUS)
    with setting_the_scene():
        WatchMark.objects.create(name="watch", finished_at=timezone.now())
    assert "Nobody watches" not in text(admin, f"{STATUS}?span=month")
    assert admin.get(f"{STATUS}?span=year").status_code == 400


def test_what_is_open_is_counted_by_severity(admin: Client, north: Organization) -> None:
    for severity in ("critical", "critical", "warning"):
        an_alert(north, severity=severity)
    for path in (STATUS, "/admin/"):
        page = text(admin, path)
        assert "2 critical" in page
        assert "1 warning" in page


# --- health -------------------------------------------------------------------------------------


def a_run(name: str = "mail", **changed: Any) -> None:
    told: dict[str, Any] = {
        "state": "ok",
        "started_at": timezone.now(),
        "duration_ms": 120,
        "detail": "the mail server takes mail from us",
    }
    with setting_the_scene():
        HealthCheckResult.objects.create(name=name, **told | changed)


def test_each_check_has_its_row(admin: Client) -> None:
    a_run(state="failed", detail="the mail server cannot be reached")
    page = text(admin, HEALTH)
    assert "The mail server cannot be reached" in page
    assert page.count(">Run now<") == 8
    assert "It verifies: RabbitMQ has no alarm" in page


def test_what_did_not_run_in_time_is_overdue(admin: Client) -> None:
    a_run(started_at=timezone.now() - timedelta(days=2))
    assert '<span class="badge overdue">overdue</span>' in text(admin, HEALTH)


def test_a_checks_history_is_a_file_too(admin: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        a_run(detail="=1+1", asked_by="anna")
        a_run("disk")
    a_run(asked_by="")
    page = text(admin, f"{HEALTH}mail/")
    assert page.count('data-label="Run"') == 2
    answer = admin.get(f"{HEALTH}mail/export/")
    lines = b"".join(answer).decode().splitlines()
    assert lines[0] == "name,state,started_at,duration_ms,detail,asked_by"
    assert lines[2] == "mail,ok,2026-11-24T12:30:00Z,120,'=1+1,anna"


def test_an_unknown_check_is_not_here(admin: Client) -> None:
    assert admin.get(f"{HEALTH}odd/").status_code == 404
    assert admin.get(f"{HEALTH}odd/export/").status_code == 404
    assert admin.post(f"{HEALTH}odd/run/").status_code == 404


@pytest.mark.parametrize("is_away", [False, True])
def test_a_run_is_asked_of_the_worker(
    admin: Client, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    asked: list[Any] = []

    def apply_async(arguments: Any, **_: Any) -> None:
        if is_away:
            raise OperationalError
        asked.append(arguments)

    monkeypatch.setattr(tasks.run_health_check, "apply_async", apply_async)
    answer = admin.post(f"{HEALTH}mail/run/", follow=True)
    said = " ".join(map(str, get_messages(answer.wsgi_request)))
    assert ("broker is away" in said) == is_away
    assert asked == ([] if is_away else [("mail", True)])
