"""People known by a name alone: each case has its own, and nobody else of the name is hit."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logs.cases.models import Case, CaseState, RequestState
from logs.vault import erasure, keys, subjects
from logs.vault.models import Participant, Subject
from orgo_audit.accounts.models import Role, User
from orgo_audit.errors import BadInput, NotFound
from tests.builders import Service, a_user, an_organization
from tests.custodians import a_custodian
from tests.logs.vault.erasing import a_case, certificate, erased, seen
from tests.logs.vault.scene import REPORT, Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

CODE = "3f2a9c1e-0000-4000-8000-00000000000a"
MARIA = "Maria Müller"
FIRST = {"name": MARIA, "phone": "+49 30 1111111", "address": "Old Street 1"}
SECOND = {"name": MARIA, "phone": "+49 30 2222222"}
in_one_transaction = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


# --- revealed -------------------------------------------------------------------------------------


@in_one_transaction
def test_a_reveal_shows_what_was_said_in_that_case(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    first = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    second = a_case(scene, vault_at_hand, "M-2", reporter=SECOND)
    assert seen(scene, first, "phone")["value"] == FIRST["phone"]
    assert seen(scene, second, "phone")["value"] == SECOND["phone"]
    assert seen(scene, second, "address")["value"] is None


@in_one_transaction
@pytest.mark.parametrize("known_by", ["ann@organization.com", "+49 30 1111111"])
def test_an_address_and_a_number_are_one_person_in_all_cases(
    scene: Scene, vault_at_hand: VaultAtHand, known_by: str
) -> None:
    a_case(scene, vault_at_hand, "M-1", reporter=known_by)
    a_case(scene, vault_at_hand, "M-2", witness=known_by)
    with the_vaults_rights():
        # Jane Roe and John Doe of the scene, and this one.
        assert Subject.objects.count() == 3


@in_one_transaction
def test_a_name_is_one_person_in_its_case(scene: Scene, vault_at_hand: VaultAtHand) -> None:
    case = a_case(scene, vault_at_hand, "M-1", reporter=MARIA)
    Service(scene.home).deliver(REPORT | {"case_id": "M-1", "identities": {"reporter": SECOND}})
    vault_at_hand.drain()
    with the_vaults_rights():
        assert Participant.objects.filter(case_code=case.code).count() == 1
    assert seen(scene, case, "phone")["value"] == SECOND["phone"]


# --- erased ---------------------------------------------------------------------------------------


@in_one_transaction
def test_the_only_one_of_a_name_is_erased_by_it(scene: Scene, vault_at_hand: VaultAtHand) -> None:
    case = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    done = erased(scene, "maria  MÜLLER")
    assert done.state == RequestState.DONE
    assert certificate(done)["look-up"] == "nothing left"
    assert seen(scene, case, "phone") == {"value": None, "erased": True}
    assert seen(scene, scene.case, "email")["value"] == "jane.roe@organization.com"


@in_one_transaction
def test_a_name_of_several_erases_nobody_and_one_in_a_case_that_one(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    first = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    second = a_case(scene, vault_at_hand, "M-2", reporter=SECOND)
    refused = erased(scene, MARIA)
    assert refused.state == RequestState.DENIED
    assert "NAME in CASE-CODE" in certificate(refused)["people"]
    assert seen(scene, first, "phone")["value"] == FIRST["phone"]
    assert erased(scene, f"{MARIA} in case {str(second.code).upper()}").state == RequestState.DONE
    assert seen(scene, first, "phone")["value"] == FIRST["phone"]
    assert seen(scene, second, "phone") == {"value": None, "erased": True}
    assert erased(scene, MARIA).state == RequestState.DONE, "one is left of the name"
    assert seen(scene, first, "phone") == {"value": None, "erased": True}


@in_one_transaction
def test_an_erasure_asks_the_same_of_the_database_however_many_cases_there_are(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    counted = []
    for number, name in enumerate(["Ann Lee", "Bea Lee", "Cleo Lee"]):
        for other in range(number * 3):
            a_case(scene, vault_at_hand, f"{number}-{other}", witness=f"Person {number} {other}")
        a_case(scene, vault_at_hand, f"M-{number}", reporter=name)
        with (
            the_vaults_rights(),
            keys.session() as own,
            CaptureQueriesContext(connection) as queries,
        ):
            done = erasure.carry_out(scene.home, name, own, now=timezone.now())
        assert done.is_done
        counted.append(len(queries))
    assert len(set(counted)) == 1


@in_one_transaction
def test_who_is_sought_in_another_case_is_somebody_else(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    first = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    second = a_case(scene, vault_at_hand, "M-2", reporter=SECOND)
    officer = a_user(Role.DPO, scene.home)
    waiting = [ask(scene, officer, person) for person in (MARIA, f"{MARIA} in {second.code}")]
    erased(scene, f"{MARIA} in {first.code}")
    assert [shown(one).state for one in waiting] == [RequestState.PENDING] * 2
    erased(scene, MARIA)
    assert [shown(one).state for one in waiting] == [RequestState.WITHDRAWN] * 2


@in_one_transaction
def test_a_name_in_a_case_that_is_open_is_not_erased(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    case = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    a_case(scene, vault_at_hand, "M-2", reporter=SECOND)
    with the_vaults_rights():
        Case.objects.filter(pk=case.pk).update(state=CaseState.OPEN, closed_on=None)
    refused = erased(scene, f"{MARIA} in {case.code}")
    assert "Art. 17(3)(e)" in certificate(refused)["cases"]
    assert seen(scene, case, "phone")["value"] == FIRST["phone"]


@in_one_transaction
def test_a_name_in_a_case_is_no_name_of_another_organization(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    case = a_case(scene, vault_at_hand, "M-1", reporter=FIRST)
    elsewhere = Scene(an_organization(), scene.case, scene.hr, scene.anna, scene.ben)
    custodian = a_custodian(elsewhere.home)
    for code in (case.code, CODE):
        body = {"person": f"{MARIA} in {code}", "reason": "x"}
        with pytest.raises(BadInput, match="a case of this organization"):
            elsewhere.ask("ask_erasure", custodian.user, **body)


@in_one_transaction
def test_a_request_for_a_name_in_a_case_is_decided_by_who_has_no_part_in_it(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    partaker = a_custodian(scene.home, "paula@organization.com")
    case = a_case(scene, vault_at_hand, "M-1", reporter=FIRST, witness=partaker.user.username)
    request = ask(scene, a_user(Role.DPO, scene.home), f"{MARIA} in {case.code}")
    assert scene.anna.ask("challenge", id=request)["person"] == f"{MARIA} in {case.code}"
    for custodian, known in ((scene.anna, [request]), (partaker, [])):
        assert custodian.ask("requests")["ids"] == known
    for kind in ("challenge", "deny"):
        with pytest.raises(NotFound):
            partaker.ask(kind, id=request, why="x")


@in_one_transaction
def test_who_bears_the_name_does_not_decide_either(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    namesake = a_custodian(scene.home, "maria")
    case = a_case(scene, vault_at_hand, "M-1", reporter={"name": "Maria"})
    for person in ("Maria", f"Maria in {case.code}"):
        request = ask(scene, a_user(Role.DPO, scene.home), person)
        with pytest.raises(NotFound):
            namesake.ask("challenge", id=request)


def ask(scene: Scene, by: User, person: str) -> str:
    return str(scene.ask("ask_erasure", by, person=person, reason="a letter")["id"])


# --- what a text asks for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "case"),
    [
        ("Maria Müller", "maria müller", None),
        (f"Maria Müller in {CODE}", "maria müller", UUID(CODE)),
        (f" maria  müller IN Case {CODE.upper()} ", "maria müller", UUID(CODE)),
        ("Anna in der Au", "anna in der au", None),
        ("Maria <Maria+x@organization.com>", "maria@organization.com", None),
        ("+49 (30) 111-1111", "49301111111", None),
    ],
)
def test_a_person_is_sought_by_name_or_by_name_in_a_case(
    text: str, key: str, case: UUID | None
) -> None:
    whom = subjects.sought(text)
    assert (whom.key, whom.case) == (key, case)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected an address or a name"),
        ("Anon1", "expected an address or a name"),
        (f"<> in {CODE}", "expected an address or a name"),
        ("Maria Müller in 3f2a9c1e", "the whole code of a case"),
        (f"Maria Müller in {CODE}0", "the whole code of a case"),
        (f"maria@organization.com in {CODE}", "one person in all cases"),
        (f"+49 30 1111111 in {CODE}", "one person in all cases"),
    ],
)
def test_what_names_nobody_or_too_many_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refusal:
        subjects.sought(text)
    assert refusal.value.path == "person"


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("ann@organization.com", True),
        ("49301111111", True),
        ("maria müller", False),
        ("maria @work", False),
        ("@organization.com", False),
        ("old street 1", False),
        ("4711", False),
        ("", False),
    ],
)
def test_a_name_is_nobody_outside_its_case(key: str, *, is_one: bool) -> None:
    assert subjects.is_one_person(key) == is_one
    first, second = (subjects.known_as(UUID(int=number), key) for number in (1, 2))
    assert (first == second) == is_one
