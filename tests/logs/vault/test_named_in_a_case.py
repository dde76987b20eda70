"""Whoever is named in a report, by name alone too, has no part in the handling of its case."""

from __future__ import annotations

from typing import Any

import pytest

from logs.cases import errands
from logs.cases.models import Case, CaseGrant
from logs.vault import assigning
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.errors import NotFound, OrgoError
from tests.builders import Service, a_user, an_organization
from tests.custodians import Custodian, a_custodian
from tests.logs.vault.scene import REASON, REPORT, Scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
REPORTED = {
    "reporter": "Jane Roe <jane.roe@organization.com>",
    "reported_user": ["John Doe", {"name": "Müller, Max"}],
}
JOHN, MAX = "john.doe@organization.com", "max.mueller@organization.com"


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


def report(home: Organization, vault: VaultAtHand, **changes: Any) -> Case:
    Service(home).deliver(REPORT | {"identities": REPORTED} | changes)
    vault.drain()
    with the_vaults_rights():
        return Case.objects.get(organization=home)


def holders(case: Case) -> set[int]:
    with the_vaults_rights():
        return set(CaseGrant.objects.filter(content_object=case).values_list("user", flat=True))


@pytest.mark.parametrize("name", [JOHN, "jdoe", "doe.john@elsewhere.com", "jane@organization.com"])
def test_a_named_hr_manager_does_not_get_the_case(
    home: Organization, vault_at_hand: VaultAtHand, name: str
) -> None:
    named, other = a_user(Role.HR_MANAGER, home, name), a_user(Role.HR_MANAGER, home)
    assert holders(report(home, vault_at_hand)) == {other.pk}
    assert named.pk != other.pk


def test_a_named_hr_manager_who_has_the_case_all_the_same_has_nobody_revealed(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    john, other = a_user(Role.HR_MANAGER, home, JOHN), a_user(Role.HR_MANAGER, home)
    case = report(home, vault_at_hand)
    with the_vaults_rights():
        assigning.give(case, john.pk)
    wanted: dict[str, Any] = {"case": str(case.code), "label": "Anon1", "field": "email"}
    wanted |= {"minutes": 10, "views": 1, "reason": REASON}
    with pytest.raises(NotFound):
        errands.ask("ask_reveal", home, wanted, by=john)
    assert errands.ask("ask_reveal", home, wanted, by=other)["id"]


def test_an_hr_manager_who_is_named_later_loses_the_case(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    john, other = a_user(Role.HR_MANAGER, home, JOHN), a_user(Role.HR_MANAGER, home)
    case = report(home, vault_at_hand, identities={"reporter": "Jane Roe"})
    assert holders(case) == {john.pk, other.pk}
    report(home, vault_at_hand, identities={"witness": "Doe, John"})
    assert holders(case) == {other.pk}


# --- a custodian ----------------------------------------------------------------------------------


@pytest.fixture
def scene(home: Organization, vault_at_hand: VaultAtHand) -> Scene:
    hr = a_user(Role.HR_MANAGER, home)
    case = report(home, vault_at_hand, reason="he shouted")
    return Scene(home, case, hr, a_custodian(home), a_custodian(home))


def code_of(custodian: Custodian, kind: str, **body: Any) -> str:
    """Why it was refused."""
    with pytest.raises(OrgoError) as refusal:
        custodian.ask(kind, **body)
    return refusal.value.code


def test_a_named_custodian_neither_reads_nor_decides(scene: Scene) -> None:
    named, case = a_custodian(scene.home, MAX), str(scene.case.code)
    assert scene.anna.ask("texts", case=case)["texts"]
    assert code_of(named, "texts", case=case) == "not_found"
    assert [one["case"] for one in scene.anna.ask("text_cases")["cases"]] == [case]
    assert named.ask("text_cases")["cases"] == []
    request = scene.reveal()
    assert code_of(named, "challenge", id=request) == "not_found"
    borrowed = named.browser.get(
        {**scene.anna.ask("challenge", id=request)["options"], "allowCredentials": []},
        next(iter(named.browser.keys)),
    )
    assert code_of(named, "approve", id=request, assertion=borrowed) == "not_found"
    assert code_of(named, "deny", id=request, why="no") == "not_found"
    assert scene.anna.approve(request) == "pending"
    assert scene.ben.approve(request) == "approved"


def test_whom_an_erasure_names_does_not_approve_it(scene: Scene) -> None:
    named = a_custodian(scene.home, MAX)
    asked = {"person": "Max Müller", "reason": "asked for it"}
    request = scene.ask("ask_erasure", a_user(Role.DPO, scene.home), **asked)["id"]
    assert code_of(named, "challenge", id=request) == "not_found"
    assert scene.anna.approve(request) == "pending"


def test_a_named_person_is_not_given_the_case(scene: Scene) -> None:
    john: User = a_user(Role.HR_MANAGER, scene.home, JOHN)
    with pytest.raises(OrgoError) as refusal:
        scene.ask("assign", case=str(scene.case.code), user=john.pk, assigned=True)
    assert refusal.value.code == "not_assignable"
    assert holders(scene.case) == {scene.hr.pk}
