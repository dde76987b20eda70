"""`erase_subject`: an operator asks for an erasure, two custodians grant it, the command tells."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError
from django.utils import timezone
from pytest_django import Settings

from logs.cases.models import ApprovalRequest, Case, CaseState, Errand
from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.errors import NotFound
from tests.builders import a_user, an_organization
from tests.commands import refused, run
from tests.logs.vault.running import a_running_vault
from tests.logs.vault.scene import Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

JANE = "jane.roe@organization.com"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
in_one_transaction = pytest.mark.django_db


class Stdin(io.TextIOWrapper):
    """What is piped in, or typed at a terminal."""

    def __init__(self, content: bytes, *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(content: bytes, *, is_terminal: bool = False) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(content, is_terminal=is_terminal))

    given(JANE.encode() + b"\n")
    return given


@pytest.fixture
def scene(vault_at_hand: VaultAtHand, stdin: Any) -> Scene:
    return a_scene(vault_at_hand)


def close_the_case() -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())


def asked(home: Organization) -> dict[str, Any]:
    words = ("erase_subject", "--organization", home.slug, "--reason", "a letter", "--json")
    told: dict[str, Any] = json.loads(run(*words))
    return told


def told(home: Organization, request: str) -> dict[str, Any]:
    words = ("erase_subject", "--organization", home.slug, "--request", request, "--json")
    answer: dict[str, Any] = json.loads(run(*words))
    return answer


def ended(home: Organization, request: str) -> str:
    """What is told of a request after which nothing was erased: exit code 1."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as exit_code:
        call_command("erase_subject", "--organization", home.slug, "--request", request, stdout=out)
    assert exit_code.value.code == 1
    return out.getvalue()


@in_one_transaction
def test_an_operator_asks_and_reads_the_certificate(scene: Scene) -> None:
    close_the_case()
    request = asked(scene.home)["request"]
    page = f"http://localhost:8000/cases/reveals/{request}/"
    waiting = {"request": request, "state": "pending", "page": page, "certificate": None}
    waiting["ordinary_logs"] = "being searched; ask again in a minute"
    assert told(scene.home, request) == waiting
    challenge = scene.anna.ask("challenge", id=request)
    assert (challenge["person"], challenge["reason"]) == (JANE, "a letter")
    scene.anna.approve(request)
    scene.ben.approve(request)
    done = told(scene.home, request)
    assert (done["state"], done["certificate"]) == ("done", shown(request).certificate)
    assert {"store": "identity", "result": "nothing left"} in done["certificate"]


@in_one_transaction
def test_it_speaks_to_people_too(scene: Scene) -> None:
    close_the_case()
    words = ("erase_subject", "--organization", scene.home.slug)
    first, second, third = run(*words, "--reason", "a letter").splitlines()
    request = first.removeprefix("request ").removesuffix(": waits for custodians")
    assert second == f"two custodians approve it at http://localhost:8000/cases/reveals/{request}/"
    assert third == "events in the ordinary logs: being searched; ask again in a minute"
    scene.anna.approve(request)
    scene.ben.approve(request)
    lines = run(*words, "--request", request).splitlines()
    assert lines[0] == f"request {request}: done"
    assert "  identity: nothing left" in lines


@in_one_transaction
def test_an_open_case_forbids_it_and_the_command_says_why(scene: Scene) -> None:
    request = asked(scene.home)["request"]
    scene.anna.approve(request)
    scene.ben.approve(request)
    state, why = ended(scene.home, request).splitlines()
    assert state == f"request {request}: not carried out"
    assert "Art. 17(3)(e)" in why


@in_one_transaction
def test_a_denied_request_ends_with_exit_code_1(scene: Scene) -> None:
    request = asked(scene.home)["request"]
    scene.anna.deny(request)
    assert ended(scene.home, request) == f"request {request}: denied\n"


# --- what it does not tell --------------------------------------------------------------------


@in_one_transaction
def test_it_tells_of_erasures_of_that_organization_alone(scene: Scene) -> None:
    elsewhere = an_organization("elsewhere")
    erasure, reveal = asked(scene.home)["request"], scene.reveal()
    for home, request in ((elsewhere, erasure), (scene.home, reveal), (scene.home, UNKNOWN)):
        why = refused("erase_subject", "--organization", home.slug, "--request", request)
        assert why == f"{home.slug} has no erasure {request}"


