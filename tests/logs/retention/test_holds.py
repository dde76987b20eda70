"""Legal holds: one person places, two release; the record tells who, and not about whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils import timezone

from logs.record.models import Event
from logs.record.vocabulary import LogType
from logs.retention import holds
from logs.retention.models import LegalHold
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.errors import BadInput, Conflict, NotFound
from tests.builders import a_user, an_event, an_organization

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CODE = "2f1c4dd6-9a5b-4a58-8f63-5a3f1c0a7b11"
SAID: dict[str, Any] = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "owner": "lawyer",
    "scope_kind": "task",
    "scope_value": "T1",
}


@pytest.fixture
def home() -> Organization:
    home = an_organization()
    for name in ("anna", "ben"):
        a_user(Role.ADMIN, home, name)
    return home


def placed(organization: Organization, **said: Any) -> LegalHold:
    return holds.place(organization, **(SAID | said), by="anna", now=NOW)


def test_whoever_asks_for_it_is_told_that_nothing_is_covered_and_nothing_is_done(
    home: Organization,
) -> None:
    with pytest.raises(holds.KeepsNothing):
        placed(home, even_of_nothing=False)
    assert not LegalHold.objects.exists()
    assert not Event.objects.filter(action="Hold Placed").exists()
    an_event(home, task_id="T1")
    assert placed(home, even_of_nothing=False) == LegalHold.objects.get()


def test_a_hold_says_what_it_is_and_when_it_is_looked_at_again(home: Organization) -> None:
    hold = LegalHold.objects.get(pk=placed(home, matter="  M-1 ").pk)
    assert (hold.matter, hold.placed_by, hold.placed_at) == ("M-1", "anna", NOW)
    assert hold.review_on == (NOW + timedelta(days=90)).date()
    assert (hold.release_asked_by, hold.released_by) == ("", "")


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"matter": ""}, "matter"),
        ({"matter": " "}, "matter"),
        ({"matter": "x" * 201}, "matter"),
        ({"reason": ""}, "reason"),
        ({"owner": "x\0"}, "owner"),
        ({"matter": "\u200b\ufeff \u3164"}, "matter"),
        ({"matter": "M\x1b[2J"}, "matter"),
        ({"matter": "M-1\nM-2"}, "matter"),
        ({"owner": "counsel\u202e"}, "owner"),
        ({"owner": "\u2066counsel"}, "owner"),
        ({"reason": "a\u2028b"}, "reason"),
        ({"reason": "a\x07b"}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"scope_value": "T1\tT2"}, "scope"),
        ({"scope_value": "T1\x9b"}, "scope"),
        ({"scope_value": ""}, "scope"),
        ({"scope_kind": "everything"}, "scope"),
        ({"scope_kind": "segment", "scope_value": "activity-2026-13"}, "scope"),
        ({"scope_kind": "segment", "scope_value": "alerts-2026-01"}, "scope"),
        ({"scope_kind": "segment", "scope_value": "activity-0000-01"}, "scope"),
        ({"scope_kind": "segment", "scope_value": "activity-0999-12"}, "scope"),
        ({"scope_kind": "case", "scope_value": "H-2024-17"}, "scope"),
    ],
)
def test_a_hold_that_says_too_little_is_refused(
    home: Organization, said: dict[str, str], path: str
) -> None:
    with pytest.raises(BadInput) as caught:
        placed(home, **said)
    assert caught.value.path == path
    assert not LegalHold.objects.exists()


def test_a_reason_may_have_lines_and_a_name_what_its_script_needs(home: Organization) -> None:
    hold = placed(home, reason="one\r\n\ttwo", owner="\u0645\u06cc\u200c\u062e\u0648\u0627")
    hold = LegalHold.objects.get(pk=hold.pk)
    assert hold.reason == "one\n\ttwo"
    assert "\u200c" in hold.owner


@pytest.mark.parametrize("segment", ["activity-1000-01", "error-9999-12"])
def test_the_first_and_the_last_segment_can_be_held(home: Organization, segment: str) -> None:
    an_event(home)
    assert holds.rows_of(placed(home, scope_kind="segment", scope_value=segment)) == 0


@pytest.mark.parametrize(
    "scope",
    [("segment", "activity-2026-11"), ("task", "T1"), ("user", "jane"), ("case", CODE)],
)
def test_a_hold_covers_a_segment_a_task_a_user_or_a_case(
    home: Organization, scope: tuple[str, str]
) -> None:
    hold = placed(home, scope_kind=scope[0], scope_value=scope[1])
    assert (hold.scope_kind, hold.scope_value) == scope


def test_two_different_people_release(home: Organization) -> None:
    hold = placed(home)
    with pytest.raises(Conflict, match="first"):
        holds.release(home, hold.pk, by="ben", now=NOW)
    holds.ask_release(home, hold.pk, by="anna", now=NOW)
    for again in ("anna", "ben"):
        with pytest.raises(Conflict, match="already"):
            holds.ask_release(home, hold.pk, by=again, now=NOW)
    with pytest.raises(Conflict, match="second person"):
        holds.release(home, hold.pk, by="anna", now=NOW)
    assert LegalHold.objects.get().released_at is None
    released = holds.release(home, hold.pk, by="ben", now=NOW)
    assert (released.release_asked_by, released.released_by) == ("anna", "ben")
    for change in (holds.ask_release, holds.release):
        with pytest.raises(Conflict, match="before"):
            change(home, hold.pk, by="carl", now=NOW)


def test_another_organizations_hold_is_not_there(home: Organization) -> None:
    hold = placed(home)
    for organization, identifier in ((an_organization(), hold.pk), (home, uuid4())):
        for change in (holds.ask_release, holds.release):
            with pytest.raises(NotFound):
                change(organization, identifier, by="ben", now=NOW)
        with pytest.raises(NotFound):
            holds.hold([organization], identifier)
    assert holds.hold([home], hold.pk) == hold


def test_the_record_tells_who_and_not_about_whom(home: Organization) -> None:
    hold = placed(home, scope_kind="user", scope_value="jane.roe@organization.com")
    holds.ask_release(home, hold.pk, by="anna", now=NOW)
    holds.release(home, hold.pk, by="ben", now=NOW)
    told = list(Event.objects.filter(code__startswith="hold.").order_by("id"))
    assert [(one.code, one.actor) for one in told] == [
        ("hold.placed", "anna"),
        ("hold.release_asked", "anna"),
        ("hold.released", "ben"),
    ]
    assert all(one.details == {"hold": str(hold.pk), "scope": "user"} for one in told)


def test_what_it_keeps_can_be_counted(home: Organization) -> None:
    for task in ("T1", "T1", "T2"):
        an_event(home, task_id=task)
    an_event(an_organization(), task_id="T1")
    assert holds.rows_of(placed(home)) == 2


# --- what the database refuses ------------------------------------------------------------------

BROKEN = [
    {"released_by": "ben", "released_at": NOW},
    {"release_asked_by": "ben"},
    {
        "release_asked_by": "ben",
        "release_asked_at": NOW,
        "released_by": "ben",
        "released_at": NOW,
    },
]


@pytest.mark.parametrize("change", BROKEN)
def test_the_database_lets_nobody_release_alone(home: Organization, change: dict[str, Any]) -> None:
    hold = placed(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(**change)


def test_a_released_hold_is_not_changed_again(home: Organization) -> None:
    hold = placed(home)
    holds.ask_release(home, hold.pk, by="anna", now=NOW)
    holds.release(home, hold.pk, by="ben", now=NOW)
    with pytest.raises(ProgrammingError, match="stays so"), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(released_by="", released_at=None)


@pytest.mark.parametrize("change", [{"scope_value": "T2"}, {"organization_id": 1}])
def test_what_a_hold_covers_is_not_changed(home: Organization, change: dict[str, Any]) -> None:
    hold = placed(home)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(**change)


def test_a_hold_is_placed_unreleased(home: Organization) -> None:
    now = timezone.now()
    LegalHold.objects.create(
        organization=home,
        **SAID,
        placed_at=now,
        placed_by="anna",
        review_on=now.date(),
        release_asked_by="anna",
        release_asked_at=now,
        released_by="ben",
        released_at=now,
    )
    hold = LegalHold.objects.get()
    assert (hold.release_asked_by, hold.released_at) == ("", None)


# --- as doors use it ----------------------------------------------------------------------------


def test_the_first_call_asks_and_a_second_persons_call_releases(home: Organization) -> None:
    hold = placed(home)
    asked = holds.advance_release(home, hold.pk, by="anna", now=NOW)
    assert (asked.release_asked_by, asked.released_at) == ("anna", None)
    with pytest.raises(Conflict, match="second person"):
        holds.advance_release(home, hold.pk, by="anna", now=NOW)
    assert holds.advance_release(home, hold.pk, by="ben", now=NOW).released_at == NOW
    with pytest.raises(Conflict, match="before"):
        holds.advance_release(home, hold.pk, by="carl", now=NOW)


def test_what_it_keeps_is_told_segment_by_segment(home: Organization) -> None:
    for kind in (LogType.ACTIVITY, LogType.ACTIVITY, LogType.ERROR):
        an_event(home, kind, task_id="T1")
    month = timezone.now().strftime("%Y-%m")
    told = {f"activity-{month}": 2, f"error-{month}": 1}
    assert holds.rows_by_segment(placed(home)) == told
    assert holds.rows_by_segment(placed(home, scope_value="unknown")) == {}
