"""What the vault cannot place or open is held as it came, and found again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date

import pytest
from django.db import IntegrityError, connection
from pytest_django import Settings

from logs.cases.models import Case, CaseEvent
from logs.record.ingest import put_into_inbox
from logs.vault import envelopes, inbox, placing, storing
from logs.vault.models import HeldItem, Participant
from orgo_audit.accounts.models import Organization
from orgo_audit.policy.schema import OrganizationPolicy
from tests.builders import Service, an_organization
from tests.policies import in_force
from tests.vault_at_hand import VaultAtHand, a_key_pair, the_vaults_rights

pytestmark = pytest.mark.django_db
REPORT = {"timestamp": "2024-11-24T16:10:00Z", "action": "Report Filed"}


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


def held() -> list[tuple[str, bytes]]:
    with the_vaults_rights():
        rows = HeldItem.objects.values_list("reason", "envelope")
        return [(reason, bytes(sealed)) for reason, sealed in rows]


def count_of_events() -> int:
    with the_vaults_rights():
        return CaseEvent.objects.count()


def sealed(content: object, organization: Organization) -> bytes:
    return envelopes.sealed_to_ourselves(content, organization.slug)  # type: ignore[arg-type]  # hostile


def test_what_does_not_open_is_held_byte_for_byte_and_stops_nothing(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    other = an_organization()
    broken = [
        b"",
        os.urandom(40),
        os.urandom(2000),
        sealed({"items": []}, other),
        sealed([], home),
        sealed({"items": [{"event": {}}]}, home),
        sealed({"recorded_at": "2026-01-01T00:00:00+00:00", "items": [1]}, home),
        sealed({"recorded_at": "?", "items": []}, home),
        sealed({"recorded_at": "2026-01-01T00:00:00+00:00", "items": [{}]}, home),
    ]
    for one in broken:
        put_into_inbox(home, one)
    Service(home).deliver(REPORT)
    assert vault_at_hand.drain() == len(broken) + 1
    assert held() == [("unreadable", one) for one in broken]
    assert count_of_events() == 1


def test_an_oversize_envelope_is_not_even_opened(
    home: Organization, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelopes, "MAX_ENVELOPE_BYTES", 2000)
    monkeypatch.setattr(inbox, "MAX_BYTES", 1000)
    put_into_inbox(home, os.urandom(2001))
    Service(home).deliver(REPORT)
    assert vault_at_hand.drain() == 2
    assert [reason for reason, _ in held()] == ["unreadable"]
    assert count_of_events() == 1


def test_what_waited_for_the_policy_is_placed_once_it_is_listed(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    Service(home).deliver(REPORT | {"workflow": "bullying", "case_id": "B-1"})
    vault_at_hand.drain()
    assert [reason for reason, _ in held()] == ["unlisted"]
    in_force(
        "sensitive_workflows: {bullying: {}}\n"
        "access_control: {roles: {hr_manager: {view: [anonymized_bullying_logs]}}}\n"
    )
    with the_vaults_rights():
        assert len(inbox.held_for_the_policy()) == 1
        inbox.retry(inbox.held_for_the_policy())
        assert CaseEvent.objects.get().case.workflow == "bullying"
    assert held() == []


def test_a_thousand_participants_are_a_thousand_labels(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    witnesses = [f"witness.{n}@organization.com" for n in range(1000)]
    Service(home).deliver(REPORT | {"identities": {"witness": witnesses}})
    vault_at_hand.drain()
    with the_vaults_rights():
        labels = set(Participant.objects.values_list("label", flat=True))
    assert labels == {f"Anon{n}" for n in range(1, 1001)}


def test_names_inside_keys_are_people_and_never_shown(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    reversed_mapping = {"jane.roe@organization.com": "reporter", "John Doe": {"x": "reported_user"}}
    Service(home).deliver(REPORT | {"identities": reversed_mapping})
    vault_at_hand.drain()
    with the_vaults_rights():
        (event,) = CaseEvent.objects.all()
    assert {one["role"] for one in event.participants} <= {"reporter", "reported_user", "other"}
    assert "jane" not in str(event.participants).casefold()
    assert "Doe" not in str(event.participants)


def test_ingest_goes_on_while_the_vault_is_away(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    service = Service(home)
    for n in range(5):
        assert service.deliver(REPORT | {"case_id": f"H-{n}"}).status == 202
    assert count_of_events() == 0
    vault_at_hand.drain()
    assert count_of_events() == 5


def test_the_inbox_is_drained_in_its_order_over_several_transactions(
    home: Organization, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_ENVELOPES", 2)
    service = Service(home)
    for n in range(5):
        who = {"reporter": f"person.{n}@organization.com"}
        service.deliver(REPORT | {"case_id": "H-1", "identities": who})
    vault_at_hand.drain()
    with the_vaults_rights():
        told = CaseEvent.objects.order_by("place").values_list("participants", flat=True)
        assert [one["label"] for (one,) in told] == [f"Anon{n}" for n in range(1, 6)]


def test_the_envelope_of_a_batch_does_not_tell_how_many_it_holds(home: Organization) -> None:
    service = Service(home)
    service.deliver(REPORT)
    service.deliver(REPORT, REPORT, REPORT)
    with the_vaults_rights(), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT octet_length(envelope) FROM logs_sealeditem")
        assert len(cursor.fetchall()) == 1


@pytest.fixture
def a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that nobody foresaw, at events of one kind."""
    place = placing.workflow_of

    def failing(sent: Mapping[str, object], policy: OrganizationPolicy) -> object:
        if sent.get("action") == "Report Withdrawn":
            raise ZeroDivisionError(str(sent))
        return place(sent, policy)

    monkeypatch.setattr(inbox, "workflow_of", failing)


