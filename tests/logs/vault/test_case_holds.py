"""What was held in the ordinary logs stays held in a case: by task, by person, by month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from logs.cases.models import Case, CaseState
from logs.record import reclassification
from logs.retention import holds
from logs.retention.models import LegalHold
from logs.vault import endings, erasure, keys
from logs.vault.models import HeldItem, SealedEvents, WrappedKey
from orgo_audit.accounts.models import Organization
from tests.builders import Service, an_organization, setting_the_scene
from tests.logs.vault.scene import REPORT
from tests.policies import in_force
from tests.retention import a_hold, released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
OVER = datetime(2025, 3, 2, tzinfo=UTC)
JANE = "jane.roe@organization.com"
SENT: dict[str, Any] = REPORT | {
    "task_id": "T1",
    "user": "Router-7",
    "details": {"note": ["seen by", "Dr. Ann Poe"]},
}


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    in_force("metrics: {}", since=LONG_AGO)
    home = an_organization()
    come_in(home, vault_at_hand, SENT)
    return home


def come_in(home: Organization, vault: VaultAtHand, *sent: dict[str, Any]) -> None:
    """And all cases were closed long ago."""
    assert Service(home).deliver(*sent).status == 202
    vault.drain()
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2024, 12, 31))


def place(home: Organization, kind: str, value: str) -> LegalHold:
    with setting_the_scene():
        return a_hold(home, kind, value)


def end(now: datetime = OVER) -> int:
    with the_vaults_rights():
        return endings.end_cases(now)


def erase(home: Organization, now: datetime = OVER) -> erasure.Erasure:
    with the_vaults_rights(), keys.session() as own:
        return erasure.carry_out(home, JANE, own, now=now)


HOLDING = [
    ("task", "T1"),
    ("user", "jane.roe@organization.com"),
    ("user", "JANE.ROE@organization.com"),
    ("user", "Jane Roe <jane.roe@organization.com>"),
    ("user", "jane roe"),
    ("user", "john.doe@organization.com"),
    ("user", " router-7 "),
    ("user", "dr. ann poe"),
    ("segment", "activity-2024-11"),
    ("segment", "error-2024-12"),
]


NOT_HOLDING = [
    ("task", "T2"),
    ("user", "jane.roe@elsewhere.com"),
    ("user", "Anon1"),
    ("user", "Jane"),
    ("user", "x" * 500),
    ("segment", "activity-2024-10"),
    ("segment", "activity-2025-01"),
    ("segment", "activity-9999-12"),
]


@pytest.mark.parametrize(("kind", "value"), HOLDING)
def test_a_hold_on_something_of_a_case_keeps_it(home: Organization, kind: str, value: str) -> None:
    hold = place(home, kind, value)
    assert end() == 0
    released(hold, LONG_AGO)
    assert end() == 1


@pytest.mark.parametrize(("kind", "value"), HOLDING)
def test_it_keeps_the_case_from_an_erasure_too(home: Organization, kind: str, value: str) -> None:
    hold = place(home, kind, value)
    refused = erase(home)
    assert (refused.is_done, refused.certificate[0].store) == (False, "legal holds")
    with the_vaults_rights():
        assert bytes(SealedEvents.objects.get().content) != b""
    released(hold, LONG_AGO)
    assert not erase(home, LONG_AGO).is_done, "not before the notice is over"
    assert erase(home).is_done


@pytest.mark.parametrize(("kind", "value"), NOT_HOLDING)
def test_a_hold_on_something_else_keeps_nothing(home: Organization, kind: str, value: str) -> None:
    place(home, kind, value)
    assert erase(home).is_done
    assert end() == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("task", "T9"),
        ("user", " router-7 "),
        ("segment", "activity-2024-11"),
    ],
)
def test_it_keeps_what_waits_in_no_case_from_an_erasure(
    vault_at_hand: VaultAtHand, kind: str, value: str
) -> None:
    in_force("metrics: {}", since=LONG_AGO)
    home = an_organization()
    alone = {"workflow": "unlisted", "task_id": "T9", "user": "Router-7", "note": JANE}
    sent = {"timestamp": SENT["timestamp"], "action": "A"} | alone
    assert Service(home).deliver(sent).status == 202
    vault_at_hand.drain()
    hold = place(home, kind, value)
    assert not erase(home).is_done
    released(hold, LONG_AGO)
    assert erase(home).is_done
    with the_vaults_rights():
        assert not HeldItem.objects.exists()


@pytest.mark.parametrize(
    "shape",
    [
        {"note": f"Jane Roe <{JANE}>"},
        {"note": f"Jane Roe {JANE}"},
        {f"Jane Roe {JANE}": "called"},
        {"reporter": {"first_name": "Jane", "last_name": "Roe", "email": JANE}},
        {"identities": {"witness": {"name": "Jane Roe", "email": JANE}}},
    ],
)
def test_a_hold_on_a_name_keeps_what_waits_and_gives_it(
    vault_at_hand: VaultAtHand, shape: dict[str, Any]
) -> None:
    home, event = an_organization(), {"timestamp": SENT["timestamp"], "action": "A"}
    assert Service(home).deliver(event | {"workflow": "unlisted"} | shape).status == 202
    vault_at_hand.drain()
    hold = place(home, "user", "jane roe")
    assert not erase(home).is_done
    released(hold, LONG_AGO)
    assert erase(home).is_done


@pytest.mark.parametrize("kind", ["segment", "task"])
def test_it_keeps_there_what_it_kept_in_the_ordinary_logs(
    vault_at_hand: VaultAtHand, kind: str
) -> None:
    """By the month in which it was recorded; by the task of its mail."""
    in_force("sensitive_workflows: {harassment: {}, fraud: {}}", since=LONG_AGO)
    home, mail = an_organization(), {"email_id": "M8", "action": "A"}
    recorded = timezone.now()
    occurred = {"timestamp": (recorded - timedelta(days=70)).isoformat()}
    Service(home).deliver(mail | occurred | {"task_id": "T8"}, mail | occurred | {"note": JANE})
    hold = place(home, kind, "T8" if kind == "task" else f"activity-{recorded:%Y-%m}")
    assert holds.rows_of(hold) == 2
    Service(home).deliver(mail | occurred | {"workflow": "unlisted"})
    with setting_the_scene():
        reclassification.run()
    vault_at_hand.drain()
    assert (holds.rows_of(hold), erase(home).is_done) == (0, False)
    released(hold, LONG_AGO)
    assert erase(home).is_done


def test_a_held_task_keeps_its_mail_that_lies_in_another_case(vault_at_hand: VaultAtHand) -> None:
    in_force("metrics: {}", since=LONG_AGO)
    home, others = an_organization(), {"workflow": "harassment", "identities": {"reporter": "Bo"}}
    of_mail = {**REPORT, "case_id": "H-1", "email_id": "M8"}
    of_task = {**REPORT, "case_id": "H-2", "task_id": "T8"} | others
    come_in(home, vault_at_hand, of_mail, of_task)
    come_in(home, vault_at_hand, {**REPORT, "task_id": "T8", "email_id": "M8", "case_id": "H-2"})
    hold = place(home, "task", "T8")
    with the_vaults_rights():
        assert Case.objects.count() == 2
    assert (end(), erase(home).is_done) == (0, False)
    released(hold, LONG_AGO)
    assert end() == 2


def test_whoever_is_held_by_address_is_kept_under_a_long_name(home: Organization) -> None:
    place(home, "user", JANE)
    with the_vaults_rights(), keys.session() as own:
        long = f"Jane {'x' * 600} <{JANE}>"
        refused = erasure.carry_out(home, long, own, now=OVER)
    assert not refused.is_done


@pytest.mark.parametrize(("kind", "value"), [("task", "T1"), ("segment", "activity-2024-10")])
def test_what_waits_and_is_not_covered_goes_with_the_erasure(
    vault_at_hand: VaultAtHand, kind: str, value: str
) -> None:
    home = an_organization()
    Service(home).deliver(
        {"timestamp": SENT["timestamp"], "action": "A", "workflow": "unlisted", "note": JANE}
    )
    vault_at_hand.drain()
    place(home, kind, value)
    assert erase(home).is_done


@pytest.mark.parametrize(("kind", "value"), HOLDING)
def test_another_organizations_hold_keeps_nothing(
    home: Organization, kind: str, value: str
) -> None:
    place(an_organization(), kind, value)
    assert end() == 1


def test_a_month_that_is_none_keeps_nothing_and_stops_nobody(home: Organization) -> None:
    hold = place(home, "segment", "activity-2024-11")
    with setting_the_scene():
        LegalHold.objects.create(
            **{
                field.attname: getattr(hold, field.attname)
                for field in hold._meta.fields
                if field.name != "id"
            }
            | {"scope_value": "activity-0000-01"}
        )
    released(hold, LONG_AGO)
    assert end() == 1


def test_the_calendars_first_day_and_its_last_stop_nobody(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    come_in(home, vault_at_hand, {**SENT, "timestamp": "0001-01-01T00:00:00Z"})
    place(home, "segment", "activity-9999-12")
    assert end() == 1


def test_a_task_that_another_case_has_is_held_in_this_one_too(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    come_in(home, vault_at_hand, {**REPORT, "case_id": "H-2"}, {**REPORT, "case_id": "H-3"})
    come_in(home, vault_at_hand, {**REPORT, "case_id": "H-2", "details": {"task_id": "T1"}})
    place(home, "task", "T1")
    assert end() == 1
    with the_vaults_rights():
        assert Case.objects.count() == 2


def test_a_hold_that_is_placed_after_the_look_is_seen(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_vaults_rights():
        found = list(endings._over(OVER))
    place(home, "user", "jane.roe@organization.com")
    monkeypatch.setattr(endings, "_over", lambda now: iter(found))
    assert (len(found), end()) == (1, 0)


def test_where_nobody_can_tell_any_more_a_hold_keeps_the_case(home: Organization) -> None:
    with the_vaults_rights():
        WrappedKey.objects.filter(owner=Case.objects.get().pk).delete()
    hold = place(home, "user", "somebody.else@organization.com")
    assert end() == 0
    released(hold, LONG_AGO)
    assert end() == 1
