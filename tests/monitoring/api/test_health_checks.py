"""Health checks over the API: the last result of each, and the wish for another run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring import tasks
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit.policy.schema import HealthChecks
from tests.alerts import FIRED, a_broker
from tests.builders import API, Caller, Service, setting_the_scene
from tests.policies import in_force

CHECKS = f"{API}/health-checks/"


def a_result(name: str, state: str, *, hours: int = 0) -> None:
    with setting_the_scene():
        HealthCheckResult.objects.create(
            name=name,
            state=state,
            started_at=FIRED + timedelta(hours=hours),
            duration_ms=12,
            detail=f"it is {state}",
        )


def test_every_check_is_listed_with_its_last_result(anna: Caller, service: Service) -> None:
    a_result("disk", "failed")
    a_result("disk", "ok", hours=1)
    a_result("cache", "skipped")
    answer = anna.get(CHECKS)
    found = {one["name"]: one for one in answer.json["results"]}
    assert set(found) == set(HealthChecks.__struct_fields__)
    assert found["disk"] == {
        "name": "disk",
        "state": "ok",
        "every": "daily",
        "last_run": "2024-11-24T13:45:00Z",
        "detail": "it is ok",
        "duration_ms": 12,
    }
    assert (found["cache"]["state"], found["cache"]["every"]) == ("skipped", "weekly")
    never = found["database"]
    assert (never["state"], never["every"], never["last_run"]) == ("never", "monthly", None)
    assert service.get(CHECKS).json == answer.json


def test_the_policy_says_how_often(anna: Caller) -> None:
    in_force("health_checks: {disk: weekly}")
    found = {one["name"]: one["every"] for one in anna.get(CHECKS).json["results"]}
    assert (found["disk"], found["clock"]) == ("weekly", "daily")


def test_the_worker_is_asked_for_a_run(
    anna: Caller, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = a_broker(monkeypatch)
    a_result("disk", "failed")
    answer = anna.post(f"{CHECKS}disk/run/", b"")
    assert (answer.status, answer.json["asked"], answer.json["state"]) == (202, True, "failed")
    service.post(f"{CHECKS}cache/run/", {})
    name = tasks.run_health_check.name
    assert given == [(name, ("disk", True)), (name, ("cache", True))]


@pytest.mark.parametrize("name", ["nothing", "restore_drill", "Disk"])
def test_an_unknown_check_is_not_found(
    anna: Caller, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = a_broker(monkeypatch)
    assert anna.post(f"{CHECKS}{name}/run/", b"").status == 404
    assert given == []


def test_where_the_broker_is_away_it_is_said(anna: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "nudge", lambda *_: False)
    answer = anna.post(f"{CHECKS}disk/run/", b"")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")


def test_neither_parameters_nor_a_body_are_taken(anna: Caller) -> None:
    assert anna.get(f"{CHECKS}?name=disk").json["code"] == "unknown_parameter"
    assert anna.post(f"{CHECKS}disk/run/", {"now": True}).json["code"] == "unexpected_body"
