"""Break-glass over HTTP: HR asks and views, two custodians decide, everybody else finds nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from pytest_django import Settings

from logs.cases.models import Look
from logs.record.models import Event
from orgo_audit.accounts.models import Role, Scope
from orgo_audit.accounts.people import give_role
from tests.authenticator import from_base64url
from tests.builders import (
    API,
    Answer,
    Caller,
    a_token,
    a_user,
    an_organization,
    setting_the_scene,
)
from tests.custodians import Custodian, a_custodian
from tests.logs.vault.scene import REASON, Scene, a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

UNKNOWN = "01a1b1c1-0000-4000-8000-000000000000"
ASKED = {"label": "Anon1", "field": "email", "minutes": 10, "views": 2, "reason": REASON}


@dataclass(frozen=True)
class Doors:
    """The addresses of one case's requests, and who calls them."""

    scene: Scene

    @property
    def hr(self) -> Caller:
        return Caller(user=self.scene.hr)

    @property
    def requests(self) -> str:
        return requests_of(self.scene)

    def ask(self, **changes: Any) -> str:
        answer = self.hr.post(self.requests, ASKED | changes)
        assert answer.status == 201, answer.content
        return str(answer.json["id"])

    def challenge(self, custodian: Custodian, request: str) -> Answer:
        return Caller(user=custodian.user).get(f"{self.requests}{request}/challenge/")

    def approve(self, custodian: Custodian, request: str) -> Answer:
        options = self.challenge(custodian, request).json["options"]
        body = {"assertion": custodian.browser.get(options)}
        return Caller(user=custodian.user).post(f"{self.requests}{request}/approve/", body)

    def deny(self, custodian: Custodian, request: str, why: str = "no need") -> Answer:
        path = f"{self.requests}{request}/deny/"
        return Caller(user=custodian.user).post(path, {"why": why})

    def view(self, request: str) -> Answer:
        return self.hr.post(f"{self.requests}{request}/view/", {})

    def granted(self) -> str:
        request = self.ask()
        for custodian in (self.scene.anna, self.scene.ben):
            assert self.approve(custodian, request).status == 200
        return request


def requests_of(scene: Scene) -> str:
    return f"{API}/cases/{scene.case.code}/reveal-requests/"


@pytest.fixture
def doors(vault_at_hand: VaultAtHand) -> Doors:
    return Doors(a_scene(vault_at_hand))


def assert_problem(answer: Answer, status: int, code: str, path: str = "") -> None:
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert (answer.json["code"], answer.json.get("path", "")) == (code, path)


def looks() -> list[tuple[int, str]]:
    with the_vaults_rights():
        return list(Look.objects.order_by("pk").values_list("user", "what"))


def test_two_custodians_let_hr_see_one_value(doors: Doors) -> None:
    scene = doors.scene
    answer = doors.hr.post(doors.requests, ASKED)
    assert (answer.status, set(answer.json)) == (201, {"id", "state"})
    assert answer.json["state"] == "pending"
    request = answer.json["id"]
    assert_problem(doors.view(request), 409, "not_approved")
    assert doors.approve(scene.anna, request).json == {"state": "pending"}
    assert_problem(doors.view(request), 409, "not_approved")
    assert doors.approve(scene.ben, request).json == {"state": "approved"}
    for _ in range(2):
        seen = doors.view(request)
        assert (seen.status, seen.json) == (200, {"value": "jane.roe@organization.com"})
        assert seen.headers["Cache-Control"] == "no-store"
    assert_problem(doors.view(request), 409, "reveal_over")


def test_a_custodian_is_shown_what_is_signed(doors: Doors) -> None:
    told = doors.challenge(doors.scene.anna, doors.ask()).json
    assert set(told) == {
        *("petition", "reason", "requester", "options", "approvals", "denials"),
    }
    petition = {name: told["petition"][name] for name in ("act", "case", "label", "field")}
    assert petition == {
        "act": "reveal",
        "case": str(doors.scene.case.code),
        "label": "Anon1",
        "field": "email",
    }
    assert (told["reason"], told["requester"]) == (REASON, doors.scene.hr.username)
    assert told["options"]["allowCredentials"]
    signed = json.dumps(told["petition"], sort_keys=True, separators=(",", ":")).encode()
    assert from_base64url(told["options"]["challenge"]) == sha256(signed).digest()


