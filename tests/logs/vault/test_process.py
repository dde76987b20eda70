"""The vault's loop goes on: past questions that fail, and once the database is back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from logs.cases.errands import ask
from logs.vault import questions
from logs.vault.questions import Question
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Unavailable
from tests.builders import an_organization
from tests.logs.vault.running import a_running_vault
from tests.vault_at_hand import VaultAtHand


@pytest.fixture
def home(committed: None, tmp_path: Path, settings: Settings) -> Organization:
    VaultAtHand(tmp_path, settings)  # for its keys alone
    return an_organization()


def test_a_question_that_fails_does_not_end_the_vault(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(question: Question) -> dict[str, Any]:
        raise ValueError

    monkeypatch.setitem(questions._ANSWERERS, "fails", fails)
    monkeypatch.setitem(questions._ANSWERERS, "works", lambda question: dict(question.body))
    with a_running_vault() as thread:
        for word in ("first", "second"):
            with pytest.raises(Unavailable, match="cannot answer this"):
                ask("fails", home, {}, by=None)
            assert ask("works", home, {"word": word}, by=None) == {"word": word}
        assert thread.is_alive()


def test_a_vault_that_waits_survives_a_lost_connection(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(questions._ANSWERERS, "works", lambda question: dict(question.body))
    with a_running_vault() as thread:
        assert ask("works", home, {}, by=None) == {}
        with connections["vault"].cursor() as cursor:  # this thread's own, same login
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
            assert cursor.fetchall() == [(True,)]
        connections["vault"].close()
        assert ask("works", home, {}, by=None) == {}
        assert thread.is_alive()
