"""Cases that no HR manager has: who is told of them, and of which never."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logs.cases import errands
from logs.cases.models import Case, CaseGrant, Look
from orgo_audit.accounts.models import Membership, Role, User
from orgo_audit.errors import NotFound
from tests.builders import Service, a_user, an_organization, setting_the_scene
from tests.logs.vault.scene import REPORT, Scene, a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
REPORTED = "john.doe@organization.com"


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


@pytest.fixture
def officer(scene: Scene) -> User:
    return a_user(Role.DPO, scene.home)


def listed(scene: Scene, by: User) -> list[str]:
    found: list[dict[str, Any]] = scene.ask("unassigned_cases", by)["cases"]
    return [case["case"] for case in found]


def nobody_has(case: Case) -> None:
    with the_vaults_rights():
        CaseGrant.objects.filter(content_object=case).delete()


def another_case(scene: Scene, vault: VaultAtHand, **fields: Any) -> Case:
    Service(scene.home).deliver(REPORT | {"case_id": "another"} | fields)
    vault.drain()
    with the_vaults_rights():
        return Case.objects.exclude(pk=scene.case.pk).get(organization=scene.home)


def test_a_case_that_nobody_has_is_listed_by_code_kind_and_day_alone(
    scene: Scene, officer: User
) -> None:
    assert listed(scene, officer) == []
    nobody_has(scene.case)
    assert scene.ask("unassigned_cases", officer) == {
        "cases": [
            {"case": str(scene.case.pk), "workflow": "harassment", "opened_on": "2024-11-24"}
        ],
        "held": {},
    }


def test_the_oldest_case_is_listed_first(
    scene: Scene, officer: User, vault_at_hand: VaultAtHand
) -> None:
    older = another_case(scene, vault_at_hand, timestamp="2024-01-02T08:00:00Z")
    for case in (scene.case, older):
        nobody_has(case)
    assert older.opened_on == date(2024, 1, 2)
    assert listed(scene, officer) == [str(older.pk), str(scene.case.pk)]


def test_a_case_of_whoever_has_left_or_is_no_hr_manager_any_more_is_nobodys(
    scene: Scene, officer: User
) -> None:
    with setting_the_scene():
        User.objects.filter(pk=scene.hr.pk).update(is_active=False)
    assert listed(scene, officer) == [str(scene.case.pk)]
    with setting_the_scene():
        User.objects.filter(pk=scene.hr.pk).update(is_active=True)
    assert listed(scene, officer) == []
    with setting_the_scene():
        Membership.objects.filter(user=scene.hr.pk).delete()
    assert listed(scene, officer) == [str(scene.case.pk)]


def test_the_list_costs_the_same_however_long_it_is(
    scene: Scene, officer: User, vault_at_hand: VaultAtHand
) -> None:
    nobody_has(scene.case)
    with CaptureQueriesContext(connection) as one:
        assert len(listed(scene, officer)) == 1
    reports = (REPORT | {"case_id": f"C{number}"} for number in range(30))
    Service(scene.home).deliver(*reports)
    vault_at_hand.drain()
    with the_vaults_rights():
        CaseGrant.objects.all().delete()
    with CaptureQueriesContext(connection) as many:
        assert len(listed(scene, officer)) == 31
    assert len(many) == len(one)


def test_nobody_else_is_told(scene: Scene) -> None:
    nobody_has(scene.case)
    strangers = [
        scene.hr,
        scene.anna.user,
        a_user(Role.ADMIN, scene.home),
        a_user(Role.AUDITOR, scene.home),
        a_user(Role.DPO, an_organization()),
    ]
    for stranger in strangers:
        with pytest.raises(NotFound):
            scene.ask("unassigned_cases", stranger)


def test_another_organizations_cases_are_not_listed(scene: Scene, officer: User) -> None:
    nobody_has(scene.case)
    elsewhere = an_organization()
    theirs = a_user(Role.DPO, elsewhere)
    assert errands.ask("unassigned_cases", elsewhere, {}, by=theirs) == {"cases": [], "held": {}}


def test_an_officer_who_takes_part_in_a_case_neither_sees_nor_gives_it(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    """As if it were not there: else the list would say who takes part in it."""
    partaker = a_user(Role.DPO, scene.home, REPORTED)
    people = {"reporter": "ann@organization.com", "reported_user": "bob@organization.com"}
    other = another_case(scene, vault_at_hand, identities=people)
    for case in (scene.case, other):
        nobody_has(case)
    assert listed(scene, partaker) == [str(other.pk)]
    for assigned in (True, False):
        with pytest.raises(NotFound):
            scene.ask(
                "assign",
                partaker,
                case=str(scene.case.pk),
                user=scene.hr.pk,
                assigned=assigned,
            )
    with the_vaults_rights():
        assert not CaseGrant.objects.filter(content_object=scene.case).exists()


def test_what_the_officer_gives_is_on_record_and_off_the_list(scene: Scene, officer: User) -> None:
    nobody_has(scene.case)
    scene.ask("assign", officer, case=str(scene.case.pk), user=scene.hr.pk, assigned=True)
    assert listed(scene, officer) == []
    with the_vaults_rights():
        look = Look.objects.get(what="assignment")
    assert (look.user_id, look.case_code) == (officer.pk, scene.case.pk)
    assert look.purpose == f"given to {scene.hr.username}"
