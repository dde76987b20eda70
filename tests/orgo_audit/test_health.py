"""Alive and ready: what an operator's probe learns, and what it never does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from logs import interface
from orgo_audit import health

CHECKED = {"database", "segments", "cache", "broker", "vault_key"}


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
        raise ConnectionError("redis://user:secret@host refused jane.roe@organization.com")

    health.CHECKS[broken] = fail
    answer = client.get("/readyz")
    assert answer.status_code == 503
    states = {name: outcome["state"] for name, outcome in answer.json()["checks"].items()}
    assert [name for name, state in states.items() if state != "ok"] == [broken]
    assert "secret" not in answer.content.decode()
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


@pytest.mark.parametrize(("key", "state"), [("", "failed"), ("-----BEGIN", "ok")])
def test_without_the_vaults_key_we_are_not_ready(settings: Settings, key: str, state: str) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = key
    assert state_of("vault_key")["state"] == state


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.usefixtures("all_well")
def test_a_probes_answer_is_kept_in_no_cache(client: Client, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"
