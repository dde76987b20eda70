"""Rubbish and good data against every operation: no 5xx, and only answers that are documented."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from logs.api.case_examples import CASE_EXAMPLES
from logs.api.examples import SENT
from logs.api.schema import OPERATIONS as DOCUMENTED
from logs.record.vocabulary import LogType
from orgo_audit import api_docs
from orgo_audit.accounts.models import Organization, Role, Scope, User
from tests.alerts import a_broker, an_alert
from tests.builders import Caller, a_token, a_user, an_organization, stored
from tests.logs.vault.scene import Scene, a_scene
from tests.vault_at_hand import VaultAtHand

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("default"),  # of the libraries that make the data
]

OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in api_docs.document()["paths"].items()
    for method in methods
]
# Not whether good data is accepted: no schema can say that a time lies ahead of our clock.
CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 12
ALWAYS_GOOD = {
    "GET /api/v1/traces/{task_id}/",
    "GET /api/v1/retention/plan/",
    "GET /api/v1/health-checks/",
}


@contextmanager
def one_connection() -> Iterator[None]:
    """The test's transaction outlives each request, as with Django's own test client.

    Which connects these signals again after each call: so no call of it in here.
    """
    around = (request_started, request_finished)
    for signal in around:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in around:
            signal.connect(close_old_connections)


RESTRICTED = {place for place, operation in DOCUMENTED.items() if operation.id in CASE_EXAMPLES}


def person_for(place: str, organization: Organization, scene: Scene | None) -> User:
    """Whoever gets furthest at this address."""
    if scene is None:
        return a_user(Role.ADMIN, organization)
    decides = place.endswith(("/challenge/", "/approve/", "/deny/"))
    return scene.anna.user if decides else scene.hr


def credentials(
    who: str, place: str, organization: Organization, scene: Scene | None
) -> dict[str, dict[str, str]]:
    if who == "service":
        token = a_token(organization, *Scope, name="parser")
        return {"headers": {"Authorization": f"Bearer {token}"}}
    if who == "nobody":
        return {}
    session = (
        Caller(user=person_for(place, organization, scene)).client.cookies["orgo_session"].value
    )
    secret = "s" * 32
    cookies = {"orgo_session": session, "csrftoken": secret}
    return {"headers": {"X-CSRFToken": secret}, "cookies": cookies}


def without_security() -> dict[str, Any]:
    """Else made-up credentials would take the place of the caller's own."""
    document: dict[str, Any] = copy.deepcopy(api_docs.document())
    del document["components"]["securitySchemes"]
    for methods in document["paths"].values():
        for operation in methods.values():
            del operation["security"]
    return document


@pytest.mark.parametrize("who", ["service", "person", "nobody"])
@pytest.mark.parametrize(
    ("place", "mode"),
    [
        (place, mode)
        for place in OPERATIONS
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or place not in ALWAYS_GOOD
    ],
)
def test_no_data_breaks_an_operation(
    place: str,
    who: str,
    mode: GenerationMode,
    vault_at_hand: VaultAtHand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_broker(monkeypatch)
    organization = an_organization()
    scene = a_scene(vault_at_hand, organization) if place in RESTRICTED else None
    own = {"code": str(scene.case.code), "request_id": scene.reveal(label="Anon2")} if scene else {}
    if "{alert_id}" in place:
        own = {"alert_id": str(an_alert(organization).pk)}
    for log_type in LogType:
        stored(organization, SENT[log_type], log_type=log_type)
    known = credentials(who, place, organization, scene)
    method, path = place.split(" ")
    document = schemathesis.openapi.from_dict(without_security())
    document.app = WSGIHandler()
    operation = document[path][method]

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:  # an id of chance is nobody's
            known_ids = own.keys() & case.path_parameters.keys()
            case.path_parameters.update({name: own[name] for name in known_ids})
        answer = case.call_and_validate(base_url="http://localhost", checks=CHECKS, **known)
        assert who == "nobody" or answer.status_code != 401

    with one_connection():
        send()