def test_one_denial_ends_a_request_and_stays_visible(doors: Doors) -> None:
    scene, request = doors.scene, doors.ask()
    doors.approve(scene.anna, request)
    assert doors.deny(scene.ben, request, "not proportionate").json == {"state": "denied"}
    assert_problem(doors.view(request), 409, "not_approved")
    (denial,) = doors.challenge(scene.anna, doors.ask()).json["denials"]
    assert (denial["custodian"], denial["why"]) == (scene.ben.user.username, "not proportionate")


def test_a_case_lists_its_requests(doors: Doors) -> None:
    scene = doors.scene
    assert doors.hr.get(doors.requests).json == {"results": []}
    request = doors.granted()
    for caller in (doors.hr, Caller(user=scene.anna.user)):
        (listed,) = caller.get(doors.requests).json["results"]
        decisions = listed.pop("decisions")
        times = [listed.pop(name) for name in ("asked_at", "expires_at")]
        assert listed == {
            **{name: ASKED[name] for name in ("label", "field", "minutes", "views")},
            "id": request,
            "state": "approved",
            "views_done": 0,
            "requester": scene.hr.username,
        }
        assert times == sorted(times)
        assert {one["custodian"] for one in decisions} == {
            scene.anna.user.username,
            scene.ben.user.username,
        }
        assert {(one["approved"], one["is_void"]) for one in decisions} == {(True, False)}


# --- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"label": None}, "missing_field", "label"),
        ({"minutes": "10"}, "wrong_type", "minutes"),
        ({"views": True}, "wrong_type", "views"),
        ({"views": 1.0}, "wrong_type", "views"),
        ({"reason": " "}, "wrong_length", "reason"),
        ({"reason": "x" * 2001}, "wrong_length", "reason"),
        ({"reason": "x" * 40_000}, "too_large", ""),
        ({"case": UNKNOWN}, "unknown_field", "case"),
        ({"requester": 1}, "unknown_field", "requester"),
        ({"minutes": 16}, "bad_petition", "minutes"),
        ({"views": 4}, "bad_petition", "views"),
        ({"minutes": 0}, "bad_petition", "minutes"),
        ({"field": "shoe size"}, "bad_input", "field"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_used_is_refused(
    changes: dict[str, Any], code: str, path: str, doors: Doors
) -> None:
    body = {name: value for name, value in (ASKED | changes).items() if value is not None}
    assert_problem(doors.hr.post(doors.requests, body), 400, code, path)
    assert doors.hr.get(doors.requests).json == {"results": []}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed_json"),
        (b"[]", "wrong_type"),
        (b'{"label": "a", "label": "b"}', "duplicate_key"),
        (b'{"label": "\\u0000"}', "nul_character"),
        (b"\xff", "malformed_json"),
    ],
    ids=repr,
)
def test_rubbish_is_refused_at_every_door(raw: bytes, code: str, doors: Doors) -> None:
    request, anna = doors.ask(), Caller(user=doors.scene.anna.user)
    assert doors.hr.post(doors.requests, raw).json["code"] == code
    for how in ("approve", "deny"):
        answer = anna.post(f"{doors.requests}{request}/{how}/", raw)
        assert (answer.status, answer.json["code"]) == (400, code)


@pytest.mark.parametrize(("raw", "code"), [(b"{", "malformed_json"), (b"[]", "unexpected_body")])
def test_a_view_takes_no_words(raw: bytes, code: str, doors: Doors) -> None:
    answer = doors.hr.post(f"{doors.requests}{doors.granted()}/view/", raw)
    assert_problem(answer, 400, code)


def test_the_same_is_not_asked_for_twice_at_once(doors: Doors) -> None:
    request = doors.ask()
    answer = doors.hr.post(doors.requests, ASKED)
    assert_problem(answer, 409, "asked_already")
    assert request in answer.json["detail"]


def test_an_unknown_label_is_not_there(doors: Doors) -> None:
    assert_problem(doors.hr.post(doors.requests, ASKED | {"label": "Anon9"}), 404, "not_found")


