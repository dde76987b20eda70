"""From a delivery to what HR may see: labels, cases, order, and nothing that names anybody."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from logs.cases.models import Case, CaseEvent
from logs.vault.models import HeldItem
from orgo_audit.accounts.models import Role
from tests.builders import Service, a_user, an_organization
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

ANONYMIZED = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "anonymized_fields": {"reporter": "Anon1", "reported_user": "Anon2"},
}
REPORT = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "workflow": "harassment",
    "case_id": "H-2024-17",
    "identities": {
        "reporter": "jane.roe@organization.com",
        "reported_user": "john.doe@organization.com",
    },
}


@pytest.fixture
def service(vault_at_hand: VaultAtHand) -> Service:
    return Service(an_organization())


def events() -> list[CaseEvent]:
    with the_vaults_rights():
        return list(CaseEvent.objects.select_related("case").order_by("case", "place"))


def told(event: CaseEvent) -> dict[str, Any]:
    return {one["role"]: one["label"] for one in event.participants}


def later(hour: int, **fields: Any) -> dict[str, Any]:
    return REPORT | {"timestamp": f"2024-11-24T{hour}:00:00Z"} | fields


def test_the_blueprints_sample_is_a_case_of_its_own(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    assert service.deliver(ANONYMIZED, ANONYMIZED).status == 202
    assert vault_at_hand.drain() == 1
    first, second = events()
    assert told(first) == told(second) == {"reporter": "Anon1", "reported_user": "Anon2"}
    assert first.case != second.case
    assert first.occurred_at.isoformat() == "2024-11-24T00:00:00+00:00"
    assert (first.action, first.status, first.case.opened_on) == (
        "Report Filed",
        None,
        date(2024, 11, 24),
    )


def test_a_case_keeps_its_labels_by_first_appearance(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    service.deliver(REPORT)
    vault_at_hand.drain()
    people = {"witness": "Max@organization.com", "reporter": "Jane Roe <JANE.ROE@organization.com>"}
    service.deliver(later(17, identities=people))
    vault_at_hand.drain()
    first, second = events()
    assert first.case == second.case
    assert told(first) == {"reporter": "Anon1", "reported_user": "Anon2"}
    assert told(second) == {"witness": "Anon3", "reporter": "Anon1"}


def test_another_case_begins_at_one_again(service: Service, vault_at_hand: VaultAtHand) -> None:
    swapped = {
        "reporter": "john.doe@organization.com",
        "reported_user": "jane.roe@organization.com",
    }
    service.deliver(REPORT, later(17, case_id="other", identities=swapped))
    vault_at_hand.drain()
    assert [told(event) for event in events()] == [
        {"reporter": "Anon1", "reported_user": "Anon2"}
    ] * 2


def test_an_event_that_comes_late_stands_where_it_belongs(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    for hour, status in ((16, "Open"), (18, "Closed"), (17, "Pending"), (10, "Success")):
        service.deliver(later(hour, status=status))
        vault_at_hand.drain()
    assert [(event.place, event.status) for event in events()] == [
        (1, "Success"),
        (2, "Open"),
        (3, "Pending"),
        (4, "Closed"),
    ]


def test_all_hr_managers_get_a_new_case_but_those_who_take_part(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    home = service.organization
    free = a_user(Role.HR_MANAGER, home, "hr.free@organization.com")
    a_user(Role.HR_MANAGER, home, "john.doe@organization.com")
    a_user(Role.HR_MANAGER, home, "john.doe")
    a_user(Role.HR_MANAGER, an_organization(), "elsewhere")
    service.deliver(REPORT)
    vault_at_hand.drain()
    with the_vaults_rights():
        assert list(Case.objects.values_list("casegrant__user", flat=True)) == [free.pk]


def test_an_hr_manager_who_is_named_later_loses_the_case(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    a_user(Role.HR_MANAGER, service.organization, "max@organization.com")
    service.deliver(REPORT)
    vault_at_hand.drain()
    service.deliver(later(17, identities={"witness": "Max+x@organization.com"}))
    vault_at_hand.drain()
    with the_vaults_rights():
        assert list(Case.objects.values_list("casegrant__user", flat=True)) == [None]


def test_an_unlisted_workflow_is_held_whole(service: Service, vault_at_hand: VaultAtHand) -> None:
    service.deliver(later(16, workflow="bullying"), later(16, timestamp="?"))
    vault_at_hand.drain()
    assert events() == []
    with the_vaults_rights():
        reasons = sorted(HeldItem.objects.values_list("reason", flat=True))
    assert reasons == ["refused", "unlisted"]


def test_words_that_are_not_known_are_not_shown(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    service.deliver(later(16, action="Jane Roe Complained", status="asked John Doe"))
    vault_at_hand.drain()
    (event,) = events()
    assert (event.action, event.status) == ("Other", None)


def test_a_closed_case_is_open_again_once_something_happens(
    service: Service, vault_at_hand: VaultAtHand
) -> None:
    service.deliver(REPORT | {"case_id": "H-1"}, REPORT | {"case_id": "H-2"})
    vault_at_hand.drain()
    with the_vaults_rights():
        Case.objects.update(state="closed", closed_on=date(2026, 1, 1))
    service.deliver(REPORT | {"case_id": "H-2"})
    vault_at_hand.drain()
    with the_vaults_rights():
        states = Case.objects.values_list("state", "closed_on")
        assert sorted(states) == [("closed", date(2026, 1, 1)), ("open", None)]
