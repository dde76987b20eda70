"""A cast of people goes through every door; then all that anybody can reach is searched."""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection
from django.utils import timezone
from psycopg import sql
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from logs.cases import notices
from logs.cases.models import Case, CaseEvent
from logs.cases.role import as_hr
from logs.record import reclassification
from logs.record.vocabulary import LogType
from orgo_audit import grants
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.celery import app
from orgo_audit.paging import Cursor
from tests.builders import PATH_OF, Answer, Service, a_user, setting_the_scene
from tests.canaries import (
    CASE_ID,
    CAST,
    EMAIL_ID,
    FREE_TEXT,
    MOMENT,
    TASK_ID,
    TRACES,
    texts_of,
    traces_in,
)
from tests.guards import test_permission_matrix as matrix
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
world = matrix.world
ZYXANDRA, WOLFRAM, LUCJA = CAST
NDJSON = "application/x-ndjson"
TIME = f"2024-11-24T{MOMENT}Z"


def sensitive_events() -> Iterator[dict[str, Any]]:
    """By every sign that the door knows, well-formed and not, with people at every depth."""
    base = {"timestamp": TIME, "case_id": CASE_ID, "reason": f"{FREE_TEXT}, {ZYXANDRA.name}"}
    people = {
        "reporter": f"{ZYXANDRA.name} <{ZYXANDRA.email}>",
        "reported_user": {"name": WOLFRAM.name, "email": WOLFRAM.email, "phone": WOLFRAM.phone},
        "witness": [LUCJA.email, LUCJA.name],
    }
    report = base | {"action": "Report Filed", "workflow": "harassment", "identities": people}
    yield report
    yield report | {"action": f"{WOLFRAM.name} accused", "status": ZYXANDRA.email}
    yield report | {"ip_address": ZYXANDRA.address, "user": WOLFRAM.email, "from": LUCJA.email}
    yield report | {"details": {ZYXANDRA.email: {LUCJA.name: [FREE_TEXT]}}}
    yield report | {"identities": {ZYXANDRA.email: "reporter", WOLFRAM.name: "reported_user"}}
    yield report | {"workflow": ZYXANDRA.name}
    yield report | {"timestamp": ZYXANDRA.name}
    yield report | {"task_id": [WOLFRAM.email]}
    yield base | {"action": "Task Routed", "nested": [{"Accused": WOLFRAM.email}]}
    yield base | {"action": "Task Routed", "to": "HARASSMENT+case@organization.com"}
    yield base | {"action": "Task Routed", "task_id": TASK_ID, "email_id": EMAIL_ID} | people
    yield base | {"action": "Task Routed", "task_id": TASK_ID, "user": LUCJA.email}


def deliver_everywhere(service: Service) -> None:
    events = list(sensitive_events())
    doors: list[tuple[LogType | None, str]] = [*PATH_OF.items(), (None, "/api/v1/logs/")]
    for log_type, path in doors:
        told = [
            event
            | ({"log_type": "security"} if log_type is None else {})
            | ({"error": event["action"]} if log_type is LogType.ERROR else {})
            for event in events
        ]
        lines = "\n".join(map(json.dumps, told)).encode()
        packed = {"Content-Encoding": "gzip"}
        answers = [
            *(service.post(path, event) for event in told),
            service.post(path, gzip.compress(lines), content_type=NDJSON, headers=packed),
            service.post(path, lines[:-40], content_type=NDJSON),
            service.post(path, json.dumps(told).encode()[:-1]),
            service.post(path, told, headers={"Idempotency-Key": "k"}),
            service.post(path, told[:1], headers={"Idempotency-Key": "k"}),
        ]
        for answer in answers:
            assert_clean(answer, "a receipt")


def tell_of_alerts(home: Organization) -> None:
    """As Alertmanager would, of whom and of what nobody may read in the open."""
    signs = {"workflow": "harassment"}, {"task_id": TASK_ID}, {"reported_user": WOLFRAM.email}
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": f"{ZYXANDRA.name} waits", LUCJA.email: "1", **sign},
            "annotations": {"summary": FREE_TEXT, "who": WOLFRAM.email},
            "fingerprint": f"{number:016x}",
        }
        for number, sign in enumerate(signs)
    ]
    door = Service(home, Scope.ALERTS, name="alertmanager")
    answer = door.post("/api/v1/alerts/alertmanager/", {"version": "4", "alerts": alerts})
    assert (answer.status, answer.json["accepted"]) == (200, len(signs))
    assert_clean(answer, "an answer to Alertmanager")


