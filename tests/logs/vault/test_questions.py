"""A question that fails is forgotten, nothing of it is told, and the next ones are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from logs.cases import errands as asked
from logs.cases.models import Errand
from logs.cases.role import as_hr
from logs.vault import answering, questions
from logs.vault.questions import Answerer, Question
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Unavailable
from tests.builders import an_organization
from tests.custodians import a_custodian
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

NAME = "jane.roe@organization.com"


def fails(question: Question) -> dict[str, Any]:
    raise ValueError(question.text("person"))


def answers_with_what_no_answer_holds(question: Question) -> dict[str, Any]:
    return {"person": object()}


def finds_the_database_away(question: Question) -> dict[str, Any]:
    raise OperationalError("the connection is closed")


@pytest.fixture
def home(vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """Here the vault answers as its loop does: all that waits, in its order."""
    home = an_organization()

    def answer_all(errand: Errand) -> None:
        with the_vaults_rights():
            answering.answer_all()

    monkeypatch.setattr(vault_at_hand, "answer", answer_all)
    return home


def known(monkeypatch: pytest.MonkeyPatch, answerer: Answerer) -> None:
    monkeypatch.setitem(questions._ANSWERERS, "spoilt", answerer)


def a_planted_errand(home: Organization, kind: str, public_key: bytes) -> None:
    """Whoever has the web login writes what they like."""
    with as_hr():
        errand = Errand(kind=kind, organization=home, body=b"x", public_key=public_key)
        errand.save(force_insert=True)


def kinds_left() -> list[str]:
    with as_hr():
        return list(Errand.objects.values_list("kind", flat=True))


@pytest.mark.parametrize("answerer", [fails, answers_with_what_no_answer_holds])
def test_a_question_that_fails_is_told_to_whoever_asked_and_to_nobody_else(
    home: Organization,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answerer: Answerer,
) -> None:
    known(monkeypatch, answerer)
    with pytest.raises(Unavailable, match="cannot answer this; nothing was done"):
        asked.ask("spoilt", home, {"person": NAME}, by=None)
    assert kinds_left() == []
    (line,) = caplog.records
    told = {name: getattr(line, name) for name in ("msg", "kind", "fault", "exc_info")}
    fault = "ValueError" if answerer is fails else "TypeError"
    assert told == {"msg": "a question failed", "kind": "spoilt", "fault": fault, "exc_info": None}
    assert NAME not in caplog.text


@pytest.mark.parametrize("public_key", [b"", b"short", bytes(32)])
def test_what_cannot_even_be_refused_stops_no_other_question(
    home: Organization, caplog: pytest.LogCaptureFixture, public_key: bytes
) -> None:
    anna = a_custodian(home)
    a_planted_errand(home, NAME, public_key)
    assert anna.ask("requests") == {"ids": []}
    assert kinds_left() == []
    assert [getattr(line, "kind", "") for line in caplog.records] == ["unknown"]
    assert NAME not in caplog.text


def test_a_question_that_fails_leaves_nothing_behind(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = a_custodian(home)
    begin: Callable[[Question], dict[str, Any]] = questions._ANSWERERS["enrol_begin"]

    def begins_and_fails(question: Question) -> dict[str, Any]:
        begin(question)
        raise ValueError

    monkeypatch.setitem(questions._ANSWERERS, "enrol_begin", begins_and_fails)
    with pytest.raises(Unavailable):
        anna.ask("enrol_begin", name="phone")
    monkeypatch.setitem(questions._ANSWERERS, "enrol_begin", begin)
    for number in range(9):  # nine more beside the first one: the failed one does not count
        anna.ask("enrol_begin", name=f"key {number}")


def test_while_the_database_is_away_no_question_is_forgotten(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, finds_the_database_away)
    with pytest.raises(OperationalError):
        asked.ask("spoilt", home, {}, by=None)
    assert kinds_left() == ["spoilt"]
