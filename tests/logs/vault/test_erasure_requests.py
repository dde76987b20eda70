"""What asks for an erasure names the person: it does not outlive the request, nor the erasure."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from logs.cases.models import ApprovalRequest, Case, CaseState, RequestState
from logs.vault import deciding, dossiers, keys
from logs.vault.models import VaultRequest, WrappedKey
from orgo_audit.accounts.models import Role, User
from orgo_audit.errors import Conflict
from tests.builders import a_user, an_organization
from tests.logs.vault.scene import Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
JANE, JOHN = "jane.roe@organization.com", "john.doe@organization.com"


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    scene = a_scene(vault_at_hand)
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())
    return scene


@pytest.fixture
def officer(scene: Scene) -> User:
    return a_user(Role.DPO, scene.home)


def ask(scene: Scene, by: User, person: str = JANE) -> str:
    return str(scene.ask("ask_erasure", by, person=person, reason=f"a letter of {JANE}")["id"])


def is_readable(request: str) -> bool:
    """Whether the vault still reads whom it is about."""
    with the_vaults_rights(), keys.session() as own:
        row = VaultRequest.objects.get(pk=UUID(request))
        return own.has(row.pk) and bool(dossiers.read(row, own).words.person)


def test_a_withdrawn_denied_or_expired_request_names_nobody_any_more(
    scene: Scene, officer: User
) -> None:
    withdrawn, denied, expired, waiting = (ask(scene, officer) for _ in range(4))
    scene.ask("withdraw", officer, id=withdrawn)
    scene.anna.deny(denied)
    with the_vaults_rights():
        rows = ApprovalRequest.objects.filter(pk=UUID(expired))
        rows.update(expires_at=timezone.now())
        deciding.expire(timezone.now() + timedelta(seconds=1))
    assert [shown(one).state for one in (withdrawn, denied, expired, waiting)] == [
        RequestState.WITHDRAWN,
        RequestState.DENIED,
        RequestState.EXPIRED,
        RequestState.PENDING,
    ]
    for request in (withdrawn, denied, expired):
        assert not is_readable(request)
    assert is_readable(waiting)


def test_a_refused_erasure_names_nobody_any_more(scene: Scene, officer: User) -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.OPEN, closed_on=None)
    request = ask(scene, officer)
    scene.anna.approve(request)
    scene.ben.approve(request)
    assert shown(request).state == RequestState.DENIED
    assert not is_readable(request)


def test_a_reveal_that_ended_keeps_why(scene: Scene) -> None:
    reveal = scene.reveal()
    scene.anna.deny(reveal, "not needed")
    (denial,) = scene.ben.ask("challenge", id=scene.reveal())["denials"]
    assert denial["why"] == "not needed"


def test_an_erasure_ends_all_requests_that_name_the_person(scene: Scene, officer: User) -> None:
    elsewhere = an_organization()
    body = {"person": JANE, "reason": "x"}
    other_dpo = a_user(Role.DPO, elsewhere)
    apart = Scene(elsewhere, scene.case, scene.hr, scene.anna, scene.ben)
    of_another = str(apart.ask("ask_erasure", other_dpo, **body)["id"])
    same = ask(scene, officer, f"Jane Roe <{JANE.upper()}>")
    john, reveal, request = ask(scene, officer, JOHN), scene.reveal(), ask(scene, officer)
    scene.anna.approve(same)
    scene.anna.approve(request)
    scene.ben.approve(request)
    assert shown(request).state == RequestState.DONE
    assert not is_readable(request)
    assert not is_readable(same)
    assert is_readable(john)
    assert is_readable(of_another)
    certificate = shown(request).certificate or []
    assert {"store": "requests that named the person", "result": "nothing left"} in certificate
    assert shown(same).state == RequestState.WITHDRAWN
    assert shown(same).certificate == [
        {"store": "requests", "result": "the person was erased by another request"}
    ]
    assert shown(reveal).state == RequestState.PENDING


def test_a_key_that_an_ended_request_has_kept_goes_with_the_person(
    scene: Scene, officer: User
) -> None:
    earlier, request = ask(scene, officer), ask(scene, officer)
    with the_vaults_rights():
        kept = WrappedKey.objects.get(owner=UUID(earlier))
    scene.ask("withdraw", officer, id=earlier)
    with the_vaults_rights():
        kept.save(force_insert=True)
    assert is_readable(earlier)
    scene.anna.approve(request)
    scene.ben.approve(request)
    assert not is_readable(earlier)
    assert shown(earlier).state == RequestState.WITHDRAWN


def test_whoever_decided_it_still_finds_it_and_nobody_else(scene: Scene, officer: User) -> None:
    request = ask(scene, officer)
    scene.anna.deny(request)
    assert scene.anna.ask("requests")["ids"] == [request]
    assert scene.ben.ask("requests")["ids"] == []
    with pytest.raises(Conflict, match="no longer open"):
        scene.ben.ask("challenge", id=request)
    with pytest.raises(Conflict, match="no longer open"):
        scene.ask("withdraw", officer, id=request)