def assert_clean(answer: Answer, place: str, *, besides: str = "") -> None:
    content = answer.content
    if answer.headers.get("Content-Encoding") == "gzip":
        content = gzip.GzipFile(fileobj=io.BytesIO(content)).read()
    if besides:
        content = content.replace(besides.encode(), b"")
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    assert traces_in(content, headers) == set(), place


@pytest.fixture
def told_by_logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that would go to Celery's broker, arguments and headers; nothing goes there."""
    given: list[bytes] = []

    def keep(producer: object, name: str, message: object, **options: object) -> None:
        given.append(repr((name, message, options)).encode())

    monkeypatch.setattr(app.amqp, "send_task_message", keep)
    return given


@pytest.fixture
def stage(
    world: matrix.World,
    vault_at_hand: VaultAtHand,
    told_by_logs: pytest.LogCaptureFixture,
    messages: list[bytes],
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> matrix.World:
    """The cast has been everywhere: an ordinary task of theirs has become sensitive as well."""
    home = world.organization
    service = Service(home, name="canary_service")
    early = {"timestamp": TIME, "action": "Task Routed", "task_id": TASK_ID, "reason": FREE_TEXT}
    service.deliver(
        early | {"user": ZYXANDRA.email, "ip_address": WOLFRAM.address},
        early | {"email_id": EMAIL_ID, "from": LUCJA.email},
        early | {"user": 5, "to": WOLFRAM.email},
    )
    with django_capture_on_commit_callbacks(execute=True):
        deliver_everywhere(service)
        tell_of_alerts(home)
    with setting_the_scene():
        reclassification.run()
    vault_at_hand.drain()
    for role in Role:
        a_user(role, home)
    settings.EMAIL_URL = "smtp://localhost"
    with setting_the_scene():
        User.objects.filter(email="").update(email="somebody@organization.com")
        notices.send_waiting(timezone.now() + timedelta(minutes=1))
    return world


def everything_answered(
    stage: matrix.World, who: str, queries: tuple[str, ...]
) -> Iterator[tuple[str, Answer]]:
    caller = stage.caller(who)
    with the_vaults_rights():
        own = Case.objects.filter(organization=stage.organization)
        codes = [str(code) for code in own.values_list("pk", flat=True)]
    assert len(codes) > 1, "nothing to page through"
    for row in matrix.MATRIX:
        if row.route == "sign-out/":
            continue
        for code in codes if "{case}" in row.path else [stage.places["case"]]:
            path = row.path.format(**stage.places | {"case": code})
            answer = caller.call(row.method, path, matrix.body_for(row))
            yield f"{row.method} {path}", answer
            if row.method == "GET":
                for query in queries if answer.status == 200 else (ALL_AT_ONCE,):
                    yield f"GET {path}?{query}", caller.call("GET", f"{path}?{query}")


# Parameters that might call something up; the values themselves are no trace of the cast. Whoever
# has nothing at an address asks once, with all of them.
QUERIES = (
    "page_size=500",
    "page_size=1",
    "format=csv",
    "format=ndjson&count=true",
    "workflow=harassment",
    "o=1",
)
ALL_AT_ONCE = "page_size=1&format=csv&count=true&workflow=harassment&o=1"
# The crawl is long: with the marked tests everybody asks everything.
EVERY_TIME = ("user",)
TURN_PAGES = ("admin", "hr_manager", "read")


@pytest.mark.parametrize(
    ("who", "queries"),
    [
        *(pytest.param(who, ("page_size=1", ALL_AT_ONCE), id=who) for who in EVERY_TIME),
        *(
            pytest.param(who, QUERIES, id=f"{who}-whole", marks=pytest.mark.long)
            for who in matrix.COLUMNS
        ),
    ],
)
def test_no_answer_to_anybody_shows_a_trace(
    stage: matrix.World,
    who: str,
    queries: tuple[str, ...],
    told_by_logs: pytest.LogCaptureFixture,
    messages: list[bytes],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    seen = cursors = 0
    with django_capture_on_commit_callbacks(execute=True):
        for place, answer in everything_answered(stage, who, queries):
            # A custodian reads masked texts, to decide what HR may read: words, and no person.
            is_for_reading = who == "custodian" and "/cases/texts/" in place
            assert_clean(answer, f"{who}: {place}", besides=FREE_TEXT if is_for_reading else "")
            seen += answer.status == 200
            cursors += b"cursor=" in answer.content
    assert seen > 5
    assert cursors > 0 or who not in TURN_PAGES
    assert traces_in(*messages) == set()
    assert_logs_clean(told_by_logs)


def assert_logs_clean(told: pytest.LogCaptureFixture) -> None:
    assert traces_in(*{f"{one.getMessage()}\n{vars(one)!r}" for one in told.records}) == set()


def readable_tables() -> Iterator[tuple[str, str]]:
    for table, rights in grants.TABLES.items():
        for role, right in zip(("web", "worker"), rights, strict=False):
            if "SELECT" in right and "SELECT (" not in right:
                yield role, table
    for table, (hr, worker, _) in grants.RESTRICTED.items():
        if "SELECT" in hr:
            yield "hr", table
        if "SELECT" in worker:
            yield "worker", table


def rows_of(role: str, table: str) -> list[tuple[object, ...]]:
    around = {"web": None, "worker": setting_the_scene, "hr": as_hr}[role]
    schema, _, name = table.rpartition(".")
    statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema or "public", name))
    with connection.cursor() as cursor:
        if around is None:
            cursor.execute(statement)
            return list(cursor.fetchall())
        with around():
            cursor.execute(statement)
            return list(cursor.fetchall())


