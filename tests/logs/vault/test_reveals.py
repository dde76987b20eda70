"""A granted value is shown to whoever asked, so often and so long, and each look is on record."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from logs.cases.models import Case, CaseState, Look, LookedAt, RequestState
from logs.vault import assigning, erasure, keys, marks
from logs.vault.models import VaultApproval, VaultView, WrappedKey
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.people import give_role, take_role
from orgo_audit.errors import OrgoError, Unavailable
from tests.builders import Service, a_user, setting_the_scene
from tests.logs.vault.scene import Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def refused(scene: Scene, request: str, by: User | None = None) -> str:
    """Why it was not shown; a refusal leaves no look behind."""
    before = views_of(request)
    with pytest.raises(OrgoError) as refusal:
        scene.view(request, by)
    assert views_of(request) == before
    return refusal.value.code


def views_of(request: str) -> int:
    with the_vaults_rights():
        return VaultView.objects.filter(request=UUID(request)).count()


@pytest.mark.parametrize(
    ("label", "field", "value"),
    [
        ("Anon1", "email", "jane.roe@organization.com"),
        ("Anon1", "name", "Jane Roe"),
        ("Anon1", "identity", "Jane Roe <jane.roe@organization.com>"),
        ("Anon1", "phone", None),
        ("Anon2", "email", "john.doe@organization.com"),
    ],
)
def test_exactly_what_was_asked_for_is_shown(
    scene: Scene, label: str, field: str, value: str | None
) -> None:
    request = scene.granted(label=label, field=field)
    assert scene.view(request) == {"value": value, "erased": False}


def test_it_is_shown_so_often_and_no_more(scene: Scene) -> None:
    request = scene.granted(views=2)
    for number, state in ((1, RequestState.APPROVED), (2, RequestState.SPENT)):
        assert scene.view(request)["value"] == "jane.roe@organization.com"
        row = shown(request)
        assert (row.views_done, row.state) == (number, state)
    assert refused(scene, request) == "reveal_over"


def test_it_is_shown_for_so_many_minutes(scene: Scene) -> None:
    granted_at = timezone.now()
    with time_machine.travel(granted_at, tick=False):
        request = scene.granted(minutes=3)
    with time_machine.travel(granted_at + timedelta(minutes=3, microseconds=-1), tick=False):
        scene.view(request)
    with time_machine.travel(granted_at + timedelta(minutes=3), tick=False):
        assert refused(scene, request) == "reveal_over"


def test_an_undecided_or_denied_request_shows_nothing(scene: Scene) -> None:
    waiting, denied = scene.reveal(), scene.reveal(field="name")
    scene.anna.approve(waiting)
    scene.anna.deny(denied)
    assert refused(scene, waiting) == refused(scene, denied) == "not_approved"


def test_each_look_is_on_record(scene: Scene) -> None:
    request = scene.granted()
    with the_vaults_rights():
        looks = Look.objects.filter(what=LookedAt.REVEAL)
        assert not looks.exists()
    scene.view(request)
    with the_vaults_rights():
        (look,) = looks.all()
    assert (look.user_id, look.case_code) == (scene.hr.pk, scene.case.code)
    assert look.purpose == f"reveal request {request}"


def test_a_look_that_cannot_be_put_down_shows_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scene.granted()

    def fails(*_: object) -> None:
        raise Unavailable("the log is full")

    monkeypatch.setattr(marks, "leave_about", fails)
    assert refused(scene, request) == "unavailable"


def test_only_whoever_asked_is_shown_it(scene: Scene) -> None:
    request = scene.granted()
    other = a_user(Role.HR_MANAGER, scene.home)
    with the_vaults_rights():
        assigning.give(scene.case, other.pk)
    for user in (other, scene.anna.user, a_user(Role.DPO, scene.home)):
        assert refused(scene, request, user) == "not_found"


def test_whoever_lost_the_case_or_the_role_is_shown_nothing(scene: Scene) -> None:
    request = scene.granted()
    with the_vaults_rights():
        assigning.take_away(scene.case, scene.hr.pk)
    assert refused(scene, request) == "not_found"
    with the_vaults_rights():
        assigning.give(scene.case, scene.hr.pk)
    with setting_the_scene():
        take_role(scene.hr, Role.HR_MANAGER, scene.home)
    assert refused(scene, request) == "not_found"
    with setting_the_scene():
        give_role(scene.hr, Role.HR_MANAGER, scene.home)
    assert scene.view(request)["value"]


def test_whoever_is_named_in_the_case_since_is_shown_nothing(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    request = scene.granted()
    report = {"timestamp": "2024-11-25T10:00:00Z", "action": "Report Filed"}
    report |= {"workflow": "harassment", "case_id": "H-2024-17"}
    Service(scene.home).deliver(report | {"identities": {"witness": scene.hr.username}})
    vault_at_hand.drain()
    assert refused(scene, request) == "not_found"


def test_an_approval_that_is_gone_shows_nothing(scene: Scene) -> None:
    request = scene.granted()
    with the_vaults_rights():
        rows = VaultApproval.objects.filter(request=UUID(request))
        assert rows.count() == 2
    scene.anna.ask("revoke_passkey", id=scene.ben.passkeys[0])
    assert refused(scene, request) == "not_approved"


def test_an_erased_person_is_said_to_be_erased(scene: Scene) -> None:
    request = scene.granted(views=3)
    now = timezone.now()
    with the_vaults_rights(), keys.session() as own:
        Case.objects.update(state=CaseState.CLOSED, closed_on=now.date())
        erasure.carry_out(scene.home, "jane.roe@organization.com", own, now=now)
    assert scene.view(request) == {"value": None, "erased": True}


def test_a_lost_key_is_not_called_an_erasure(scene: Scene) -> None:
    request = scene.granted()
    with the_vaults_rights():
        WrappedKey.objects.filter(kind="subject").delete()
    assert refused(scene, request) == "vault_keys_lost"


def test_a_label_that_came_anonymized_has_nobody_behind_it(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    sent = {"timestamp": "2024-11-25T10:00:00Z", "action": "Report Filed"}
    sent |= {"workflow": "harassment", "case_id": "H-2024-17"}
    Service(scene.home).deliver(sent | {"anonymized_fields": {"witness": "Anon7"}})
    vault_at_hand.drain()
    request = scene.granted(label="Anon7")
    assert scene.view(request) == {"value": None, "erased": False}
