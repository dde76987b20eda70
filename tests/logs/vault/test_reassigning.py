"""A case is given to other HR managers, and never to anybody who takes part in it."""

from __future__ import annotations

from typing import Any

import pytest

from logs.cases import errands
from logs.cases.models import CaseGrant, Look, LookedAt
from logs.vault import assigning
from orgo_audit.accounts.models import Role, User
from orgo_audit.errors import BadInput, NotFound
from tests.builders import a_user, an_organization, setting_the_scene
from tests.logs.vault.scene import Scene, a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def assign(scene: Scene, user: Any, *, by: User | None = None, assigned: Any = True) -> Any:
    code = str(scene.case.code)
    identifier = user.pk if isinstance(user, User) else user
    return scene.ask("assign", by, case=code, user=identifier, assigned=assigned)


def assigned(scene: Scene) -> set[int]:
    with the_vaults_rights():
        rows = CaseGrant.objects.filter(content_object=scene.case)
        return set(rows.values_list("user", flat=True))


def test_an_hr_manager_of_the_case_gives_it_and_takes_it(scene: Scene) -> None:
    other = a_user(Role.HR_MANAGER, scene.home)
    for _ in range(2):
        assert assign(scene, other) == {"assigned": True}
    assert assigned(scene) == {scene.hr.pk, other.pk}
    assert assign(scene, scene.hr, by=other, assigned=False) == {"assigned": False}
    assert assigned(scene) == {other.pk}


def test_the_data_protection_officer_gives_a_case_that_nobody_has(scene: Scene) -> None:
    dpo = a_user(Role.DPO, scene.home)
    assign(scene, scene.hr, by=dpo, assigned=False)
    assert assigned(scene) == set()
    assign(scene, scene.hr, by=dpo)
    assert assigned(scene) == {scene.hr.pk}


def test_nobody_else_assigns(scene: Scene) -> None:
    other = a_user(Role.HR_MANAGER, scene.home)
    strangers = [
        other,
        scene.anna.user,
        a_user(Role.ADMIN, scene.home),
        a_user(Role.AUDITOR, scene.home),
        a_user(Role.DPO, an_organization()),
    ]
    for stranger in strangers:
        for wanted in (True, False):
            with pytest.raises(NotFound):
                assign(scene, other, by=stranger, assigned=wanted)
    assert assigned(scene) == {scene.hr.pk}


def test_another_organizations_data_protection_officer_assigns_nothing_here(scene: Scene) -> None:
    elsewhere = an_organization()
    theirs, own = a_user(Role.DPO, elsewhere), a_user(Role.HR_MANAGER, elsewhere)
    body = {"case": str(scene.case.code), "user": own.pk, "assigned": True}
    with pytest.raises(NotFound):
        errands.ask("assign", elsewhere, body, by=theirs)
    assert assigned(scene) == {scene.hr.pk}


def test_a_participant_is_refused_like_whoever_is_no_hr_manager(scene: Scene) -> None:
    participant = a_user(Role.HR_MANAGER, scene.home, "jane.roe@organization.com")
    by_user_name = a_user(Role.HR_MANAGER, scene.home, "john.doe")
    left = a_user(Role.HR_MANAGER, scene.home)
    with setting_the_scene():
        User.objects.filter(pk=left.pk).update(is_active=False)
    no_hr_manager = a_user(Role.USER, scene.home)
    elsewhere = a_user(Role.HR_MANAGER, an_organization())
    refusals = set()
    for user in (participant, by_user_name, left, no_hr_manager, elsewhere, 2**31 - 1, 0, -5):
        with pytest.raises(BadInput) as refusal:
            assign(scene, user)
        refusals.add((refusal.value.code, refusal.value.sentence, refusal.value.path))
    assert len(refusals) == 1
    assert assigned(scene) == {scene.hr.pk}


def test_a_participant_who_has_the_case_all_the_same_assigns_nobody(scene: Scene) -> None:
    participant = a_user(Role.HR_MANAGER, scene.home, "jane.roe@organization.com")
    with the_vaults_rights():
        assigning.give(scene.case, participant.pk)
    with pytest.raises(NotFound):
        assign(scene, scene.hr, by=participant, assigned=False)


@pytest.mark.parametrize("wanted", [None, 1, "true", [], {}])
def test_whether_to_assign_is_said_plainly(scene: Scene, wanted: object) -> None:
    with pytest.raises(BadInput) as refusal:
        assign(scene, scene.hr, assigned=wanted)
    assert refusal.value.path == "assigned"
    assert assigned(scene) == {scene.hr.pk}


@pytest.mark.parametrize("user", [None, "5", True, 2**40, 1.5, []])
def test_whom_to_assign_is_a_number(scene: Scene, user: object) -> None:
    with pytest.raises(BadInput) as refusal:
        assign(scene, user)
    assert refusal.value.path == "user"


def test_each_change_is_in_the_restricted_access_log(scene: Scene) -> None:
    other = a_user(Role.HR_MANAGER, scene.home, "hr.other")
    assign(scene, other)
    assign(scene, other, assigned=False)
    with the_vaults_rights():
        looks = Look.objects.filter(what=LookedAt.ASSIGNMENT).order_by("pk")
        told = list(looks.values_list("user", "case_code", "purpose"))
    code = scene.case.code
    assert told == [
        (scene.hr.pk, code, "given to hr.other"),
        (scene.hr.pk, code, "taken from hr.other"),
    ]
