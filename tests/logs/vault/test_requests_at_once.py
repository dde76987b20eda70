"""What several people do in the same moment counts once each."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from logs.vault import approvals, deciding, keys, reveals
from logs.vault.questions import Answerer, Question
from orgo_audit.accounts.models import User
from orgo_audit.errors import OrgoError
from tests.custodians import a_custodian
from tests.logs.vault.scene import Scene, a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

LONGEST_MEETING_SECONDS = 1.0


@pytest.fixture
def scene(committed: None, vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def meets(function: Callable[..., Any]) -> Callable[..., Any]:
    """Both would stand here together, if nothing kept the second one out."""
    meeting = threading.Barrier(2)

    def met(*arguments: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(LONGEST_MEETING_SECONDS)
        return function(*arguments)

    return met


def at_once(
    scene: Scene, answerer: Answerer, questions: Sequence[tuple[User, dict[str, Any]]]
) -> list[str]:
    """What each was told, in no order."""
    told = []

    def ask(user: User, body: dict[str, Any]) -> None:
        try:
            with the_vaults_rights(), keys.session() as own:
                answer = answerer(Question(scene.home, user.pk, body, own))
            told.append(str(answer.get("state", "seen")))
        except OrgoError as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=question) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def test_two_approvals_at_once_count_once_each(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scene.reveal()
    both = [
        (one.user, {"id": request, "assertion": one.sign(request)})
        for one in (scene.anna, scene.ben)
    ]
    monkeypatch.setattr(approvals, "objection", meets(approvals.objection))
    assert at_once(scene, deciding.approve, both) == ["approved", "pending"]


def test_one_approval_sent_twice_at_once_counts_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scene.reveal()
    body = {"id": request, "assertion": scene.anna.sign(request)}
    monkeypatch.setattr(approvals, "objection", meets(approvals.objection))
    twice = [(scene.anna.user, body)] * 2
    assert at_once(scene, deciding.approve, twice) == ["decided_already", "pending"]


def test_an_approval_and_a_denial_at_once_are_never_both_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, carl = scene.reveal(), a_custodian(scene.home)
    scene.anna.approve(request)
    body = {"id": request, "assertion": scene.ben.sign(request), "why": "no"}
    monkeypatch.setattr(approvals, "objection", meets(approvals.objection))

    def decide(question: Question) -> dict[str, Any]:
        is_bens = question.user_id == scene.ben.user.pk
        return deciding.approve(question) if is_bens else deciding.deny(question)

    told = at_once(scene, decide, [(scene.ben.user, body), (carl.user, body)])
    assert told in (["approved", "not_open"], ["denied", "not_open"])


def test_the_last_view_is_given_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    request = scene.granted(views=1)
    monkeypatch.setattr(approvals, "is_approved", meets(approvals.is_approved))
    told = at_once(scene, reveals.view, [(scene.hr, {"id": request})] * 2)
    assert told == ["reveal_over", "seen"]
