"""Retention over the API: the plan, certificates, legal holds; for admins, each the own part."""

from __future__ import annotations

from typing import Any

import pytest

from logs.record.models import Event
from logs.retention.models import LegalHold
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import give_role
from tests.builders import API, Caller, a_user, an_event, an_organization, setting_the_scene
from tests.retention import HOLD_WISH, a_certificate, a_hold

pytestmark = pytest.mark.django_db

HOLDS = f"{API}/legal-holds/"
CERTIFICATES = f"{API}/retention/certificates/"
PLAN = f"{API}/retention/plan/"
CODE = "2f1c4dd6-9a5b-4a58-8f63-5a3f1c0a7b11"


@pytest.fixture
def home() -> Organization:
    return an_organization("home")


@pytest.fixture
def anna(home: Organization) -> Caller:
    return Caller(user=a_user(Role.ADMIN, home, "anna"))


@pytest.fixture
def ben(home: Organization) -> Caller:
    return Caller(user=a_user(Role.ADMIN, home, "ben"))


@pytest.mark.parametrize(
    ("scope", "kind", "value"),
    [
        ({"task_id": "T1"}, "task", "T1"),
        ({"user": "jane.roe@organization.com"}, "user", "jane.roe@organization.com"),
        ({"segment": "activity-2026-11"}, "segment", "activity-2026-11"),
        ({"case": CODE.upper()}, "case", CODE),
    ],
)
def test_a_hold_is_placed_and_told(
    anna: Caller, scope: dict[str, str], kind: str, value: str
) -> None:
    answer = anna.post(HOLDS, HOLD_WISH | {"scope": scope})
    assert answer.status == 201
    hold = LegalHold.objects.get()
    assert (hold.scope_kind, hold.scope_value) == (kind, value)
    assert (hold.placed_by, hold.owner) == ("anna", "anna")
    assert answer.json["state"] == "active"
    assert answer.json["scope"] == {next(iter(scope)): value}
    assert anna.get(HOLDS).json["results"] == [answer.json]


def test_the_first_person_asks_and_the_second_releases(
    home: Organization, anna: Caller, ben: Caller
) -> None:
    release = f"{HOLDS}{a_hold(home).pk}/release/"
    asked = anna.post(release, {})
    assert (asked.status, asked.json["state"]) == (200, "release_asked")
    assert (asked.json["release_asked_by"], asked.json["released_at"]) == ("anna", None)
    again = anna.post(release, {})
    assert (again.status, again.json["code"]) == (409, "conflict")
    released = ben.post(release, b"")
    assert (released.status, released.json["state"]) == (200, "released")
    assert released.json["released_by"] == "ben"
    assert ben.post(release, {}).status == 409
    codes = Event.objects.filter(code__startswith="hold.").order_by("id")
    assert list(codes.values_list("code", "actor")) == [
        ("hold.placed", "anna"),
        ("hold.release_asked", "anna"),
        ("hold.released", "ben"),
    ]


@pytest.mark.parametrize(
    ("wish", "path", "code"),
    [
        ([], "", "wrong_type"),
        ({}, "matter", "missing_field"),
        ({"matter": 5}, "matter", "wrong_type"),
        ({"matter": " "}, "matter", "bad_input"),
        ({"reason": None}, "reason", "missing_field"),
        ({"owner": ""}, "owner", "bad_input"),
        ({"owner": None}, "owner", "wrong_type"),
        ({"until": "2027"}, "until", "unknown_field"),
        ({"organization": "elsewhere"}, "organization", "unknown_organization"),
        ({"scope": "T1"}, "scope", "wrong_type"),
        ({"scope": {}}, "scope", "bad_scope"),
        ({"scope": {"mail": "x"}}, "scope", "bad_scope"),
        ({"scope": {"task_id": "T1", "user": "x"}}, "scope", "bad_scope"),
        ({"scope": {"task_id": 5}}, "scope.task_id", "wrong_type"),
        ({"scope": {"segment": "activity-2026-13"}}, "scope", "bad_input"),
        ({"scope": {"case": "H-2024-17"}}, "scope", "bad_input"),
    ],
)
def test_a_wish_that_cannot_be_used_is_refused_with_its_place(
    anna: Caller, wish: Any, path: str, code: str
) -> None:
    body = HOLD_WISH | wish if wish else wish
    answer = anna.post(HOLDS, body)
    assert answer.status == 400
    assert (answer.json.get("path", ""), answer.json["code"]) == (path, code)
    assert not LegalHold.objects.exists()


def test_an_admin_of_several_organizations_says_which(home: Organization) -> None:
    user, north = a_user(Role.ADMIN, home), an_organization("north")
    with setting_the_scene():
        give_role(user, Role.ADMIN, north)
    caller = Caller(user=user)
    assert caller.post(HOLDS, HOLD_WISH).json["path"] == "organization"
    answer = caller.post(HOLDS, HOLD_WISH | {"organization": "north"})
    assert (answer.status, answer.json["organization"]) == (201, "north")


def test_a_release_takes_no_body(home: Organization, anna: Caller) -> None:
    answer = anna.post(f"{HOLDS}{a_hold(home).pk}/release/", {"reason": "over"})
    assert (answer.status, answer.json["code"]) == (400, "unexpected_body")


def test_another_organizations_things_are_not_there(home: Organization, anna: Caller) -> None:
    north = an_organization("north")
    hold = a_hold(north)
    a_certificate(north)
    an_event(north)
    assert anna.post(f"{HOLDS}{hold.pk}/release/", {}).status == 404
    assert anna.get(HOLDS).json["results"] == []
    assert anna.get(CERTIFICATES).json["results"] == []
    assert "north" not in anna.get(PLAN).content.decode()


@pytest.mark.parametrize(("path", "build"), [(HOLDS, a_hold), (CERTIFICATES, a_certificate)])
def test_lists_have_pages(home: Organization, anna: Caller, path: str, build: Any) -> None:
    made = [str(build(home).pk) for _ in range(3)]
    first = anna.get(path, {"page_size": 2}).json
    second = anna.get(first["next"].partition("testserver")[2]).json
    assert [one["id"] for one in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    assert anna.get(path, {"state": "active"}).json["code"] == "unknown_parameter"


def test_a_certificate_tells_all_of_it(home: Organization, anna: Caller) -> None:
    made = a_certificate(home)
    [told] = anna.get(CERTIFICATES).json["results"]
    assert told["organization"] == "home"
    assert (told["rows_at_closing"], told["rows_destroyed"], told["rows_held"]) == (3, 2, 1)
    assert told["first_recorded_at"] == "2020-01-01T12:00:00Z"
    assert told["plan"] == str(made.plan_id)


def test_the_plan_tells_of_own_events_and_of_holds(home: Organization, anna: Caller) -> None:
    an_event(home, task_id="T1")
    hold = a_hold(home)
    told = anna.get(PLAN).json
    [activity] = [one for one in told["results"] if one["segment"].startswith("activity")]
    assert activity["decisions"] == [
        {"what": "held", "organization": "home", "holds": [str(hold.pk)], "rows": 1}
    ]
    assert told["earliest"] is not None  # of the portal's own events


def test_looks_at_holds_are_on_record(home: Organization, anna: Caller) -> None:
    anna.get(HOLDS)
    event = Event.objects.get(code="logs.viewed")
    assert (event.actor, event.details) == ("anna", {"read": "legal holds"})
