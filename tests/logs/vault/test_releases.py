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
assert releases.LONGEST_TEXT  # importing it registers its answers

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


def test_what_is_released_is_masked_once_more(home: Organization, custodian: User) -> None:
    event = the_event()
    body = {"case": str(event.case_id), "event": str(event.pk), "text": "Jane Roe was shouted at"}
    assert ask("release_text", home, body, by=custodian) == {"text": "Anon1 was shouted at"}
    assert the_event().released_text == "Anon1 was shouted at"
    with the_vaults_rights():
        assert set(Look.objects.values_list("purpose", flat=True)) == {"text released"}


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