@pytest.mark.parametrize("assertion", [{}, {"id": "x"}, {"id": "é", "response": []}], ids=str)
def test_what_is_no_signature_approves_nothing(assertion: dict[str, Any], doors: Doors) -> None:
    request = doors.ask()
    path = f"{doors.requests}{request}/approve/"
    answer = Caller(user=doors.scene.anna.user).post(path, {"assertion": assertion})
    assert_problem(answer, 400, "bad_assertion")
    assert doors.hr.get(doors.requests).json["results"][0]["decisions"] == []


def test_a_signature_for_another_request_approves_nothing(doors: Doors) -> None:
    anna, request, other = doors.scene.anna, doors.ask(), doors.ask(label="Anon2")
    body = {"assertion": anna.browser.get(doors.challenge(anna, other).json["options"])}
    answer = Caller(user=anna.user).post(f"{doors.requests}{request}/approve/", body)
    assert_problem(answer, 400, "bad_assertion")


def test_no_door_takes_parameters(doors: Doors) -> None:
    request, anna = doors.granted(), Caller(user=doors.scene.anna.user)
    for caller, method, path in (
        (doors.hr, "GET", ""),
        (doors.hr, "POST", ""),
        (anna, "GET", f"{request}/challenge/"),
        (anna, "POST", f"{request}/approve/"),
        (anna, "POST", f"{request}/deny/"),
        (doors.hr, "POST", f"{request}/view/"),
    ):
        answer = caller.call(method, f"{doors.requests}{path}?force=1", ASKED)
        assert_problem(answer, 400, "unknown_parameter", "force")


# --- who ----------------------------------------------------------------------------------------


def every_call(doors: Doors, request: str) -> list[tuple[str, str, Any]]:
    path = f"{doors.requests}{request}/"
    return [
        ("GET", doors.requests, b""),
        ("POST", doors.requests, ASKED),
        ("GET", f"{path}challenge/", b""),
        ("POST", f"{path}approve/", {"assertion": {}}),
        ("POST", f"{path}deny/", {"why": "no need"}),
        ("POST", f"{path}view/", {}),
    ]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.USER])
def test_others_find_nothing(role: Role, doors: Doors) -> None:
    stranger = Caller(user=a_user(role, doors.scene.home))
    for method, path, body in every_call(doors, doors.granted()):
        assert_problem(stranger.call(method, path, body), 404, "not_found")


def test_each_does_only_what_is_theirs(doors: Doors) -> None:
    request, home = doors.granted(), doors.scene.home
    for caller, expected in (
        # list, ask, challenge, approve, deny, view
        (doors.hr, [200, 201, 404, 404, 404, 200]),
        (Caller(user=doors.scene.anna.user), [200, 404, 409, 409, 409, 404]),
        (Caller(user=a_user(Role.DPO, home)), [200, 404, 404, 404, 404, 404]),
        (Caller(user=a_user(Role.AUDITOR, home)), [200, 404, 404, 404, 404, 404]),
    ):
        assert [caller.call(*call).status for call in every_call(doors, request)] == expected


@pytest.mark.parametrize("scope", Scope)
def test_no_token_breaks_the_glass(scope: Scope, doors: Doors) -> None:
    service = Caller(token=a_token(doors.scene.home, scope))
    for method, path, body in every_call(doors, doors.granted()):
        assert_problem(service.call(method, path, body), 403, "person_needed")


def test_nobody_is_asked_for_credentials(doors: Doors) -> None:
    for method, path, body in every_call(doors, UNKNOWN):
        answer = Caller().call(method, path, body)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_without_the_forms_secret_nothing_happens(doors: Doors) -> None:
    request = doors.granted()
    for user in (doors.scene.hr, doors.scene.anna.user):
        caller = Caller(user=user)
        caller.client.handler.enforce_csrf_checks = True
        for method, path, body in every_call(doors, request):
            if method == "POST":
                assert_problem(caller.call(method, path, body), 403, "not_allowed")
    assert doors.view(request).status == 200


