"""A text reaches HR masked and released by a custodian, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from logs.cases.errands import ask
from logs.cases.models import CaseEvent, Look
from logs.vault import releases
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.errors import BadInput, NotFound
from tests.builders import Service, a_user, an_organization
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

REPORT = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "case_id": "H-1",
    "identities": {
        "reporter": "Jane Roe <jane.roe@organization.com>",
        "reported_user": "John Doe",
    },
    "reason": "Jane Roe (phone +49 170 1234567) says that Jon Doe shouted at her",
    "nested": {"body": ["write to jane.roe@organization.com"]},
}


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    home = an_organization()
    Service(home).deliver(REPORT)
    vault_at_hand.drain()
    return home


@pytest.fixture
def custodian(home: Organization) -> User:
    return a_user(Role.CUSTODIAN, home)


def the_event() -> CaseEvent:
    with the_vaults_rights():
        return CaseEvent.objects.select_related("case").get()


def texts_for(user: User, home: Organization) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = ask("texts", home, {"case": str(the_event().case_id)}, by=user)[
        "texts"
    ]
    return told


def test_a_custodian_reads_the_masked_text_and_nobody_in_it(
    home: Organization, custodian: User
) -> None:
    (told,) = texts_for(custodian, home)
    assert "shouted at her" in told["text"]
    assert "Anon1" in told["text"]
    for part in ("Jane", "Roe", "Doe", "1234567", "@"):
        assert part not in told["text"]
    assert told["released"] is None


def release(home: Organization, custodian: User, text: str) -> Any:
    event = the_event()
    body = {"case": str(event.case_id), "event": str(event.pk), "text": text}
    return ask("release_text", home, body, by=custodian)


def test_what_a_custodian_leaves_of_the_text_is_released(
    home: Organization, custodian: User
) -> None:
    left = "Anon1 […] says that\nAnon2 shouted […]"
    assert release(home, custodian, left) == {"text": left}
    assert the_event().released_text == left
    with the_vaults_rights():
        assert set(Look.objects.values_list("purpose", flat=True)) == {"text released"}


STAFF = ("Alice Smith", "Jane Roe", "Bob Miller", "John Doe", "Erik Berg")


@pytest.mark.parametrize("added", [*STAFF, " ".join(STAFF), "her Anon2", "Anon3", "shouted says"])
def test_nothing_can_be_added_so_that_nobody_asks_who_has_which_label(
    home: Organization, custodian: User, added: str
) -> None:
    with pytest.raises(BadInput) as refused:
        release(home, custodian, added)
    assert refused.value.path == "text"
    assert not any(name in str(refused.value) for name in STAFF)
    assert the_event().released_text is None


def test_what_stands_in_an_identity_field_is_no_text(
    custodian: User, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    first = the_event().case_id
    reporter = {"name": "Ida Noll", "job_title": "Head of Payroll", "personnel_no": "P-471"}
    Service(home).deliver(REPORT | {"reporter": reporter, "case_id": "H-2", "reason": "she said"})
    vault_at_hand.drain()
    with the_vaults_rights():
        case = CaseEvent.objects.exclude(case=first).get().case_id
    (told,) = ask("texts", home, {"case": str(case)}, by=custodian)["texts"]
    assert "she said" in told["text"]
    assert not any(word in told["text"] for word in ("Ida", "Payroll", "471"))


def test_nobody_else_reads_or_releases(home: Organization) -> None:
    others = [a_user(role, home) for role in Role if role is not Role.CUSTODIAN]
    others.append(a_user(Role.CUSTODIAN, an_organization()))
    others.append(a_user(Role.CUSTODIAN, home, "jane.roe@organization.com"))
    for user in others:
        with pytest.raises(NotFound):
            texts_for(user, home)
    assert the_event().released_text is None


@pytest.mark.parametrize(
    "body", [{}, {"case": "x"}, {"case": 5}, {"case": "00000000-0000-0000-0000-00000000000"}]
)
def test_a_wrong_code_is_refused(home: Organization, custodian: User, body: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        ask("texts", home, body, by=custodian)


def test_texts_of_a_long_case_come_page_by_page(
    home: Organization, custodian: User, vault_at_hand: VaultAtHand
) -> None:
    case = the_event().case_id
    Service(home).deliver(*(REPORT | {"reason": f"line {number}"} for number in range(60)))
    vault_at_hand.drain()
    first = ask("texts", home, {"case": str(case)}, by=custodian)
    assert len(first["texts"]) == first["next"] == releases.MOST_EVENTS
    rest = ask("texts", home, {"case": str(case), "after": first["next"]}, by=custodian)
    assert [text["place"] for text in rest["texts"]] == list(range(51, 62))
    assert "line 59" in rest["texts"][-1]["text"]
    assert rest["next"] is None


def test_a_text_too_long_is_cut_between_two_words_and_says_so(
    vault_at_hand: VaultAtHand,
) -> None:
    home = an_organization()
    people = {"reporter": {"name": "Bartholomew Roe"}}
    until = releases.LONGEST_TEXT - len("Barthol")
    Service(home).deliver(
        REPORT
        | {
            "identities": people,
            "reason": "x",
            "nested": {"body": "go " * (until // 3) + "Bartholomew"},
        }
    )
    vault_at_hand.drain()
    (told,) = texts_for(a_user(Role.CUSTODIAN, home), home)
    assert told["text"].endswith("go […]")
    assert "Barthol" not in told["text"]
