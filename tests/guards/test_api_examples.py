"""Every example of the documentation is sent, and gets the answer that it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from logs.api.case_examples import CASE_EXAMPLES, CASE_IDS
from logs.api.examples import IDS, REFUSED_ITEM, SENT
from logs.api.retention_examples import RETENTION_EXAMPLES, RETENTION_IDS
from logs.api.schema import OPERATIONS as LOGS_OPERATIONS
from logs.record.vocabulary import LogType
from monitoring.api.examples import ALERT_ID, MONITORING_EXAMPLES, TASK_ID
from monitoring.api.schema import OPERATIONS as MONITORING_OPERATIONS
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit import api_docs
from orgo_audit.accounts.models import Role, Scope, User
from orgo_audit.api_schema import Example
from tests.alerts import FIRED, a_broker, an_alert
from tests.builders import (
    API,
    Answer,
    Caller,
    Service,
    a_refused_item,
    a_user,
    an_organization,
    setting_the_scene,
    stored,
)
from tests.logs.vault.scene import a_scene
from tests.retention import a_certificate, a_hold
from tests.vault_at_hand import VaultAtHand

OPERATIONS = {**LOGS_OPERATIONS, **MONITORING_OPERATIONS}
OWN_IDS = IDS | CASE_IDS | RETENTION_IDS | {"alert": ALERT_ID}
EXAMPLES = {
    f"{operation.id}: {example.title}": (place, example)
    for place, operation in OPERATIONS.items()
    for example in operation.examples
}
SHOWN = (
    *("code", "path", "status", "title", "verdict", "discarded", "scope", "state"),
    *("alert", "task_id", "rule", "accepted", "dropped", "name", "asked"),
)

pytestmark = pytest.mark.django_db


class World:
    """An organization in which what the examples speak of has happened."""

    def __init__(self, *, filled: bool, vault: VaultAtHand | None = None) -> None:
        self.organization = an_organization("default")
        self.ids: dict[str, str] = {}
        self.scene = a_scene(vault, self.organization) if vault else None
        if self.scene:
            self.ids["case"] = str(self.scene.case.code)
            self.ids["granted"] = self.scene.granted()
            self.ids["pending"] = self.scene.reveal(views=2)
        item = a_refused_item(self.organization, source="email_parser", **REFUSED_ITEM)
        self.ids["item"] = str(item.pk)
        for log_type in LogType if filled else ():
            sent = SENT[log_type]
            (event,) = stored(self.organization, sent, log_type=log_type, source="email_parser")
            self.ids[log_type.value] = str(event.pk)

    def keep_something(self) -> None:
        """A hold, and a certificate of an older month."""
        hold, certificate = (
            a_hold(self.organization, value="12345"),
            a_certificate(self.organization, rows_held=0),
        )
        self.ids["hold"], self.ids["certificate"] = str(hold.pk), str(certificate.pk)

    def watch_something(self) -> None:
        """An alert of a task, and a disk that was looked at."""
        self.ids["alert"] = str(an_alert(self.organization, task_id=TASK_ID).pk)
        with setting_the_scene():
            HealthCheckResult.objects.create(
                name="disk", state="ok", started_at=FIRED, duration_ms=12, detail="all is well"
            )

    def send(self, method: str, example: Example) -> Answer:
        path = self.with_own_ids(example.path)
        scopes = [Scope.ALERTS] if path.endswith("/alertmanager/") else []
        caller: Caller = Service(self.organization, *scopes)
        if example.by_person:
            caller = Caller(user=self.person_for(path))
        body: Any = b"" if example.body is None else example.text.encode()
        if self.scene and path.endswith("/approve/"):
            body = {"assertion": self.scene.anna.sign(self.ids["pending"])}
        headers = dict(example.headers)
        return caller.call(method, path, body, content_type=example.media_type, headers=headers)

    def with_own_ids(self, text: str) -> str:
        for name, identifier in self.ids.items():
            text = text.replace(OWN_IDS[name], identifier)
        return text

    def person_for(self, path: str) -> User:
        if self.scene is None:
            return a_user(Role.ADMIN, self.organization)
        decides = path.endswith(("/challenge/", "/approve/", "/deny/"))
        return self.scene.anna.user if decides else self.scene.hr


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gets_the_answer_that_it_shows(
    name: str, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, example = EXAMPLES[name]
    method, path = place.split(" ")
    is_restricted = name.partition(":")[0] in CASE_EXAMPLES
    world = World(
        filled=not name.startswith("deliver"), vault=vault_at_hand if is_restricted else None
    )
    if name.partition(":")[0] in RETENTION_EXAMPLES:
        world.keep_something()
    if name.partition(":")[0] in MONITORING_EXAMPLES:
        a_broker(monkeypatch)
        world.watch_something()
    answer = world.send(method, example)
    assert answer.status == example.status, answer.content
    content = api_docs.document()["paths"][path][method.lower()]["responses"][str(answer.status)]
    assert answer.media_type in content["content"]
    if isinstance(example.answer, str):
        assert_same_lines(answer.content.decode(), example.answer)
        return
    schema = content["content"][answer.media_type]["schema"]
    assert_conforms(answer.json, schema)
    assert_conforms(example.answer, schema)
    assert shape(answer.json) == shape(example.answer)
    assert told(answer.json) == told(json.loads(world.with_own_ids(json.dumps(example.answer))))


def assert_conforms(value: Any, schema: dict[str, Any]) -> None:
    whole = schema | {"components": api_docs.document()["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def assert_same_lines(got: str, shown: str) -> None:
    assert len(got.splitlines()) == len(shown.splitlines())
    for line, expected in zip(got.splitlines(), shown.splitlines(), strict=True):
        if expected.startswith("{"):
            assert shape(json.loads(line)) == shape(json.loads(expected))
        else:
            assert line.count(",") == expected.count(",")
    assert got.splitlines()[0] == shown.splitlines()[0] or got.startswith("{")


def shape(value: Any) -> Any:
    """The keys of a value and the kinds of what they hold."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: answer[key] for key in SHOWN if key in answer}


@pytest.mark.parametrize("place", OPERATIONS)
def test_every_operation_has_an_example_that_succeeds(place: str) -> None:
    assert any(example.status < 300 for example in OPERATIONS[place].examples)


@pytest.mark.parametrize("log_type", LogType)
@pytest.mark.parametrize("prefix", ["Sent", "Mixed"])
def test_the_sent_shape_takes_the_events_of_the_contract(log_type: LogType, prefix: str) -> None:
    schema = {"$ref": f"#/components/schemas/{prefix}{log_type.value.title()}Event"}
    assert_conforms(SENT[log_type] | {"log_type": log_type.value}, schema)


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_person_discards_with_the_csrf_header_as_the_example_says(media_type: str) -> None:
    world = World(filled=False)
    caller = Caller(user=a_user(Role.ADMIN, world.organization))
    caller.client.handler.enforce_csrf_checks = True
    path, body = f"{API}/quarantine/{world.ids['item']}/discard/", {"reason": "a test"}
    assert caller.post(path, body, content_type=media_type).status == 403
    caller.client.cookies["csrftoken"] = "s" * 32
    caller.own_headers["X-CSRFToken"] = "s" * 32
    assert caller.post(path, body, content_type=media_type).status == 200