def test_a_request_is_found_in_its_own_case_alone(doors: Doors, vault_at_hand: VaultAtHand) -> None:
    request, other = doors.granted(), Doors(a_scene(vault_at_hand, an_organization()))
    foreign = other.ask()
    for asked, case in ((request, other), (foreign, doors), (UNKNOWN, doors)):
        for caller in (doors.hr, Caller(user=doors.scene.anna.user)):
            for method, path, body in every_call(case, asked)[2:]:
                answer = caller.call(method, path, body)
                unknown = caller.call(method, path.replace(asked, UNKNOWN), body)
                assert answer.whole == unknown.whole
                assert answer.status == 404


def test_another_hr_manager_of_the_case_sees_no_value(doors: Doors) -> None:
    request = doors.granted()
    other = a_user(Role.HR_MANAGER, doors.scene.home)
    doors.scene.ask("assign", case=str(doors.scene.case.code), user=other.pk, assigned=True)
    caller = Caller(user=other)
    assert caller.get(f"{API}/cases/{doors.scene.case.code}/").status == 200
    assert_problem(caller.post(f"{doors.requests}{request}/view/", {}), 404, "not_found")


def test_from_whom_the_case_was_taken_sees_no_value(doors: Doors) -> None:
    request, scene = doors.granted(), doors.scene
    scene.ask("assign", case=str(scene.case.code), user=scene.hr.pk, assigned=False)
    assert_problem(doors.view(request), 404, "not_found")
    assert_problem(doors.hr.post(doors.requests, ASKED), 404, "not_found")


def test_a_custodian_who_takes_part_finds_no_request(doors: Doors) -> None:
    request = doors.ask()
    jane = Caller(user=a_custodian(doors.scene.home, "jane.roe").user)
    for method, path, body in every_call(doors, request):
        answer = jane.call(method, path, body)
        assert answer.whole == jane.call(method, path.replace(request, UNKNOWN), body).whole
        assert answer.status == 404


# --- the vault away, and what is on record ------------------------------------------------------


def test_while_the_vault_is_away_nothing_is_done_and_that_is_said(
    doors: Doors, vault_at_hand: VaultAtHand
) -> None:
    request = doors.granted()
    vault_at_hand.is_away = True
    assert_problem(doors.hr.post(doors.requests, ASKED), 503, "unavailable")
    assert_problem(doors.view(request), 503, "unavailable")
    assert_problem(doors.challenge(doors.scene.anna, request), 503, "unavailable")
    assert_problem(doors.deny(doors.scene.anna, request), 503, "unavailable")
    vault_at_hand.is_away = False
    assert len(doors.hr.get(doors.requests).json["results"]) == 1
    assert doors.view(request).status == 200


def test_without_the_vaults_key_nothing_can_be_asked(doors: Doors, settings: Settings) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = ""
    assert_problem(doors.hr.post(doors.requests, ASKED), 503, "vault_key_missing")


def test_each_step_is_in_the_restricted_log_and_none_in_the_ordinary_one(doors: Doors) -> None:
    scene, request = doors.scene, doors.granted()
    doors.view(request)
    assert_problem(doors.challenge(scene.anna, request), 409, "decided_already")
    hr, anna, ben = scene.hr.pk, scene.anna.user.pk, scene.ben.user.pk
    assert [line for line in looks() if line[1] in ("request", "decision", "reveal")] == [
        (hr, "request"),
        (anna, "decision"),
        (ben, "decision"),
        (hr, "reveal"),
    ]
    ordinary = Event.objects.filter(organization=scene.home)
    told = {(event.action, str(event.details)) for event in ordinary}
    assert told == {("Login", "{}"), ("Restricted Area Used", "{}")}


def test_a_refusal_of_the_vault_is_not_told_to_admins(doors: Doors) -> None:
    """A custodian who is the requester too."""
    scene = doors.scene
    both = a_custodian(scene.home)
    with setting_the_scene():
        give_role(both.user, Role.HR_MANAGER, scene.home)
    scene.ask("assign", case=str(scene.case.code), user=both.user.pk, assigned=True)
    request = Caller(user=both.user).post(doors.requests, ASKED).json["id"]
    answer = doors.challenge(both, request)
    assert_problem(answer, 403, "own_request")
    assert not Event.objects.filter(organization=scene.home, action="Access Denied").exists()
