"""Metrics: what was stored, and nothing about anybody."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Role
from tests.builders import API, PATH_OF, Caller, Service, Vault, a_user, an_organization, wire_event
from tests.commands import run as run_command
from tests.portal import PROJECT

pytestmark = pytest.mark.django_db

PLANTED = "planted-jane-roe"


def metrics() -> str:
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.content.decode()


def value(name: str, text: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("log_type", LogType)
def test_stored_events_are_counted_by_log(
    log_type: LogType, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    name = f'orgo_audit_events_stored_total{{log_type="{log_type.value}"}}'
    before = value(name, metrics())
    service = Service(an_organization())
    with django_capture_on_commit_callbacks(execute=True):
        service.deliver(*[wire_event(log_type)] * 3, log_type=log_type)
    assert value(name, metrics()) == before + 3


@pytest.mark.parametrize("log_type", LogType)
def test_each_log_is_counted_from_nothing_on(log_type: LogType) -> None:
    told = run_in_a_new_process("from logs import metrics; print(generate_latest().decode())")
    assert f'orgo_audit_events_stored_total{{log_type="{log_type.value}"}} 0.0' in told


def run_in_a_new_process(code: str) -> str:
    words = [sys.executable, "-c", f"from prometheus_client import generate_latest; {code}"]
    return subprocess.run(words, check=True, cwd=PROJECT, capture_output=True, text=True).stdout


def test_own_names_begin_with_ours() -> None:
    names = set(re.findall(r"^# HELP (\S+)", metrics(), re.MULTILINE))
    foreign = ("django_", "python_", "process_")
    assert all(name.startswith(("orgo_", *foreign)) for name in names)


def test_what_processes_add_up_are_counters() -> None:
    """A gauge of several processes has no sum: what is asked of the database has another door."""
    told = run_in_a_new_process("from logs import metrics; print(generate_latest().decode())")
    kinds = dict(re.findall(r"^# TYPE (orgo_\S+) (\S+)$", told, re.MULTILINE))
    assert kinds
    assert {kind for name, kind in kinds.items() if not name.endswith("_created")} == {"counter"}


def test_no_person_task_or_place_is_in_any_metric(vault: Vault) -> None:
    organization = an_organization(PLANTED)
    service = Service(organization, name=PLANTED)
    service.deliver(
        wire_event(user=PLANTED, task_id=PLANTED, action=PLANTED),
        wire_event(identities=PLANTED),
        wire_event(task_id=5, note=PLANTED),
    )
    service.get(f"{API}/traces/{PLANTED}/")
    service.get(PATH_OF[LogType.ACTIVITY], {"user": PLANTED})
    service.get(f"{API}/{PLANTED}/")
    service.get(f"/{PLANTED}/")
    service.call(PLANTED.upper(), PATH_OF[LogType.ACTIVITY])
    Caller(user=a_user(Role.ADMIN, organization, PLANTED)).get(f"/admin/{PLANTED}/")
    Client().post("/sign-in/", {"username": PLANTED, "password": PLANTED})
    assert PLANTED not in metrics().lower()


@pytest.mark.parametrize(
    ("token", "content_type", "status"),
    [("unknown", "application/json", 401), ("", "text/plain", 415)],
)
def test_a_delivery_of_which_nothing_is_kept_is_counted_by_its_status(
    token: str, content_type: str, status: int
) -> None:
    name = (
        "django_http_responses_total_by_status_view_method_total"
        f'{{method="POST",status="{status}",view="activity-logs"}}'
    )
    before = value(name, metrics())
    service = Service(an_organization())
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = service.deliver(wire_event(), content_type=content_type, headers=headers)
    assert answer.status == status
    assert value(name, metrics()) == before + 1


MAILS = "orgo_emails_received_total"
Run = Callable[[Service], None]


def deliver(*events: dict[str, Any]) -> Run:
    def run(service: Service) -> None:
        service.deliver(*events)

    return run


ROUTED = wire_event(action="Task Routed")
MAIL = wire_event(action="Email Received")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (deliver(MAIL, MAIL), {MAILS: 2}),
        (deliver(ROUTED), {'orgo_tasks_routed_total{outcome="success"}': 1}),
        (
            deliver(ROUTED | {"status": "Failed"}),
            {'orgo_tasks_routed_total{outcome="failure"}': 1},
        ),
        (
            deliver(ROUTED | {"status": "who knows"}),
            {'orgo_tasks_routed_total{outcome="unknown"}': 1},
        ),
        (deliver(MAIL | {"source": "health_check"}, ROUTED | {"source": "health_check"}), {}),
        (deliver(MAIL | {"user": 5}, MAIL | {"workflow": "harassment"}), {}),
    ],
    ids=["mails", "routed", "failed", "unclear", "test mails", "refused and sealed"],
)
def test_mails_and_routings_are_counted_but_for_test_mails(
    vault: Vault,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    run: Run,
    expected: dict[str, float],
) -> None:
    before = flow()
    with django_capture_on_commit_callbacks(execute=True):
        run(Service(an_organization()))
    after = flow()
    assert {name: after[name] - before[name] for name in after} == dict.fromkeys(
        after, 0
    ) | expected


@pytest.mark.usefixtures("as_worker")
def test_what_is_imported_is_no_traffic(
    tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    an_organization("north")
    file = tmp_path / "old.ndjson"
    file.write_text(json.dumps(MAIL | {"log_type": "activity"}) + "\n")
    before = flow()
    with django_capture_on_commit_callbacks(execute=True):
        run_command("import_logs", str(file), "--organization", "north")
    assert flow() == before


def flow() -> dict[str, float]:
    outcomes = ("success", "failure", "denied", "unknown")
    names = [MAILS, *(f'orgo_tasks_routed_total{{outcome="{each}"}}' for each in outcomes)]
    text = metrics()
    return {name: value(name, text) for name in names}
