"""A custodian reads texts masked, and releases them to HR."""

from __future__ import annotations

from typing import Any

import pytest

from logs.cases.models import CaseEvent
from orgo_audit.accounts.models import Organization, Role
from tests.builders import Service, an_organization
from tests.logs.portal.desk import Desk
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
REPORT: dict[str, Any] = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "identities": {"reporter": "Jane Roe <jane.roe@organization.com>"},
    "reason": "Jane Roe was shouted at",
}


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    home = an_organization()
    Service(home).deliver(REPORT)
    vault_at_hand.drain()
    return home


@pytest.fixture
def two_texts(home: Organization, vault_at_hand: VaultAtHand) -> list[CaseEvent]:
    """Of one case, in their order."""
    other = the_event().case_id
    case = {"workflow": "harassment", "case_id": "H-2024-17"}
    reasons = ("Jane Roe was shouted at\nby Bob", "it went on")
    Service(home).deliver(*(REPORT | case | {"reason": reason} for reason in reasons))
    vault_at_hand.drain()
    with the_vaults_rights():
        return list(CaseEvent.objects.exclude(case=other).order_by("place"))


def form_of(texts: dict[CaseEvent, str], *, release: CaseEvent) -> dict[str, Any]:
    """The page's form as a browser sends it."""
    return {
        "event": [str(event.pk) for event in texts],
        "place": [event.place for event in texts],
        "text": [text.replace("\n", "\r\n") for text in texts.values()],
        "release": str(release.pk),
    }


def the_event() -> CaseEvent:
    with the_vaults_rights():
        return CaseEvent.objects.get()


def test_a_custodian_finds_the_case_reads_and_releases(home: Organization) -> None:
    desk = Desk(home, Role.CUSTODIAN)
    event = the_event()
    address = f"/cases/texts/{event.case_id}/"
    assert address in desk.get("/cases/texts/").content.decode()
    page = desk.page(address)
    assert "Anon1 was shouted at" in page
    assert "Jane" not in page
    told = form_of({event: "Anon1 was shouted at"}, release=event)
    assert desk.post(address, told).status_code == 200
    assert the_event().released_text == "Anon1 was shouted at"
    assert "released" in desk.page(address)


@pytest.mark.parametrize("text", ["", "   ", "x" * 20_001])
def test_what_cannot_be_released_stays_on_the_page(home: Organization, text: str) -> None:
    desk, event = Desk(home, Role.CUSTODIAN), the_event()
    told = form_of({event: text}, release=event)
    answer = desk.post(f"/cases/texts/{event.case_id}/", told)
    assert answer.status_code == 400
    assert "expected a text" in answer.content.decode().lower()
    assert the_event().released_text is None


def test_a_release_keeps_what_was_taken_out_of_the_others(
    home: Organization, two_texts: list[CaseEvent]
) -> None:
    first, second = two_texts
    desk = Desk(home, Role.CUSTODIAN)
    cut = {first: "Anon1 was shouted at\nby […]", second: "[…] went on"}
    answer = desk.post(f"/cases/texts/{first.case_id}/", form_of(cut, release=first))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f"HR now reads this text with event {first.place}" in page
    for text in cut.values():
        assert f"\n{text}</textarea>" in page
    with the_vaults_rights():
        first.refresh_from_db()
        second.refresh_from_db()
    assert (first.released_text, second.released_text) == (cut[first], None)


def test_what_was_typed_stays_while_the_vault_is_away(
    home: Organization, two_texts: list[CaseEvent], vault_at_hand: VaultAtHand
) -> None:
    first, second = two_texts
    desk = Desk(home, Role.CUSTODIAN)
    cut = {first: "Anon1 was shouted at", second: "[…] went on"}
    vault_at_hand.is_away = True
    answer = desk.post(f"/cases/texts/{first.case_id}/", form_of(cut, release=first))
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "The vault does not answer" in page
    for text in cut.values():
        assert f"\n{text}</textarea>" in page


def test_nobody_elses_and_no_unknown_case_is_found(home: Organization) -> None:
    code = the_event().case_id
    stranger = Desk(an_organization(), Role.CUSTODIAN)
    assert stranger.get(f"/cases/texts/{code}/").status_code == 404
    own = Desk(home, Role.CUSTODIAN)
    assert own.get("/cases/texts/00000000-0000-4000-8000-000000000000/").status_code == 404
    assert "There is no case" in stranger.page("/cases/texts/")
    for role in (Role.HR_MANAGER, Role.DPO, Role.ADMIN):
        assert Desk(home, role).get("/cases/texts/").status_code == 404
