"""Two custodians approve exactly one request by signing it; nothing else opens anything."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.cases import errands
from logs.cases.models import ApprovalRequest, Case, CaseState, Decision, Look, Notice, RequestState
from logs.vault import assigning, deciding
from logs.vault.models import VaultApproval, VaultPasskey, VaultRequest
from logs.vault.petitions import OPEN_FOR
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.people import give_role, take_role
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound, OrgoError, Unavailable
from tests.builders import a_user, an_organization, setting_the_scene
from tests.custodians import Custodian, a_custodian, confirm
from tests.logs.vault.scene import REASON, Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

UNKNOWN = "00000000-0000-4000-8000-000000000000"
pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def code_of(call: Any, *arguments: Any, **options: Any) -> str:
    """Why it was refused."""
    with pytest.raises(OrgoError) as refusal:
        call(*arguments, **options)
    return refusal.value.code


def looks() -> list[tuple[int, str, UUID | None, str]]:
    with the_vaults_rights():
        rows = Look.objects.order_by("pk")
        return list(rows.values_list("user", "what", "case_code", "purpose"))


def notices() -> set[tuple[str, int]]:
    """Of requests; those of the custodians' passkeys are left out."""
    with the_vaults_rights():
        rows = Notice.objects.exclude(kind__startswith="enrol_")
        return set(rows.values_list("kind", "user"))


def deactivate(user: User) -> None:
    with setting_the_scene():
        User.objects.filter(pk=user.pk).update(is_active=False)


def a_participant(scene: Scene) -> Custodian:
    """A custodian who is Jane Roe herself."""
    return a_custodian(scene.home, "jane.roe@organization.com")


# --- asking ---------------------------------------------------------------------------------------


def test_two_custodians_grant_a_reveal(scene: Scene) -> None:
    request = scene.reveal()
    assert shown(request).state == RequestState.PENDING
    assert scene.anna.approve(request) == "pending"
    assert scene.ben.approve(request) == "approved"
    minutes = shown(request).expires_at - timezone.now()
    assert timedelta(minutes=9) < minutes <= timedelta(minutes=10)


def test_the_reason_is_in_no_table_in_the_clear(scene: Scene) -> None:
    scene.reveal(reason="Zanzibar called")
    with the_vaults_rights(), connection.cursor() as cursor:
        tables = ["hr.approval_request", "hr.look", "hr.notice", "hr.decision", "vault.request"]
        for table in tables:
            cursor.execute(f"SELECT string_agg(t::text, '') FROM {table} t")  # noqa: S608  # above
            text = cursor.fetchone()[0] or ""
            assert "Zanzibar" not in text
            assert b"Zanzibar".hex() not in text


def test_whoever_has_no_grant_on_the_case_asks_in_vain(scene: Scene) -> None:
    others = [
        a_user(Role.HR_MANAGER, scene.home),
        a_user(Role.HR_MANAGER, an_organization()),
        a_user(Role.DPO, scene.home),
        scene.anna.user,
    ]
    for other in others:
        assert code_of(scene.reveal, by=other) == "not_found"
    scene.reveal()


def test_a_case_is_asked_about_in_its_own_organization_only(scene: Scene) -> None:
    elsewhere = an_organization()
    with setting_the_scene():
        give_role(scene.hr, Role.HR_MANAGER, elsewhere)
    body: dict[str, Any] = {"case": str(scene.case.code), "label": "Anon1", "field": "email"}
    body |= {"minutes": 5, "views": 1, "reason": REASON}
    told = code_of(errands.ask, "ask_reveal", elsewhere, body, by=scene.hr)
    assert told == "not_found"


def test_who_asks_for_the_same_again_is_told_of_the_request_that_waits(scene: Scene) -> None:
    first = scene.reveal()
    with pytest.raises(Conflict, match=first) as caught:
        scene.reveal(reason="once more", minutes=5)
    assert caught.value.code == "asked_already"
    assert scene.reveal(label="Anon2")
    assert scene.reveal(field="name")
    scene.anna.deny(first)
    assert scene.reveal()


def test_an_hr_manager_who_left_asks_in_vain(scene: Scene) -> None:
    deactivate(scene.hr)
    assert code_of(scene.reveal) == "not_found"