@pytest.mark.usefixtures("a_fault_of_ours")
def test_an_envelope_at_which_the_vault_fails_is_held_and_stops_nothing(
    home: Organization, vault_at_hand: VaultAtHand, caplog: pytest.LogCaptureFixture
) -> None:
    for action in ("Report Filed", "Report Withdrawn", "Report Filed"):
        told = {"action": action, "reason": "Jane Roe", "workflow": "harassment"}
        Service(home).deliver(REPORT | told)
    with connection.cursor() as cursor, the_vaults_rights():
        cursor.execute("SELECT envelope FROM logs_sealeditem ORDER BY place")
        sent = [bytes(row[0]) for row in cursor.fetchall()]
    vault_at_hand.drain()
    assert count_of_events() == 2
    assert held() == [("unreadable", sent[1])]
    assert "Jane" not in caplog.text
    assert {vars(record)["fault"] for record in caplog.records} == {"ZeroDivisionError"}


@pytest.mark.usefixtures("a_fault_of_ours")
def test_a_held_item_at_which_the_vault_fails_stays_held(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    for action in ("Report Withdrawn", "Report Filed"):
        event = REPORT | {"action": action}
        envelope = {"recorded_at": "2026-01-01T00:00:00+00:00", "items": [{"event": event}]}
        with the_vaults_rights():
            HeldItem.objects.create(
                organization=home,
                reason="unlisted",
                held_on=date(2026, 1, 1),
                envelope=sealed(envelope, home),
            )
    with the_vaults_rights():
        assert len(inbox.held_for_the_policy()) == 2
        inbox.retry(inbox.held_for_the_policy())
    assert count_of_events() == 1
    assert [reason for reason, _ in held()] == ["unlisted"]


def test_what_came_while_the_keys_were_wrong_is_stored_once_they_are_right(
    home: Organization, vault_at_hand: VaultAtHand, settings: Settings
) -> None:
    Service(home).deliver(REPORT)
    right = settings.ORGO_VAULT_KEY, settings.ORGO_VAULT_PUBLIC_KEY
    settings.ORGO_VAULT_KEY, settings.ORGO_VAULT_PUBLIC_KEY = a_key_pair()
    vault_at_hand.drain()
    assert [reason for reason, _ in held()] == ["unreadable"]
    settings.ORGO_VAULT_KEY, settings.ORGO_VAULT_PUBLIC_KEY = right
    with the_vaults_rights():
        inbox.retry(inbox.held_for_the_policy())
    assert (held(), count_of_events()) == ([], 1)


def test_an_event_with_too_many_people_is_held_and_the_others_are_stored(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    crowd = [f"person.{n}@organization.com" for n in range(storing.MOST_IN_EVENT + 1)]
    service = Service(home)
    for number, people in enumerate((crowd, crowd[:2], crowd[:-1])):
        service.deliver(REPORT | {"case_id": f"H-{number}", "identities": {"witness": people}})
    vault_at_hand.drain()
    assert [reason for reason, _ in held()] == ["crowded"]
    with the_vaults_rights():
        assert Case.objects.count() == 2
        assert Participant.objects.count() == 2 + storing.MOST_IN_EVENT


def test_a_case_takes_so_many_people_and_goes_on_with_those(
    home: Organization, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "MOST_IN_CASE", 3)
    people = [f"person.{n}@organization.com" for n in range(5)]
    service = Service(home)
    for named in (people[:2], people[1:3], people[2:4], [people[4]], people[:3]):
        told = {"workflow": "harassment", "case_id": "H-1", "identities": {"witness": named}}
        service.deliver(REPORT | told)
    vault_at_hand.drain()
    assert [reason for reason, _ in held()] == ["crowded", "crowded"]
    assert count_of_events() == 3
    with the_vaults_rights():
        assert set(Participant.objects.values_list("label", flat=True)) == {
            *("Anon1", "Anon2", "Anon3")
        }


def test_what_fits_into_no_memory_is_not_taken_in(home: Organization) -> None:
    with pytest.raises(IntegrityError, match="bounded"):
        put_into_inbox(home, bytes(19_000_000))
