"""Alerts over the API: who sees them, in which shape, and what may be done with one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from logs.record.models import Event
from monitoring.alerting.models import Alert
from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.accounts.people import give_role
from tests.alerts import FIRED, an_alert
from tests.builders import API, Caller, Service, a_user, an_organization, setting_the_scene

ALERTS = f"{API}/alerts/"
ACTS = ("acknowledge", "resolve", "silence")


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer.json["results"]]


def act(caller: Caller, alert: Alert, how: str, body: Any = b"", **options: Any) -> Any:
    return caller.post(f"{ALERTS}{alert.pk}/{how}/", body, **options)


# --- reading ------------------------------------------------------------------------------------


def test_an_alert_begins_with_the_blueprints_keys(anna: Caller, home: Organization) -> None:
    alert = an_alert(home, task_id="56789", told={"escalation_time": "2 hours", "waits": 3})
    [shown] = anna.get(ALERTS).json["results"]
    assert list(shown)[:3] == ["alert", "task_id", "escalation_time"]
    assert shown == {
        "alert": "Task Escalation Pending",
        "task_id": "56789",
        "escalation_time": "2 hours",
        "id": str(alert.pk),
        "organization": "home",
        "state": "firing",
        "rule": "escalation_pending",
        "severity": "critical",
        "fired_at": "2024-11-24T12:45:00Z",
        "resolved_at": None,
        "silenced_until": None,
        "facts": {"escalation_time": "2 hours", "waits": 3},
        "history": [
            {
                "state": "firing",
                "at": "2024-11-24T12:45:00Z",
                "by": "system:alerting",
                "reason": "",
            }
        ],
        "deliveries": [
            {
                "at": "2024-11-24T12:45:00Z",
                "receiver": "admin",
                "channel": "email",
                "outcome": "sent",
                "detail": "",
            }
        ],
    }
    assert anna.get(f"{ALERTS}{alert.pk}/").json == shown


def test_what_there_is_none_of_is_absent(anna: Caller, home: Organization) -> None:
    an_alert(home, rule="error_rate", name="Error Rate High", subject="", task_id=None, told={})
    [shown] = anna.get(ALERTS).json["results"]
    assert not {"task_id", "escalation_time"} & shown.keys()
    assert next(iter(shown)) == "alert"


def test_a_fraction_has_six_digits(anna: Caller, home: Organization) -> None:
    an_alert(home, fired_at=FIRED + timedelta(milliseconds=250))
    assert anna.get(ALERTS).json["results"][0]["fired_at"] == "2024-11-24T12:45:00.250000Z"


def test_pages_follow_each_other_the_newest_first(service: Service, home: Organization) -> None:
    made = [an_alert(home, fired_at=FIRED + timedelta(hours=n // 2)) for n in range(7)]
    wanted = [
        str(one.pk) for one in sorted(made, key=lambda one: (one.fired_at, one.pk), reverse=True)
    ]
    seen: list[str] = []
    address: str | None = f"{ALERTS}?page_size=3"
    while address:
        page = service.get(address.removeprefix("http://testserver"))
        assert set(page.json) == {"next", "previous", "results"}
        seen, address = seen + ids(page), page.json["next"]
    assert seen == wanted


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("state=firing", 2),
        ("state=silenced", 0),
        ("rule=error_rate", 1),
        ("severity=warning", 1),
        ("task_id=T-own", 1),
        ("task_id=T", 0),
        ("since=2024-11-24T12:45:00Z", 3),
        ("until=2024-11-24T12:45:00Z", 0),
        ("since=2024-11-24T12:45:01Z", 1),
        ("until=2024-11-24T13:45:00%2B01:00", 0),
        ("until=2024-11-24T12:46:00Z&state=resolved", 1),
    ],
)
def test_filters(service: Service, home: Organization, query: str, count: int) -> None:
    an_alert(home, task_id="T-own", fired_at=FIRED + timedelta(hours=1))
    an_alert(home, rule="error_rate", severity="warning", task_id=None)
    an_alert(home, state="resolved", resolved_at=FIRED, cleared_at=FIRED)
    assert len(ids(service.get(f"{ALERTS}?{query}"))) == count


@pytest.mark.parametrize(
    ("query", "path", "code"),
    [
        ("page=2", "page", "unknown_parameter"),
        ("state=open", "state", "unknown_value"),
        ("rule=", "rule", "unknown_value"),
        ("severity=page", "severity", "unknown_value"),
        ("state=firing&state=resolved", "state", "repeated_parameter"),
        ("task_id=%00", "task_id", "nul_character"),
        ("since=2024-11-24", "since", "bad_timestamp"),
        ("since=2024-11-24T12:45:00", "since", "bad_timestamp"),
        ("until=0001-01-01T00:00:00%2B14:00", "until", "bad_timestamp"),
        ("since=2024-11-25T00:00:00Z&until=2024-11-24T00:00:00Z", "until", "empty_range"),
        ("page_size=501", "page_size", "bad_page_size"),
        ("cursor=x", "cursor", "bad_cursor"),
    ],
)
def test_a_bad_query_is_refused_with_its_place(
    service: Service, query: str, path: str, code: str
) -> None:
    answer = service.get(f"{ALERTS}?{query}")
    assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert (answer.json["path"], answer.json["code"]) == (path, code)


def test_everybody_sees_the_own_organizations_alone(anna: Caller, home: Organization) -> None:
    elsewhere = an_organization("elsewhere")
    ours, theirs = an_alert(home), an_alert(elsewhere)
    assert ids(anna.get(ALERTS)) == ids(Service(home, Scope.READ).get(ALERTS)) == [str(ours.pk)]
    both = a_user(Role.ADMIN, home, "both")
    with setting_the_scene():
        give_role(both, Role.ADMIN, elsewhere)
    assert set(ids(Caller(user=both).get(ALERTS))) == {str(ours.pk), str(theirs.pk)}


@pytest.mark.parametrize("how", ["", *(f"{act}/" for act in ACTS)])
def test_an_unknown_alert_and_anothers_are_the_same_404(
    anna: Caller, service: Service, how: str
) -> None:
    theirs = an_alert(an_organization("elsewhere"))
    for caller in (anna, service):
        method = "POST" if how else "GET"
        answers = [caller.call(method, f"{ALERTS}{key}/{how}") for key in (theirs.pk, uuid4())]
        assert answers[0].whole == answers[1].whole
        assert answers[0].status == 404
    assert not theirs.transitions.exclude(state="firing").exists()


def test_a_look_is_put_on_record(anna: Caller, home: Organization) -> None:
    alert = an_alert(home)
    anna.get(f"{ALERTS}?state=firing&page_size=5")
    anna.get(f"{ALERTS}{alert.pk}/")
    looks = Event.objects.filter(action="Logs Viewed", actor="anna").order_by("id")
    assert [look.details for look in looks] == [
        {"read": "alerts", "filters": {"state": "firing"}},
        {"read": f"alert {alert.pk}"},
    ]


# --- acting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "state", "action"),
    [
        ("acknowledge", "acknowledged", "Alert Acknowledged"),
        ("resolve", "resolved", "Alert Resolved"),
        ("silence", "silenced", "Alert Silenced"),
    ],
)
def test_a_person_acts_with_a_reason(
    anna: Caller, home: Organization, how: str, state: str, action: str
) -> None:
    alert = an_alert(home)
    answer = act(anna, alert, how, {"reason": "the router is restarted"})
    assert (answer.status, answer.json["state"]) == (200, state)
    step = answer.json["history"][-1]
    assert (step["state"], step["by"], step["reason"]) == (state, "anna", "the router is restarted")
    event = Event.objects.get(action=action)
    assert (event.actor, event.details["alert_id"]) == ("anna", str(alert.pk))
    assert anna.get(f"{ALERTS}{alert.pk}/").json == answer.json


@pytest.mark.parametrize("how", ACTS)
def test_a_service_acts_under_its_own_name(service: Service, home: Organization, how: str) -> None:
    answer = act(service, an_alert(home), how)
    assert answer.status == 200
    assert answer.json["history"][-1]["by"] == "service:dashboard"


@pytest.mark.parametrize("how", ACTS)
def test_a_body_is_not_needed(anna: Caller, home: Organization, how: str) -> None:
    for body, content_type in ((b"", ""), (b" ", "text/plain"), ({}, "application/json")):
        alert = an_alert(home)
        assert act(anna, alert, how, body, content_type=content_type).status == 200


@pytest.mark.parametrize("how", ACTS)
def test_what_is_resolved_stays_so(anna: Caller, home: Organization, how: str) -> None:
    alert = an_alert(home)
    act(anna, alert, "resolve")
    again = act(anna, alert, how)
    assert (again.status, again.json["code"]) == (409, "already_so")


def test_nothing_is_acknowledged_twice_and_a_silence_can_grow(
    anna: Caller, home: Organization
) -> None:
    alert = an_alert(home)
    assert act(anna, alert, "acknowledge").status == 200
    assert act(anna, alert, "acknowledge").json["code"] == "already_so"
    first = act(anna, alert, "silence").json["silenced_until"]
    assert act(anna, alert, "silence", {"for": "2 days"}).json["silenced_until"] > first


def test_a_silence_lasts_an_hour_or_as_long_as_is_said(anna: Caller, home: Organization) -> None:
    alert, now = an_alert(home), timezone.now()
    for body, lasts in (({}, 1), ({"for": "2 hours"}, 2)):
        act(anna, alert, "silence", body)
        until = Alert.objects.get().silenced_until
        assert until is not None
        assert abs(until - now - timedelta(hours=lasts)) < timedelta(minutes=5)
    named = (now + timedelta(days=3)).replace(microsecond=0)
    act(anna, alert, "silence", {"until": named.isoformat()})
    assert Alert.objects.get().silenced_until == named


@pytest.mark.parametrize(
    ("how", "body", "path", "code"),
    [
        ("acknowledge", [], "", "wrong_type"),
        ("acknowledge", b"{", "", "malformed_json"),
        ("acknowledge", {"by": "ben"}, "by", "unknown_field"),
        ("acknowledge", {"until": "2030-01-01T00:00:00Z"}, "until", "unknown_field"),
        ("resolve", {"reason": 5}, "reason", "wrong_type"),
        ("resolve", {"reason": None}, "reason", "wrong_type"),
        ("resolve", {"reason": "x" * 501}, "reason", "too_long"),
        ("silence", {"for": "a while"}, "for", "bad_period"),
        ("silence", {"for": "40 days"}, "until", "bad_until"),
        ("silence", {"until": "tomorrow"}, "until", "bad_timestamp"),
        ("silence", {"until": "2024-11-24 12:45"}, "until", "bad_timestamp"),
        ("silence", {"until": "2024-11-24T12:45:00Z"}, "until", "bad_until"),
        ("silence", {"until": "9999-12-31T23:59:59Z"}, "until", "bad_until"),
        ("silence", {"until": "2030-01-01T00:00:00Z", "for": "1 hour"}, "for", "bad_until"),
    ],
)
def test_a_bad_wish_changes_nothing(
    anna: Caller, home: Organization, how: str, body: Any, path: str, code: str
) -> None:
    alert = an_alert(home)
    answer = act(anna, alert, how, body)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert answer.json.get("path", "") == path
    assert Alert.objects.get().state == "firing"


def test_a_reason_that_speaks_of_a_sensitive_matter_is_withheld(
    anna: Caller, home: Organization
) -> None:
    shown = act(anna, an_alert(home), "acknowledge", {"reason": "harassment@organization.com"}).json
    assert shown["history"][-1]["reason"] == "withheld"


def test_a_person_acts_with_the_csrf_header_only(anna: Caller, home: Organization) -> None:
    alert = an_alert(home)
    anna.client.handler.enforce_csrf_checks = True
    assert act(anna, alert, "acknowledge").status == 403
    anna.client.cookies["csrftoken"] = "s" * 32
    anna.own_headers["X-CSRFToken"] = "s" * 32
    assert act(anna, alert, "acknowledge").status == 200
