"""Alive and ready: what an operator's probe learns, and what it never does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from logs import interface
from logs.record import beats
from logs.record.models import Beat
from orgo_audit import health
from orgo_audit.accounts import secret_key
from tests.builders import setting_the_scene

CHECKED = {"database", "segments", "secret_key", "cache", "broker", "vault_key"}


@pytest.fixture
def all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECKS", dict.fromkeys(health.CHECKS, lambda: "embedded"))


def test_alive_asks_nobody(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("all_well")
def test_ready_names_every_dependency(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert set(answer.json()["checks"]) >= CHECKED
    assert {outcome["state"] for outcome in answer.json()["checks"].values()} == {"ok"}


@pytest.mark.usefixtures("all_well")
@pytest.mark.parametrize("broken", sorted(CHECKED))
def test_one_missing_dependency_is_503_and_named(client: Client, broken: str) -> None:
    def fail() -> str:
        raise ConnectionError("redis://user:hunter2@host refused jane.roe@organization.com")

    health.CHECKS[broken] = fail
    answer = client.get("/readyz")
    assert answer.status_code == 503
    states = {name: outcome["state"] for name, outcome in answer.json()["checks"].items()}
    assert [name for name, state in states.items() if state != "ok"] == [broken]
    assert "hunter2" not in answer.content.decode()
    assert "jane.roe" not in answer.content.decode()


def state_of(name: str) -> dict[str, str]:
    return health._outcome(health.CHECKS[name])


@pytest.mark.django_db
def test_the_database_and_its_months_are_there() -> None:
    assert state_of("database")["state"] == "ok"
    assert state_of("segments")["state"] == "ok"


@pytest.mark.django_db
def test_a_missing_month_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "missing_segments", lambda now: ["error-2026-12"])
    outcome = state_of("segments")
    assert outcome["state"] == "failed"
    assert "error-2026-12" in outcome["detail"]


def test_a_database_that_is_away_is_told_without_its_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: Any) -> None:
        raise DatabaseError("password of orgo_web refused")

    monkeypatch.setattr(health, "MigrationExecutor", away)
    outcome = state_of("database")
    assert outcome["state"] == "failed"
    assert "password" not in outcome["detail"]


@pytest.mark.usefixtures("all_well")
def test_what_stands_in_a_database_that_is_away_is_not_asked(client: Client) -> None:
    def away() -> str:
        raise DatabaseError

    def asked() -> str:
        raise AssertionError("nobody answers")

    health.CHECKS |= {"database": away} | dict.fromkeys(health.IN_DATABASE, asked)
    checks = client.get("/readyz").json()["checks"]
    assert checks["database"] == {"state": "failed", "detail": "DatabaseError"}
    assert not checks.keys() & health.IN_DATABASE
    assert "cache" in checks


@pytest.mark.django_db
def test_a_statement_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(now: datetime) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")
        return []

    monkeypatch.setattr(health, "LIMIT_SECONDS", 1)
    monkeypatch.setattr(interface, "missing_segments", hangs)
    assert state_of("segments") == {"state": "failed", "detail": "OperationalError"}
    assert state_of("database")["state"] == "ok"


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """A server that takes connections and never answers, as one that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()


@pytest.mark.django_db
def test_a_database_that_hangs_is_not_waited_for(
    silent: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = silent
    told = connection.get_connection_params() | {"host": host, "port": port}
    monkeypatch.setattr(connection, "get_connection_params", lambda: told)
    assert state_of("database") == {"state": "failed", "detail": "ConnectionTimeout"}


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_a_broker_that_hangs_is_not_waited_for(
    silent: tuple[str, int], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = silent
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"{kind}://{host}:{port}//")
    assert state_of("broker")["state"] == "failed"


@pytest.mark.django_db
def test_whether_the_key_is_the_one_of_this_database_is_told(settings: Settings) -> None:
    assert "never prepared" in state_of("secret_key")["detail"]
    with setting_the_scene():
        secret_key.make_known()
    assert state_of("secret_key")["state"] == "ok"
    settings.SECRET_KEY = "another"
    outcome = state_of("secret_key")
    assert outcome["state"] == "failed"
    assert "put its copy back" in outcome["detail"]


@pytest.mark.django_db
def test_a_worker_that_does_nothing_is_late_and_one_that_works_is_not() -> None:
    assert state_of("periodic_work")["state"] == "late"
    with setting_the_scene():
        beats.watch(timezone.now())
    assert state_of("periodic_work")["state"] == "ok"
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert state_of("periodic_work")["state"] == "late"


@pytest.mark.django_db
def test_why_the_vault_is_away_is_told_and_makes_nobody_unready() -> None:
    assert state_of("vault")["state"] == "late"
    with setting_the_scene():
        beats.leave(Beat.Process.VAULT, timezone.now(), "The keyring is damaged.")
    assert state_of("vault")["detail"].endswith("The keyring is damaged.")
    with setting_the_scene():
        beats.leave(Beat.Process.VAULT, timezone.now())
    assert state_of("vault") == {"state": "ok", "detail": "open"}


@pytest.mark.parametrize(("key", "state"), [("", "failed"), ("-----BEGIN", "ok")])
def test_without_the_vaults_key_we_are_not_ready(settings: Settings, key: str, state: str) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = key
    assert state_of("vault_key")["state"] == state


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.usefixtures("all_well")
def test_a_probes_answer_is_kept_in_no_cache(client: Client, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"