def test_no_table_that_the_portal_may_read_holds_a_trace(stage: matrix.World) -> None:
    looked_into = 0
    for role, table in readable_tables():
        assert traces_in(*texts_of(rows_of(role, table))) == set(), f"{table} as {role}"
        looked_into += 1
    assert looked_into > 40


def test_neither_logs_nor_mails_nor_metrics_hold_a_trace(
    stage: matrix.World, told_by_logs: pytest.LogCaptureFixture
) -> None:
    assert_logs_clean(told_by_logs)
    assert mail.outbox
    assert traces_in(*(message.message().as_bytes() for message in mail.outbox)) == set()
    assert_clean(stage.caller("nobody").get("/metrics"), "metrics")


def test_no_message_to_a_worker_holds_a_trace(
    stage: matrix.World,
    messages: list[bytes],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        admin, version = stage.caller("admin"), stage.places["version"]
        admin.client.post(f"/admin/policy/policyversion/{version}/decide/", {"accept": "yes"})
    assert any(b"logs.tasks.sync_grants" in message for message in messages)
    assert traces_in(*messages) == set()


def test_the_databases_own_log_holds_no_trace(stage: matrix.World, settings: Settings) -> None:
    statement = "INSERT INTO accounts_servicetoken SELECT * FROM accounts_servicetoken"
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="duplicate key"):
        cursor.execute(f"{statement} WHERE name <> %s", [ZYXANDRA.email])
    logs = [file.read_bytes() for file in Path(settings.ORGO_HOME).rglob("*.log")]
    assert traces_in(*logs) == set()


# --- the test itself can fail -------------------------------------------------------------------


def test_planted_traces_are_found(stage: matrix.World) -> None:
    planted = (ZYXANDRA.email, WOLFRAM.name.upper(), FREE_TEXT, MOMENT)
    with the_vaults_rights():
        CaseEvent.objects.filter(case=stage.scene.case).update(released_text=" ".join(planted))
    answers = everything_answered(stage, "hr_manager", QUERIES)
    assert any(traces_in(*planted) <= traces_in(answer.content) for _, answer in answers)


def test_a_trace_in_a_cursor_is_found(stage: matrix.World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = base64.urlsafe_b64encode(b'["lucja"]').decode()
    monkeypatch.setattr(Cursor, "as_text", lambda self: planted)
    answer = stage.caller("hr_manager").get("/api/v1/cases/?page_size=1")
    assert traces_in(answer.content) == traces_in("lucja")


def test_a_trace_in_a_message_is_found(messages: list[bytes]) -> None:
    app.send_task("a task", [{"who": [LUCJA.name]}])
    assert traces_in(*messages) >= traces_in(LUCJA.name)


def test_every_spelling_is_found() -> None:
    for trace in TRACES:
        assert traces_in(b"x" + trace + b"y")
