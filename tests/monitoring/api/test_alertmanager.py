"""Alertmanager's webhook at its door: taken in once, resolved, withheld, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from monitoring.alerting import alerts
from monitoring.alerting.models import Alert, AlertTransition
from orgo_audit.accounts.models import Organization, Scope
from orgo_audit.api_bodies import MAX_BODY_BYTES
from tests.builders import API, Answer, Caller, Service, Vault, an_organization, stored, wire_event
from tests.shared_data import SHARED_DATA

DOOR = f"{API}/alerts/alertmanager/"
SAMPLES = SHARED_DATA.parent / "observability" / "data" / "alertmanager-webhook-v4-samples.json"


@pytest.fixture
def alertmanager(home: Organization) -> Service:
    return Service(home, Scope.ALERTS, name="alertmanager")


def told(fingerprint: str = "c0ffee", **changed: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
        "annotations": {"summary": "the disk is full"},
        "fingerprint": fingerprint,
    } | changed


def tell(caller: Caller, *every: dict[str, Any]) -> Answer:
    return caller.post(DOOR, {"version": "4", "alerts": list(every)})


def test_a_firing_alert_is_listed_as_our_own_are(alertmanager: Service, service: Service) -> None:
    answer = tell(alertmanager, told())
    assert (answer.status, answer.json) == (200, {"accepted": 1, "dropped": 0})
    [shown] = service.get(f"{API}/alerts/").json["results"]
    assert (shown["alert"], shown["rule"], shown["severity"], shown["state"]) == (
        *("DiskFull", "alertmanager", "critical", "firing"),
    )
    assert shown["facts"]["summary"] == "the disk is full"
    assert "task_id" not in shown


def test_the_blueprints_words_come_first(alertmanager: Service, service: Service) -> None:
    labels = {"alertname": "OrgoEscalationPending", "task_id": "56789", "name": "x"}
    words = {"alert": "Task Escalation Pending", "escalation_time": "2 hours"}
    tell(alertmanager, told(labels=labels, annotations=words))
    [shown] = service.get(f"{API}/alerts/").json["results"]
    assert list(shown.items())[:3] == [
        ("alert", "Task Escalation Pending"),
        ("task_id", "56789"),
        ("escalation_time", "2 hours"),
    ]
    assert shown["facts"]["name"] == "x"


def test_said_again_it_stays_one(alertmanager: Service) -> None:
    for _ in range(3):
        assert tell(alertmanager, told(), told()).status == 200
    assert list(AlertTransition.objects.values_list("state", flat=True)) == ["firing"]


def test_it_resolves_once_and_fires_anew(alertmanager: Service) -> None:
    over = told(status="resolved")
    for one in (over, told(), over, over, told()):
        assert tell(alertmanager, one).json["accepted"] == 1
    assert sorted(Alert.objects.values_list("state", flat=True)) == ["firing", "resolved"]


def test_our_own_alerts_are_dropped(alertmanager: Service) -> None:
    answer = tell(alertmanager, told(labels={"alertname": "X", "orgo": "portal"}), told())
    assert answer.json == {"accepted": 1, "dropped": 1}
    assert Alert.objects.get().name == "DiskFull"


def test_an_organization_resolves_nothing_of_another(alertmanager: Service) -> None:
    tell(alertmanager, told())
    tell(Service(an_organization("elsewhere"), Scope.ALERTS), told(status="resolved"))
    assert Alert.objects.get().state == "firing"


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not on this machine")
def test_what_a_real_alertmanager_sent_is_taken_in(alertmanager: Service) -> None:
    for sample in json.loads(SAMPLES.read_text(encoding="utf-8")):
        answer = alertmanager.post(DOOR, sample["body"])
        assert answer.status == 200
        taken = answer.json["accepted"] + answer.json["dropped"]
        assert taken == len(sample["body"]["alerts"])
    assert Alert.objects.exists()


@pytest.mark.parametrize(
    "sign",
    [
        {"workflow": "harassment"},
        {"mailbox": "harassment@organization.com"},
        {"reported_user": "john.doe@organization.com"},
        {"task_id": "S1"},
    ],
)
def test_what_a_service_may_not_say_in_the_open_is_withheld(
    alertmanager: Service, home: Organization, vault: Vault, sign: dict[str, str]
) -> None:
    stored(home, wire_event(task_id="S1", identities={"reporter": "jane.roe@organization.com"}))
    labels = {"alertname": "Jane waits", "severity": "warning", "john.doe": "1", **sign}
    assert tell(alertmanager, told(labels=labels), told("other")).json["accepted"] == 2
    withheld = Alert.objects.get(subject="c0ffee")
    assert (withheld.name, withheld.severity) == ("Alert (withheld)", "warning")
    assert (withheld.told, withheld.task_id) == ({}, None)
    assert Alert.objects.get(subject="other").name == "DiskFull"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_input"),
        (b"no json", "bad_input"),
        ([], "bad_input"),
        ({"version": "3", "alerts": []}, "unknown_version"),
        ({"version": "4"}, "wrong_type"),
        ({"version": "4", "alerts": [told(status="perhaps")]}, "bad_status"),
        (b" " * (MAX_BODY_BYTES + 1), "too_large"),
    ],
)
def test_what_is_no_webhook_is_refused(alertmanager: Service, body: Any, code: str) -> None:
    answer = alertmanager.post(DOOR, body)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert answer.media_type == "application/problem+json"
    assert not Alert.objects.exists()


def test_many_cost_no_more_queries_than_few(alertmanager: Service) -> None:
    tell(alertmanager, told())  # what a process learns once it remembers
    costs = []
    for count in (3, 60):
        every = [told(f"{count}-{number}") for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            tell(alertmanager, *every)
        costs.append(len(captured))
    assert costs[0] == costs[1]


def test_where_the_database_is_away_alertmanager_is_asked_to_retry(
    alertmanager: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(alerts, "take_in", away)
    answer = tell(alertmanager, told())
    assert (answer.status, answer.json["code"]) == (503, "database_away")


def test_a_token_without_the_scope_and_a_person_are_refused(anna: Caller, service: Service) -> None:
    answers = [(tell(caller, told())) for caller in (anna, service)]
    assert [(one.status, one.json["code"]) for one in answers] == [
        (403, "token_needed"),
        (403, "scope_missing"),
    ]
    assert not Alert.objects.exists()