@in_one_transaction
@pytest.mark.parametrize("role", list(Role))
def test_people_ask_the_page_and_not_a_commands_question(scene: Scene, role: Role) -> None:
    erasure = asked(scene.home)["request"]
    with pytest.raises(NotFound):
        scene.ask("erasure", a_user(role, scene.home), id=erasure)


@in_one_transaction
def test_the_record_tells_who_and_neither_whom_nor_why(scene: Scene) -> None:
    asked(scene.home)
    (event,) = Event.objects.filter(actor__startswith="system:")
    assert (event.action, event.log_type) == ("Restricted Area Used", "security")
    everything = str(list(Event.objects.values()))
    assert JANE not in everything
    assert "a letter" not in everything


# --- who is to be erased ----------------------------------------------------------------------


@in_one_transaction
@pytest.mark.parametrize("name", ["Jane Roe", "Jānis Bērziņš", "\u0631\u0627\u200c\u0645"])
def test_a_terminal_is_asked_for_one_line(
    scene: Scene, stdin: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    stdin(f"{name}\nnot read\n".encode(), is_terminal=True)
    request = asked(scene.home)["request"]
    assert scene.anna.ask("challenge", id=request)["person"] == name
    assert capsys.readouterr().err == "Address or name of the person: "


@in_one_transaction
@pytest.mark.parametrize("piped", [b"", b" \n\n", b"Jane Roe\nJohn Doe\n", b"J\xfcrgen", b"\xff"])
def test_whatever_is_not_one_person_asks_for_nothing(
    scene: Scene, stdin: Any, piped: bytes
) -> None:
    stdin(piped)
    words = ("erase_subject", "--organization", scene.home.slug, "--reason", "x")
    assert refused(*words) == ("expected the person's address or name on stdin: one line of UTF-8")
    nothing_was_asked()


@in_one_transaction
@pytest.mark.parametrize(
    ("piped", "reason", "why"),
    [
        (b"<>", "x", "person: expected an address or a name"),
        (b"x" * 2001, "x", "person: expected a text of at most 2000 characters"),
        (JANE.encode(), " ", "reason: expected a text of at most 2000 characters"),
    ],
)
def test_what_the_vault_refuses_is_told_with_its_place(
    scene: Scene, stdin: Any, piped: bytes, reason: str, why: str
) -> None:
    stdin(piped)
    words = ("erase_subject", "--organization", scene.home.slug, "--reason", reason)
    assert refused(*words) == why
    nothing_was_asked()


@in_one_transaction
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "--reason --request is required"),
        (("--reason", "x", "--request", UNKNOWN), "not allowed with argument"),
        (("--request", "x"), "argument --request: invalid"),
        (("--reason", "\udcff"), "expected a text in UTF-8"),
        (("--reason", "x", "--organization", "nowhere"), "there is no organization 'nowhere'"),
    ],
)
def test_wrong_words_ask_for_nothing(scene: Scene, words: tuple[str, ...], why: str) -> None:
    assert why in refused("erase_subject", *words)
    nothing_was_asked()


def nothing_was_asked() -> None:
    with the_vaults_rights():
        assert not ApprovalRequest.objects.exists()
        assert not Errand.objects.exists()


# --- the vault and the login ------------------------------------------------------------------


@in_one_transaction
def test_without_a_vault_nothing_is_asked_for(scene: Scene, vault_at_hand: VaultAtHand) -> None:
    vault_at_hand.is_away = True
    words = ("erase_subject", "--organization", scene.home.slug)
    for rest in (("--reason", "x"), ("--request", UNKNOWN)):
        assert "the vault does not answer; nothing was done" in refused(*words, *rest)
    nothing_was_asked()


@pytest.mark.usefixtures("committed", "as_worker", "stdin")
def test_it_works_with_the_login_of_commands(tmp_path: Path, settings: Settings) -> None:
    VaultAtHand(tmp_path, settings)  # for its keys alone
    home = an_organization()
    with a_running_vault():
        request = asked(home)["request"]
        assert told(home, request)["state"] == "pending"
    row = ApprovalRequest.objects.using("vault").get()
    assert (str(row.pk), row.organization_id, row.requester_id) == (request, home.pk, None)
    with pytest.raises(ProgrammingError, match="permission denied"):
        ApprovalRequest.objects.exists()
