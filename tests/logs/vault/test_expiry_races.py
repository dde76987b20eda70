"""What is decided in the moment in which it expires stays decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from logs.cases.models import Case, CaseState, Notice, RequestState
from logs.vault import deciding, erasure, keys
from logs.vault.petitions import OPEN_FOR
from logs.vault.questions import Answerer, Question
from orgo_audit.accounts.models import Role
from tests.builders import a_user
from tests.logs.vault.scene import Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def expire_while(scene: Scene, decide: Answerer, **body: Any) -> None:
    """Ben decides when the late requests are read, just before the first one is locked."""
    waits = [decide]

    def before_the_lock(execute: Any, sql: str, *rest: Any) -> Any:
        if waits and "FOR UPDATE" in sql:
            answerer = waits.pop()
            with keys.session() as own:
                answerer(Question(scene.home, scene.ben.user.pk, body, own))
        return execute(sql, *rest)

    with the_vaults_rights(), connection.execute_wrapper(before_the_lock):
        deciding.expire(timezone.now() + timedelta(seconds=2))
    assert not waits, "nothing was locked"


def just_in_time() -> Any:
    """A second before the requests of this test expire."""
    return time_machine.travel(timezone.now() + OPEN_FOR - timedelta(seconds=1), tick=False)


def test_a_reveal_that_is_granted_meanwhile_does_not_expire(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    with just_in_time():
        expire_while(scene, deciding.approve, id=request, assertion=scene.ben.sign(request))
        assert shown(request).state == RequestState.APPROVED
        assert scene.view(request)["value"] == "jane.roe@organization.com"
    with the_vaults_rights():
        assert not Notice.objects.filter(kind__endswith="expired").exists()


def test_a_request_that_is_denied_meanwhile_stays_denied(scene: Scene) -> None:
    request = scene.reveal()
    with just_in_time():
        expire_while(scene, deciding.deny, id=request, why="no need")
    assert shown(request).state == RequestState.DENIED


def test_an_erasure_that_is_carried_out_meanwhile_stays_done(scene: Scene) -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())
    dpo, person = a_user(Role.DPO, scene.home), "jane.roe@organization.com"
    request = scene.ask("ask_erasure", dpo, person=person, reason="a letter")["id"]
    scene.anna.approve(request)
    with just_in_time():
        expire_while(scene, deciding.approve, id=request, assertion=scene.ben.sign(request))
    with the_vaults_rights():
        assert erasure.carry_out_granted() == 1
    assert shown(request).state == RequestState.DONE


def test_what_nobody_decides_meanwhile_expires(scene: Scene) -> None:
    request, other = scene.reveal(), scene.reveal(field="name")
    with just_in_time():
        expire_while(scene, deciding.deny, id=request, why="no need")
    assert shown(other).state == RequestState.EXPIRED
