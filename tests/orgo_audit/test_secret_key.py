"""A lost or changed `ORGO_SECRET_KEY` is told, and nothing is stored that it would misjudge."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from logs.record.models import Event
from orgo_audit.accounts import secret_key
from tests.builders import Service, Vault, an_organization, setting_the_scene, wire_event

pytestmark = pytest.mark.django_db
TASK = "T-17"


@pytest.fixture
def service(vault: Vault) -> Service:
    """One whose task is known as sensitive, in a database that was prepared."""
    with setting_the_scene():
        secret_key.make_known()
    service = Service(an_organization())
    report = wire_event(task_id=TASK, identities={"reporter": "jane.roe@organization.com"})
    assert service.deliver(report).status == 202
    return service


def stored() -> int:
    return Event.objects.exclude(source="portal").count()


def under(settings: Settings, key: str) -> str:
    before: str = settings.SECRET_KEY
    settings.SECRET_KEY = key
    secret_key.forget_check()
    return before


def test_under_another_key_a_known_sensitive_task_is_not_stored_as_ordinary(
    service: Service, settings: Settings
) -> None:
    own = under(settings, "another")
    for _ in range(2):
        answer = service.deliver(wire_event(task_id=TASK))
        assert (answer.status, answer.json["code"]) == (503, "another_secret_key")
        assert "put its copy back" in answer.json["detail"]
    under(settings, own)
    answer = service.deliver(wire_event(task_id=TASK))
    assert (answer.status, answer.json["sealed"], stored()) == (202, 1, 0)


def test_what_speaks_of_nothing_waits_too_for_its_key_would_not_be_known_again(
    service: Service, settings: Settings
) -> None:
    under(settings, "another")
    assert service.deliver({"timestamp": "2026-11-24T10:00:00Z", "action": "Ping"}).status == 503
    assert stored() == 0


def test_a_key_that_was_accepted_is_known(service: Service, settings: Settings) -> None:
    under(settings, "another")
    with setting_the_scene():
        secret_key.make_known()
    assert service.deliver(wire_event()).status == 201


def test_a_database_that_was_never_prepared_knows_no_key() -> None:
    assert secret_key.is_known() is None
    assert Service(an_organization()).deliver(wire_event()).status == 201