def test_an_hr_manager_who_takes_part_asks_in_vain(scene: Scene) -> None:
    with setting_the_scene():
        User.objects.filter(pk=scene.hr.pk).update(email="Jane.Roe@organization.com")
    assert code_of(scene.reveal) == "not_found"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"label": "Anon3"}, "not_found"),
        ({"label": "Anon\0"}, "bad_petition"),
        ({"label": 1}, "bad_input"),
        ({"case": UNKNOWN}, "not_found"),
        ({"case": "x"}, "not_found"),
        ({"field": "password"}, "bad_input"),
        ({"minutes": 16}, "bad_petition"),
        ({"minutes": 0}, "bad_petition"),
        ({"minutes": True}, "bad_input"),
        ({"minutes": 2**40}, "bad_input"),
        ({"views": 4}, "bad_petition"),
        ({"views": "2"}, "bad_input"),
        ({"reason": " "}, "bad_input"),
        ({"reason": "x" * 2001}, "bad_input"),
    ],
)
def test_what_fits_no_reveal_is_refused(scene: Scene, changes: dict[str, Any], code: str) -> None:
    assert code_of(scene.reveal, **changes) == code


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
KINDS = ["ask_reveal", "ask_erasure", "challenge", "approve", "deny", "withdraw", "view", "assign"]
NAMES = ["id", "case", "label", "field", "minutes", "views", "reason", "assertion", "person", "why"]


