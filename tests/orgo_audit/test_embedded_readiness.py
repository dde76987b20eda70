"""What a start still waits for is told in words, with the setting of a server that is not ours."""

from __future__ import annotations

import json

import pytest

from orgo_audit.embedded import readiness
from tests.portal import a_free_port


def body(**failed: str) -> str:
    checks = {name: {"state": "failed", "detail": detail} for name, detail in failed.items()}
    return json.dumps({"checks": {"policy": {"state": "ok", "detail": "fine"}, **checks}})


def test_nobody_answers() -> None:
    assert readiness.lacking(a_free_port()) == "web does not answer yet"


def test_the_failed_checks_alone_are_told() -> None:
    assert readiness.told(body(cache="ConnectionError")) == "cache: ConnectionError"


def test_an_operators_own_server_is_named_by_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL_FILE", "/broker")
    told = readiness.told(body(cache="ConnectionError", broker="OSError"))
    assert told == "cache: ConnectionError; broker: OSError, see CELERY_BROKER_URL"


@pytest.mark.parametrize("strange", ["<html>", "[]", "{}", '{"checks": 5}', '{"checks": {"a": 1}}'])
def test_a_strange_answer_is_told_as_it_is(strange: str) -> None:
    assert readiness.told(strange) == f"/readyz says {strange}"