@pytest.mark.long
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(kind=st.sampled_from(KINDS), body=st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_no_body_does_more_than_be_refused(scene: Scene, kind: str, body: dict[str, Any]) -> None:
    """Whatever a stolen web process sends: the vault answers, and does not fall over."""
    for user in (scene.hr, scene.anna.user):
        real = {"id": scene.reveal(), "case": str(scene.case.code), "label": "Anon1"}
        with contextlib.suppress(BadInput, NotAllowed, NotFound, Conflict):
            scene.ask(kind, user, **real | body)
        with contextlib.suppress(Conflict):
            scene.ask("withdraw", id=real["id"])


# --- deciding -------------------------------------------------------------------------------------


def test_a_custodian_sees_all_that_is_signed(scene: Scene) -> None:
    request = scene.reveal()
    scene.ben.approve(request)
    told = scene.anna.ask("challenge", id=request)
    petition = told["petition"]
    expected = {"act": "reveal", "label": "Anon1", "field": "email", "minutes": 10, "views": 2}
    assert petition | expected == petition
    assert petition["case"] == str(scene.case.code)
    assert (told["reason"], told["person"], told["denials"]) == (REASON, "", [])
    assert told["requester"] == scene.hr.username
    assert [one["custodian"] for one in told["approvals"]] == [scene.ben.user.username]


def test_one_custodian_approves_once(scene: Scene) -> None:
    request = scene.reveal()
    signed = scene.anna.sign(request)
    scene.anna.ask("approve", id=request, assertion=signed)
    for assertion in (signed, None):
        told = code_of(scene.anna.ask, "approve", id=request, assertion=assertion)
        assert told == "decided_already"
    assert shown(request).state == RequestState.PENDING


def test_two_passkeys_of_one_custodian_are_one_approval(scene: Scene) -> None:
    second = scene.anna.enrol("phone")
    options = scene.ben.ask("enrol_confirm", id=second)["options"]
    scene.ben.ask("enrol_confirm", id=second, assertion=scene.ben.browser.get(options))
    request = scene.reveal()
    options = scene.anna.ask("challenge", id=request)["options"]
    signed = [scene.anna.browser.get(options, known) for known in scene.anna.browser.keys]
    assert len(signed) == 2
    scene.anna.ask("approve", id=request, assertion=signed[1])
    told = code_of(scene.anna.ask, "approve", id=request, assertion=signed[0])
    assert told == "decided_already"


def test_one_denial_ends_a_request_and_stays_visible(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    assert scene.ben.deny(request, why="HR can write to Anon1") == "denied"
    carl = a_custodian(scene.home)
    for kind in ("challenge", "approve", "deny"):
        assert code_of(carl.ask, kind, id=request, why="no") == "not_open"
    again = scene.reveal(field="name")
    (denial,) = carl.ask("challenge", id=again)["denials"]
    assert (denial["custodian"], denial["field"], denial["why"]) == (
        scene.ben.user.username,
        "email",
        "HR can write to Anon1",
    )
    other_label = scene.reveal(label="Anon2")
    assert carl.ask("challenge", id=other_label)["denials"] == []


def test_a_denial_needs_no_passkey_but_a_reason(scene: Scene) -> None:
    carl, request = a_custodian(scene.home, ready=False), scene.reveal()
    assert code_of(carl.ask, "challenge", id=request) == "no_passkey"
    assert code_of(carl.ask, "approve", id=request, assertion={}) == "no_passkey"
    assert code_of(carl.ask, "deny", id=request) == "bad_input"
    assert carl.deny(request) == "denied"


@pytest.mark.parametrize("kind", ["challenge", "approve", "deny", "requests"])
def test_nobody_but_custodians_decides(scene: Scene, kind: str) -> None:
    request = scene.reveal()
    others = [
        scene.hr,
        a_user(Role.ADMIN, scene.home),
        a_user(Role.DPO, scene.home),
        a_user(Role.AUDITOR, scene.home),
        a_custodian(an_organization()).user,
    ]
    for other in others:
        told = code_of(scene.ask, kind, other, id=request, why="no", assertion={})
        assert told == "not_found"


def test_nobody_decides_a_request_of_their_own(scene: Scene) -> None:
    with setting_the_scene():
        give_role(scene.anna.user, Role.HR_MANAGER, scene.home)
    with the_vaults_rights():
        assigning.give(scene.case, scene.anna.user.pk)
    request = scene.reveal(by=scene.anna.user)
    for kind in ("challenge", "approve", "deny"):
        told = code_of(scene.anna.ask, kind, id=request, why="no", assertion={})
        assert told == "own_request"


def test_a_participant_is_told_what_everybody_is_told_of_what_is_not_there(scene: Scene) -> None:
    jane, request = a_participant(scene), scene.reveal()
    for kind in ("challenge", "approve", "deny"):
        refusals = []
        for identifier in (request, str(uuid4())):
            with pytest.raises(NotFound) as refusal:
                jane.ask(kind, id=identifier, why="no", assertion={})
            refusals.append((refusal.value.code, refusal.value.sentence, refusal.value.path))
        assert refusals[0] == refusals[1]


def test_a_list_leaves_out_what_its_reader_takes_part_in(scene: Scene) -> None:
    jane, first, second = a_participant(scene), scene.reveal(), scene.reveal(label="Anon2")
    person = {"person": "Jane.Roe@organization.com", "reason": "asked for it"}
    erasure = scene.ask("ask_erasure", a_user(Role.DPO, scene.home), **person)["id"]
    assert jane.ask("requests") == {"ids": []}
    assert scene.anna.ask("requests") == {"ids": [erasure, second, first]}
    with the_vaults_rights():
        VaultRequest.objects.filter(pk=second).update(content=b"spoilt")
    assert scene.anna.ask("requests") == {"ids": [erasure, first]}


def test_an_approver_who_is_no_custodian_any_more_does_not_count(scene: Scene) -> None:
    request, carl = scene.reveal(), a_custodian(scene.home)
    scene.anna.approve(request)
    with setting_the_scene():
        take_role(scene.anna.user, Role.CUSTODIAN, scene.home)
    assert scene.ben.approve(request) == "pending"
    assert carl.approve(request) == "approved"


def test_an_approver_who_left_does_not_count(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    deactivate(scene.anna.user)
    assert scene.ben.approve(request) == "pending"


def test_an_approver_who_came_to_take_part_does_not_count(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    with setting_the_scene():
        User.objects.filter(pk=scene.anna.user.pk).update(email="john.doe@organization.com")
    assert scene.ben.approve(request) == "pending"


def test_a_revoked_passkeys_open_approvals_are_void(scene: Scene) -> None:
    waiting, granted = scene.reveal(), scene.granted(field="name")
    scene.anna.approve(waiting)
    scene.ben.ask("revoke_passkey", id=scene.anna.passkeys[0])
    assert scene.ben.approve(waiting) == "pending"
    assert shown(granted).state == RequestState.EXPIRED
    assert code_of(scene.view, granted) == "not_approved"
    with the_vaults_rights():
        voided = Decision.objects.exclude(voided_at=None).values_list("request", "custodian")
        assert set(voided) == {(UUID(one), scene.anna.user.pk) for one in (waiting, granted)}


def test_whoever_asked_withdraws_while_it_waits(scene: Scene) -> None:
    request, granted = scene.reveal(), scene.granted(field="name")
    assert code_of(scene.anna.ask, "withdraw", id=request) == "not_found"
    assert scene.ask("withdraw", id=request) == {"state": "withdrawn"}
    assert code_of(scene.anna.sign, request) == "not_open"
    for over in (request, granted):
        assert code_of(scene.ask, "withdraw", id=over) == "not_open"


def test_an_undecided_request_expires(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    signed = scene.ben.sign(request)
    with time_machine.travel(timezone.now() + OPEN_FOR):
        told = code_of(scene.ben.ask, "approve", id=request, assertion=signed)
        assert told == "not_open"
        with the_vaults_rights():
            deciding.expire(timezone.now())
            assert VaultRequest.objects.get(pk=request).ended_at is not None
    assert shown(request).state == RequestState.EXPIRED


def test_only_what_is_late_expires(scene: Scene) -> None:
    waiting, granted = scene.reveal(), scene.granted(field="name")
    denied = scene.reveal(label="Anon2")
    scene.anna.deny(denied)
    with the_vaults_rights():
        deciding.expire(timezone.now() + timedelta(minutes=9))
        assert shown(granted).state == RequestState.APPROVED
        deciding.expire(timezone.now() + timedelta(minutes=11))
    states = [shown(one).state for one in (waiting, granted, denied)]
    assert states == [RequestState.PENDING, RequestState.EXPIRED, RequestState.DENIED]


# --- who hears of it ------------------------------------------------------------------------------


def test_each_step_leaves_a_line_in_the_restricted_access_log(scene: Scene) -> None:
    before = len(looks())
    request = scene.granted()
    scene.view(request)
    purpose, code = f"reveal request {request}", scene.case.code
    assert looks()[before:] == [
        (scene.hr.pk, "request", code, purpose),
        (scene.anna.user.pk, "decision", code, purpose),
        (scene.ben.user.pk, "decision", code, purpose),
        (scene.hr.pk, "reveal", code, purpose),
    ]


def test_owner_dpo_auditor_and_who_may_decide_are_told(scene: Scene) -> None:
    a_participant(scene)  # who is told nothing
    told = {scene.hr.pk} | {a_user(role, scene.home).pk for role in (Role.DPO, Role.AUDITOR)}
    for role in (Role.ADMIN, Role.USER, Role.HR_MANAGER):
        a_user(role, scene.home)
    a_user(Role.DPO, an_organization())
    deactivate(a_user(Role.DPO, scene.home))
    scene.view(scene.granted(minutes=1))
    scene.anna.deny(scene.reveal())
    with the_vaults_rights():
        deciding.expire(timezone.now() + timedelta(minutes=2))
    kinds = ["asked", "approved", "viewed", "denied", "expired"]
    asked = {("reveal_asked", custodian.user.pk) for custodian in (scene.anna, scene.ben)}
    assert notices() == {(f"reveal_{kind}", user) for kind in kinds for user in told} | asked


# --- a stolen web process, and SQL ----------------------------------------------------------------


@pytest.mark.parametrize("state", ["approved", "done"])
def test_a_status_set_by_sql_opens_nothing(scene: Scene, state: str) -> None:
    request = scene.reveal()
    with the_vaults_rights():
        ApprovalRequest.objects.filter(pk=request).update(state=state, views=3)
    assert code_of(scene.view, request) == "not_approved"


def test_decisions_planted_by_sql_open_nothing(scene: Scene) -> None:
    request = scene.reveal()
    with the_vaults_rights():
        for custodian in (scene.anna, scene.ben):
            Decision.objects.create(
                request_id=request,
                custodian_id=custodian.user.pk,
                approved=True,
                decided_at=timezone.now(),
            )
        ApprovalRequest.objects.filter(pk=request).update(state="approved")
    assert code_of(scene.view, request) == "not_approved"


def test_approvals_planted_by_sql_open_nothing(scene: Scene) -> None:
    """Not even with signatures of another request, in the vault's own table."""
    other, request = scene.reveal(), scene.reveal(field="name")
    scene.anna.approve(other)
    scene.ben.approve(other)
    with the_vaults_rights():
        for approval in VaultApproval.objects.filter(request=UUID(other)):
            approval.pk, approval.request_id = uuid4(), UUID(request)
            approval.save(force_insert=True)
    carl = a_custodian(scene.home)
    assert carl.ask("challenge", id=request)["approvals"] == []
    assert carl.approve(request) == "pending"
    assert code_of(scene.view, request) == "not_approved"


def test_one_signature_does_not_count_for_two_people(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    with the_vaults_rights():
        (approval,) = VaultApproval.objects.all()
        approval.pk, approval.user_id = uuid4(), scene.ben.user.pk
        approval.save(force_insert=True)
    told = a_custodian(scene.home).ask("challenge", id=request)["approvals"]
    assert [one["custodian"] for one in told] == [scene.anna.user.username]


def test_a_passkey_of_another_organization_does_not_count_here(scene: Scene) -> None:
    elsewhere, anna = an_organization(), scene.anna
    with setting_the_scene():
        give_role(anna.user, Role.CUSTODIAN, elsewhere)
    foreign = Custodian(elsewhere, anna.user)
    confirm(foreign.enrol())
    request = scene.reveal()
    options = anna.ask("challenge", id=request)["options"]
    signed = foreign.browser.get(options, next(iter(foreign.browser.keys)))
    assert code_of(anna.ask, "approve", id=request, assertion=signed) == "bad_assertion"
    with the_vaults_rights():
        VaultApproval.objects.create(
            request_id=UUID(request),
            passkey_id=UUID(foreign.passkeys[0]),
            user_id=anna.user.pk,
            assertion=signed,
            approved_at=timezone.now(),
        )
    assert scene.ben.approve(request) == "pending"


def test_a_changed_request_is_refused(scene: Scene) -> None:
    request, other = scene.granted(), scene.reveal()
    with the_vaults_rights():
        whole = bytes(VaultRequest.objects.get(pk=request).content)
        swapped = bytes(VaultRequest.objects.get(pk=other).content)
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    for content in (flipped, swapped, b"", whole[:20]):
        with the_vaults_rights():
            VaultRequest.objects.filter(pk=request).update(content=content)
        with pytest.raises(Unavailable) as refusal:
            scene.view(request)
        assert refusal.value.code == "vault_keys_lost"
    with the_vaults_rights():
        VaultRequest.objects.filter(pk=request).update(content=whole)
    assert scene.view(request)["value"] == "jane.roe@organization.com"


def test_a_request_put_back_to_before_it_was_granted_shows_nothing(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    with the_vaults_rights():
        before = bytes(VaultRequest.objects.get(pk=request).content)
    scene.ben.approve(request)
    with the_vaults_rights():
        VaultRequest.objects.filter(pk=request).update(content=before)
    assert code_of(scene.view, request) == "not_approved"


def test_a_request_moved_to_another_organization_is_not_found_there(scene: Scene) -> None:
    elsewhere, request = an_organization(), scene.reveal()
    stranger = a_custodian(elsewhere)
    with the_vaults_rights():
        VaultRequest.objects.filter(pk=request).update(organization=elsewhere)
    assert code_of(stranger.sign, request) == "not_found"


def test_an_assertion_does_not_serve_another_request(scene: Scene) -> None:
    first, second = scene.reveal(), scene.reveal(field="name")
    signed = scene.anna.sign(first)
    told = code_of(scene.anna.ask, "approve", id=second, assertion=signed)
    assert told == "bad_assertion"
    with the_vaults_rights():
        assert not VaultApproval.objects.exists()


def test_another_ones_passkey_does_not_approve(scene: Scene) -> None:
    request = scene.reveal()
    signed = scene.anna.sign(request)
    told = code_of(scene.ben.ask, "approve", id=request, assertion=signed)
    assert told == "bad_assertion"
    stranger = a_custodian(scene.home)
    options = scene.anna.ask("challenge", id=request)["options"]
    forged = stranger.browser.get(options, next(iter(stranger.browser.keys)))
    forged |= {"id": options["allowCredentials"][0]["id"]}
    forged |= {"rawId": forged["id"]}
    told = code_of(scene.anna.ask, "approve", id=request, assertion=forged)
    assert told == "bad_assertion"


def test_neither_an_unconfirmed_nor_a_revoked_passkey_approves(scene: Scene) -> None:
    request = scene.reveal()
    known = next(iter(scene.anna.browser.keys))
    scene.anna.enrol("phone")
    options = scene.anna.ask("challenge", id=request)["options"]
    assert len(options["allowCredentials"]) == 1
    new = next(one for one in scene.anna.browser.keys if one != known)
    signed = scene.anna.browser.get(options, new)
    assert code_of(scene.anna.ask, "approve", id=request, assertion=signed) == "bad_assertion"
    signed = scene.anna.browser.get(options, known)
    scene.anna.ask("revoke_passkey", id=scene.anna.passkeys[0])
    assert code_of(scene.anna.ask, "approve", id=request, assertion=signed) == "no_passkey"


def test_a_used_count_is_stored(scene: Scene) -> None:
    """A copy of a counting passkey, left behind at an older count, is found out."""
    first, second = scene.reveal(), scene.reveal(field="name")
    scene.anna.browser.count = 41
    scene.anna.approve(first)
    with the_vaults_rights():
        assert VaultPasskey.objects.get(user_id=scene.anna.user.pk).sign_count == 41
    scene.anna.browser.count = 41
    assert code_of(scene.anna.approve, second) == "bad_assertion"


def test_made_up_users_open_nothing(scene: Scene) -> None:
    request = scene.granted()
    for user in (a_user(Role.USER, scene.home), a_user(Role.HR_MANAGER, scene.home)):
        assert code_of(scene.view, request, by=user) == "not_found"
        assert code_of(scene.ask, "withdraw", user, id=request) == "not_found"


def test_no_person_at_all_may_ask_for_an_erasure_only(scene: Scene) -> None:
    request = scene.reveal()
    body = {"id": request, "case": str(scene.case.code), "why": "x"}
    for kind in ("ask_reveal", "challenge", "approve", "deny", "withdraw", "view", "assign"):
        assert code_of(errands.ask, kind, scene.home, body, by=None) == "bad_input"


# --- erasure --------------------------------------------------------------------------------------


def test_an_erasure_is_asked_for_without_learning_anything(scene: Scene) -> None:
    dpo = a_user(Role.DPO, scene.home)
    for person in ("jane.roe@organization.com", "nobody@organization.com"):
        told = scene.ask("ask_erasure", dpo, person=person, reason="asked for it")
        row = shown(told["id"])
        assert list(told) == ["id"]
        assert (row.act, row.case_code, row.label, row.requester_id) == ("erase", None, "", dpo.pk)
        challenge = scene.anna.ask("challenge", id=told["id"])
        assert (challenge["person"], challenge["reason"]) == (person, "asked for it")


@pytest.mark.parametrize("role", [Role.HR_MANAGER, Role.ADMIN, Role.AUDITOR, Role.USER])
def test_others_ask_for_no_erasure(scene: Scene, role: Role) -> None:
    user = a_user(role, scene.home)
    assert code_of(scene.ask, "ask_erasure", user, person="a@b.org", reason="x") == "not_found"


def test_an_operator_asks_for_an_erasure(scene: Scene) -> None:
    body = {"person": "Jane Roe", "reason": "a letter"}
    told = errands.ask("ask_erasure", scene.home, body, by=None)
    assert shown(told["id"]).requester_id is None
    assert scene.anna.ask("challenge", id=told["id"])["requester"] == ""


@pytest.mark.parametrize("person", ["", " ", "<>", 5, None])
def test_an_erasure_names_somebody(scene: Scene, person: object) -> None:
    dpo = a_user(Role.DPO, scene.home)
    with pytest.raises(BadInput) as refusal:
        scene.ask("ask_erasure", dpo, person=person, reason="x")
    assert refusal.value.path == "person"


def test_a_granted_erasure_is_carried_out_and_seen_by_those_who_approved_it(
    scene: Scene,
) -> None:
    carl, dpo = a_custodian(scene.home), a_user(Role.DPO, scene.home)
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())
    person = "jane.roe@organization.com"
    request = scene.ask("ask_erasure", dpo, person=person, reason="asked for it")["id"]
    assert scene.anna.approve(request) == "pending"
    assert scene.ben.approve(request) == "approved"
    assert (shown(request).state, bool(shown(request).certificate)) == ("done", True)
    assert scene.anna.ask("requests") == scene.ben.ask("requests") == {"ids": [request]}
    assert carl.ask("requests") == {"ids": []}


def test_who_is_to_be_erased_does_not_decide_it(scene: Scene) -> None:
    jane, dpo = a_participant(scene), a_user(Role.DPO, scene.home)
    told = scene.ask("ask_erasure", dpo, person="JANE.ROE@organization.com", reason="x")
    assert code_of(jane.sign, told["id"]) == "not_found"


def test_a_custodian_who_asks_for_an_erasure_does_not_approve_it(scene: Scene) -> None:
    told = scene.anna.ask("ask_erasure", person="a@b.org", reason="x")
    assert code_of(scene.anna.sign, told["id"]) == "own_request"
    assert scene.ben.approve(told["id"]) == "pending"
