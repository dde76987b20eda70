"""HR's cases over HTTP: the anonymized shape, for HR managers with the case and no others."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from logs.cases.access import hr_viewer
from logs.cases.models import Case, CaseGrant, Look
from logs.cases.reading import case as read_case
from logs.cases.working import take_step, write_note
from logs.record.models import Event
from orgo_audit.accounts.models import Role, Scope, User
from orgo_audit.paging import Cursor
from tests.builders import (
    API,
    Answer,
    Caller,
    Service,
    a_token,
    a_user,
    an_organization,
    setting_the_scene,
)
from tests.policies import in_force
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

EVENTS = f"{API}/anonymized-logs/"
EXPORT = f"{EVENTS}export/"
CASES = f"{API}/cases/"
UNKNOWN = "01a1b1c1-0000-4000-8000-000000000000"
SAMPLE = {
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
THREE_WORKFLOWS = """
access_control:
  roles:
    admin: {view: [activity_logs, security_logs, error_logs]}
    hr_manager: {view: [anonymized_harassment_logs, anonymized_fraud_logs]}
sensitive_workflows: {harassment: {}, fraud: {}, bribery: {}}
"""


class HrWorld:
    """An organization with one HR manager, a service that reports, and its vault."""

    def __init__(self, vault: VaultAtHand) -> None:
        self.vault = vault
        self.organization = an_organization()
        self.manager = a_user(Role.HR_MANAGER, self.organization)
        self.hr = Caller(user=self.manager)
        self.service = Service(self.organization)

    def report(self, *events: dict[str, Any]) -> None:
        assert self.service.deliver(*events).status == 202
        self.vault.drain()

    def case(self, **fields: Any) -> str:
        """The code of a new case."""
        before = set(self.codes())
        self.report(REPORT | {"case_id": str(uuid4())} | fields)
        (code,) = set(self.codes()) - before
        return code

    def codes(self) -> list[str]:
        with the_vaults_rights():
            rows = Case.objects.filter(organization=self.organization)
            return [str(code) for code in rows.values_list("pk", flat=True)]


@pytest.fixture
def world(vault_at_hand: VaultAtHand) -> HrWorld:
    return HrWorld(vault_at_hand)


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.content
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def assert_problem(answer: Answer, status: int, code: str, path: str = "") -> None:
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert (answer.json["code"], answer.json.get("path", "")) == (code, path)


def looks() -> list[tuple[str, str, int | None, str]]:
    with the_vaults_rights():
        rows = Look.objects.order_by("pk").values_list("what", "case_code", "rows", "purpose")
        return [(what, str(code) if code else "", n, why) for what, code, n, why in rows]


def later(hour: int, **fields: Any) -> dict[str, Any]:
    return REPORT | {"timestamp": f"2024-11-24T{hour}:00:00Z", "action": "Case Reviewed"} | fields


# --- shapes -------------------------------------------------------------------------------------


def test_the_blueprints_sample_comes_back_in_its_own_shape(world: HrWorld) -> None:
    world.report(SAMPLE)
    (event,) = results(world.hr.get(EVENTS, {"workflow": "harassment"}))
    assert UUID(event.pop("id")).version == 4
    assert event == {
        "timestamp": "2024-11-24T00:00:00Z",
        "action": "Report Filed",
        "case_id": world.codes()[0],
        "workflow": "harassment",
        "organization": world.organization.slug,
        "anonymized_fields": {"reporter": "Anon1", "reported_user": "Anon2"},
    }


def test_a_report_with_people_comes_back_without_them(world: HrWorld) -> None:
    world.report(REPORT | {"status": "Open", "note": "Jane was there", "task_id": "T9"})
    answer = world.hr.get(EVENTS, {"workflow": "harassment"})
    (event,) = results(answer)
    assert set(event) == {
        *("id", "timestamp", "action", "status", "case_id"),
        *("workflow", "organization", "anonymized_fields"),
    }
    assert (event["timestamp"], event["status"]) == ("2024-11-24T00:00:00Z", "Open")
    assert event["anonymized_fields"] == {"reporter": "Anon1", "reported_user": "Anon2"}
    for word in (b"jane", b"john", b"16:10", b"H-2024", b"T9"):
        assert word.lower() not in answer.content.lower()


def test_the_policy_may_let_hr_know_the_hour(world: HrWorld) -> None:
    in_force("sensitive_workflows: {harassment: {time_grain: hour}}")
    world.report(REPORT)
    assert results(world.hr.get(EVENTS))[0]["timestamp"] == "2024-11-24T16:00:00Z"


def test_several_people_of_one_role_are_a_list(world: HrWorld) -> None:
    world.report(REPORT | {"identities": {"witness": ["a@b.example", "c@d.example"]}})
    assert results(world.hr.get(EVENTS))[0]["anonymized_fields"] == {"witness": ["Anon1", "Anon2"]}


def test_a_case_is_listed_with_its_clock(world: HrWorld) -> None:
    opened = timezone.now().date() - timedelta(days=8)
    code = world.case(timestamp=f"{opened}T10:45:00Z")
    (told,) = results(world.hr.get(CASES))
    answered = told["deadlines"].pop()
    assert (answered["step"], answered["state"]) == ("answered", "due")
    assert told == {
        "code": code,
        "workflow": "harassment",
        "organization": world.organization.slug,
        "opened": str(opened),
        "state": "open",
        "closed": None,
        "acknowledged": None,
        "answered": None,
        "age_days": 8,
        "deadlines": [
            {
                "step": "acknowledged",
                "due": str(opened + timedelta(days=7)),
                "done": None,
                "state": "late",
            }
        ],
        "destroyed_after": None,
    }


def test_a_closed_case_says_when_it_is_destroyed(world: HrWorld) -> None:
    viewer, code = hr_viewer(world.manager), world.case()
    case = read_case(viewer, UUID(code))
    take_step(viewer, case, "acknowledged", today=date(2024, 11, 25))
    take_step(viewer, case, "closed", today=timezone.now().date())
    with the_vaults_rights():
        Case.objects.update(closed_on=date(2024, 11, 30))
    (told,) = results(world.hr.get(CASES, {"state": "closed"}))
    assert (told["state"], told["acknowledged"]) == ("closed", "2024-11-25")
    assert (told["closed"], told["destroyed_after"]) == ("2024-11-30", "2025-01-30")
    assert [one["state"] for one in told["deadlines"]] == ["done", "ended"]


def test_one_case_tells_participants_events_in_order_notes_and_whose_it_is(world: HrWorld) -> None:
    code = world.case(case_id="H1")
    witness = {"witness": "max@organization.com", "reporter": "jane.roe@organization.com"}
    world.report(later(18, case_id="H1", status="Closed"))
    world.report(later(17, case_id="H1", identities=witness))
    viewer = hr_viewer(world.manager)
    write_note(viewer, read_case(viewer, UUID(code)), "Anon2 is on leave")
    told = world.hr.get(f"{CASES}{code}/").json
    (listed,) = results(world.hr.get(CASES))
    assert {name: told[name] for name in listed} == listed
    assert set(told) - set(listed) == {*("participants", "notes", "events", "events_next")}
    assert told["participants"] == ["Anon1", "Anon2", "Anon3"]
    assert [event["anonymized_fields"] for event in told["events"]] == [
        {"reporter": "Anon1", "reported_user": "Anon2"},
        {"witness": "Anon3", "reporter": "Anon1"},
        {"reporter": "Anon1", "reported_user": "Anon2"},
    ]
    assert [event.get("status") for event in told["events"]] == [None, None, "Closed"]
    assert told["events_next"] is None
    (note,) = told["notes"]
    assert (note["by"], note["text"]) == (world.manager.username, "Anon2 is on leave")
    assert datetime.fromisoformat(note["written_at"]).tzinfo


def test_all_events_of_a_task_are_one_case(world: HrWorld) -> None:
    plain = {name: value for name, value in REPORT.items() if name != "case_id"}
    world.report(plain | {"task_id": "T1"})
    world.service.deliver(
        {"timestamp": "2024-11-24T17:00:00Z", "action": "Task Routed", "task_id": "T1"}
    )
    world.vault.drain()
    (code,) = world.codes()
    told = world.hr.get(f"{CASES}{code}/").json
    assert [event["action"] for event in told["events"]] == ["Report Filed", "Task Routed"]


def test_labels_agree_within_a_case_and_not_across_cases(world: HrWorld) -> None:
    swapped = {
        "reporter": "john.doe@organization.com",
        "reported_user": "Jane Roe <Jane.Roe@organization.com>",
    }
    one, other = world.case(case_id="A"), world.case(case_id="B", identities=swapped)
    world.report(later(17, case_id="A", identities=swapped))
    labels = [event["anonymized_fields"] for event in world.hr.get(f"{CASES}{one}/").json["events"]]
    assert labels == [
        {"reporter": "Anon1", "reported_user": "Anon2"},
        {"reporter": "Anon2", "reported_user": "Anon1"},
    ]
    (alone,) = world.hr.get(f"{CASES}{other}/").json["events"]
    assert alone["anonymized_fields"] == {"reporter": "Anon1", "reported_user": "Anon2"}


# --- pages --------------------------------------------------------------------------------------


def walk(caller: Caller, address: str, way: str) -> list[list[dict[str, Any]]]:
    pages = []
    following: str | None = address
    while following:
        answer = caller.get(following).json
        pages.append(answer["results"])
        following = answer[way]
    return pages


def test_pages_lead_through_hundreds_of_events_of_one_day_and_back(world: HrWorld) -> None:
    for case_id in ("A", "B", "C"):
        world.report(*(later(16, case_id=case_id, minute=n) for n in range(100)))
    whole = results(world.hr.get(EVENTS, {"page_size": 500}))
    pages = walk(world.hr, f"{EVENTS}?page_size=70", "next")
    assert [len(page) for page in pages] == [70, 70, 70, 70, 20]
    forth = [event["id"] for page in pages for event in page]
    assert forth == [event["id"] for event in whole]
    assert len(set(forth)) == 300
    last = world.hr.get(EVENTS, {"page_size": 300}).json
    assert (last["next"], last["previous"]) == (None, None)
    address = f"{EVENTS}?page_size=70"
    for _ in range(4):
        address = world.hr.get(address).json["next"]
    back = [event["id"] for page in walk(world.hr, address, "previous")[::-1] for event in page]
    assert back == forth
    for case in {event["case_id"] for event in whole}:
        told = world.hr.get(f"{CASES}{case}/").json["events"]
        assert [one["id"] for one in told][::-1] == [
            one["id"] for one in whole if one["case_id"] == case
        ]


def test_pages_lead_through_cases_of_one_day_and_back(world: HrWorld) -> None:
    world.report(*(REPORT | {"case_id": str(n)} for n in range(25)))
    pages = walk(world.hr, f"{CASES}?page_size=10", "next")
    codes = [case["code"] for page in pages for case in page]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sorted(codes) == sorted(world.codes())
    second = world.hr.get(world.hr.get(f"{CASES}?page_size=10").json["next"])
    assert [case["code"] for case in results(world.hr.get(second.json["previous"]))] == codes[:10]


def test_a_long_case_goes_on_where_its_first_events_end(
    world: HrWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.api.cases.EVENTS_SHOWN", 4)
    world.report(*(later(16, status="Open") for _ in range(9)))
    (code,) = world.codes()
    found, address = [], f"http://testserver{CASES}{code}/"
    while address:
        told = world.hr.get(address).json
        found.append([event["id"] for event in told["events"]])
        address = told["events_next"]
    assert [len(events) for events in found] == [4, 4, 1]
    newest_first = [event["id"] for event in results(world.hr.get(EVENTS))]
    assert [one for events in found for one in events] == newest_first[::-1]


# --- filters ------------------------------------------------------------------------------------


@pytest.fixture
def three_kinds(vault_at_hand: VaultAtHand) -> HrWorld:
    """Three sensitive workflows; the policy shows HR two of them."""
    in_force(THREE_WORKFLOWS)
    world = HrWorld(vault_at_hand)
    world.report(
        REPORT | {"case_id": "A"},
        REPORT | {"case_id": "B", "workflow": "fraud", "timestamp": "2025-02-03T10:00:00Z"},
        REPORT | {"case_id": "C", "workflow": "bribery"},
        later(17, case_id="A", status="Closed"),
    )
    return world


def test_filters_narrow_the_events(three_kinds: HrWorld) -> None:
    hr = three_kinds.hr
    case = next(one["case_id"] for one in results(hr.get(EVENTS)) if "status" in one)
    for filters, expected in (
        ({}, 3),
        ({"workflow": "harassment"}, 2),
        ({"workflow": "fraud"}, 1),
        ({"case": case}, 2),
        ({"case": UNKNOWN}, 0),
        ({"case": case, "workflow": "fraud"}, 0),
        ({"action": "Case Reviewed"}, 1),
        ({"status": "Closed"}, 1),
        ({"since": "2025-01-01T00:00:00Z"}, 1),
        ({"since": "2024-11-24"}, 3),
        ({"since": "2024-11-24T00:00:01Z"}, 1),
        ({"until": "2025-02-03"}, 2),
        ({"since": "2024-11-24", "until": "2024-11-25"}, 2),
    ):
        assert len(results(hr.get(EVENTS, filters))) == expected, filters


def test_filters_narrow_the_cases(three_kinds: HrWorld) -> None:
    for filters, expected in (
        ({}, 2),
        ({"workflow": "fraud"}, 1),
        ({"state": "open"}, 2),
        ({"state": "closed"}, 0),
        ({"since": "2025-02-03"}, 1),
        ({"since": "2024-11-24T00:00:01Z"}, 1),
        ({"until": "2024-11-24"}, 0),
        ({"until": "2024-11-24T00:00:01Z"}, 1),
        ({"until": "9999-12-31T23:59:59Z"}, 2),
    ):
        assert len(results(three_kinds.hr.get(CASES, filters))) == expected, filters


def test_a_workflow_that_the_policy_does_not_show_is_as_one_that_is_not_there(
    three_kinds: HrWorld,
) -> None:
    for path in (EVENTS, CASES, EXPORT):
        hidden, unlisted = (
            three_kinds.hr.get(path, {"workflow": name}) for name in ("bribery", "nothing")
        )
        assert hidden.whole == unlisted.whole
        assert hidden.status == 200


@pytest.mark.parametrize(
    ("path", "query", "code", "field"),
    [
        (EVENTS, "user=x", "unknown_parameter", "user"),
        (EVENTS, "state=open", "unknown_parameter", "state"),
        (EVENTS, "workflow=a&workflow=b", "repeated_parameter", "workflow"),
        (EVENTS, "workflow=", "missing_value", "workflow"),
        (EVENTS, "case=H-2024-17", "bad_case_code", "case"),
        (EVENTS, "action=a%00b", "nul_character", "action"),
        (EVENTS, "since=yesterday", "bad_timestamp", "since"),
        (EVENTS, "since=2024-02-30", "bad_timestamp", "since"),
        (EVENTS, "since=2024-11-25&until=2024-11-24", "empty_range", "until"),
        (EVENTS, "cursor=x", "bad_cursor", "cursor"),
        (EVENTS, "page_size=501", "bad_page_size", "page_size"),
        (EXPORT, "format=xml", "unknown_format", "format"),
        (EXPORT, "page_size=5", "unknown_parameter", "page_size"),
        (CASES, "action=x", "unknown_parameter", "action"),
        (CASES, "state=gone", "unknown_state", "state"),
        (CASES, "until=2024-11-24T10:00:00", "bad_timestamp", "until"),
        (f"{CASES}{UNKNOWN}/", "page_size=5", "unknown_parameter", "page_size"),
        (f"{CASES}{UNKNOWN}/", "after=-1", "bad_place", "after"),
        (f"{CASES}{UNKNOWN}/", "after=9999999999", "bad_place", "after"),
    ],
)
def test_what_is_malformed_is_refused(
    path: str, query: str, code: str, field: str, world: HrWorld
) -> None:
    assert_problem(world.hr.get(f"{path}?{query}"), 400, code, field)


def test_an_unknown_parameter_is_told_the_known_ones(world: HrWorld) -> None:
    assert world.hr.get(f"{EVENTS}?user=x").json["detail"] == (
        "unknown parameter; known: action, case, cursor, page_size, since, status, until, workflow"
    )


# --- export -------------------------------------------------------------------------------------


def test_an_export_holds_the_lists_own_events(three_kinds: HrWorld) -> None:
    listed = results(three_kinds.hr.get(EVENTS))
    answer = three_kinds.hr.get(EXPORT)
    assert answer.media_type == "application/x-ndjson"
    assert [json.loads(line) for line in answer.content.splitlines()] == listed
    narrowed = three_kinds.hr.get(EXPORT, {"status": "Closed", "format": "csv"})
    assert narrowed.media_type == "text/csv"
    (row,) = csv.DictReader(io.StringIO(narrowed.content.decode()))
    (event,) = (one for one in listed if "status" in one)
    assert json.loads(row.pop("anonymized_fields")) == event.pop("anonymized_fields")
    assert {name: value for name, value in row.items() if value} == event


def test_a_cell_that_would_be_a_formula_is_a_text(world: HrWorld) -> None:
    in_force("sensitive_workflows: {harassment: {actions: ['=1+1']}}")
    world.report(REPORT | {"action": "=1+1"})
    content = world.hr.get(EXPORT, {"format": "csv"}).content.decode()
    assert ",'=1+1," in content


# --- who ----------------------------------------------------------------------------------------


def everything(code: str) -> list[str]:
    return [EVENTS, EXPORT, CASES, f"{CASES}{code}/"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HR_MANAGER])
def test_nobody_but_hr_finds_anything(role: Role, world: HrWorld) -> None:
    stranger = Caller(user=a_user(role, world.organization))
    for path in everything(world.case()):
        answer = stranger.get(path)
        assert_problem(answer, 404, "not_found")
        assert answer.whole == stranger.get(f"{path}?x=1").whole


def test_a_superuser_is_not_hr(world: HrWorld) -> None:
    with setting_the_scene():
        root = User.objects.create_superuser("root", password=None)
    assert {Caller(user=root).get(path).status for path in everything(world.case())} == {404}


@pytest.mark.parametrize("scope", Scope)
def test_no_token_opens_a_case(scope: Scope, world: HrWorld) -> None:
    service = Caller(token=a_token(world.organization, scope))
    for path in everything(world.case()):
        assert_problem(service.get(path), 403, "person_needed")


def test_without_credentials_there_is_a_challenge(world: HrWorld) -> None:
    for path in everything(UNKNOWN):
        for caller in (Caller(), Caller(token="made-up")):
            answer = caller.get(path)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_hr_that_the_policy_shows_nothing_finds_nothing(vault_at_hand: VaultAtHand) -> None:
    in_force("access_control: {roles: {admin: {view: [activity_logs]}}}")
    world = HrWorld(vault_at_hand)
    assert {world.hr.get(path).status for path in everything(world.case())} == {404}


def test_what_is_not_there_not_assigned_and_not_yours_look_alike(world: HrWorld) -> None:
    foreign = HrWorld(world.vault).case()
    unassigned = a_case_taken_from(world)
    answers = [world.hr.get(f"{CASES}{code}/") for code in (UNKNOWN, foreign, unassigned)]
    assert_problem(answers[0], 404, "not_found")
    assert answers[0].whole == answers[1].whole == answers[2].whole
    for code in (foreign, unassigned):
        for path in (EVENTS, EXPORT):
            found = world.hr.get(path, {"case": code})
            assert found.whole == world.hr.get(path, {"case": UNKNOWN}).whole
    assert results(world.hr.get(CASES)) == results(world.hr.get(EVENTS)) == []


def a_case_taken_from(world: HrWorld) -> str:
    code = world.case()
    with the_vaults_rights():
        CaseGrant.objects.filter(user=world.manager.pk).delete()
    return code


def test_whoever_takes_part_in_a_case_does_not_find_it(world: HrWorld) -> None:
    reported = a_user(Role.HR_MANAGER, world.organization, "john.doe")
    code, caller = world.case(), Caller(user=reported)
    assert caller.get(f"{CASES}{code}/").whole == caller.get(f"{CASES}{UNKNOWN}/").whole
    assert results(caller.get(CASES)) == results(caller.get(EVENTS)) == []
    assert len(results(world.hr.get(CASES))) == 1


def test_a_cursor_of_somebody_else_tells_nothing(world: HrWorld) -> None:
    world.report(*(later(16, case_id="A") for _ in range(3)))
    cursor = world.hr.get(EVENTS, {"page_size": 1}).json["next"].partition("cursor=")[2]
    other = HrWorld(world.vault)
    other.case()
    made_up = Cursor(datetime(2024, 11, 24, tzinfo=UTC), UUID(UNKNOWN)).as_text()
    answers = [other.hr.get(EVENTS, {"cursor": one}) for one in (cursor, made_up)]
    assert_problem(answers[0], 400, "bad_cursor", "cursor")
    assert answers[0].whole == answers[1].whole


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_tell_no_case_from_another(method: str, world: HrWorld) -> None:
    own, foreign = world.case(), HrWorld(world.vault).case()
    answers = [world.hr.call(method, f"{CASES}{code}/").whole for code in (own, foreign, UNKNOWN)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 405


def test_head_is_get_without_a_body(world: HrWorld) -> None:
    own = world.case()
    for path in (EVENTS, CASES, f"{CASES}{own}/"):
        head, got = world.hr.call("HEAD", path), world.hr.get(path)
        assert (head.status, head.content) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
    missing = world.hr.call("HEAD", f"{CASES}{UNKNOWN}/")
    assert (missing.status, missing.content) == (404, b"")


# --- looks --------------------------------------------------------------------------------------


def test_each_look_is_put_on_record_with_its_purpose(world: HrWorld) -> None:
    code = world.case()
    for path in (f"{EVENTS}?case={code}", f"{EXPORT}?case={code}", CASES, f"{CASES}{code}/"):
        assert world.hr.call("GET", path, headers={"Purpose": "quarterly report"}).status == 200
    assert world.hr.get(CASES).status == 200
    assert looks() == [
        ("events", code, 1, "quarterly report"),
        ("export", code, 1, "quarterly report"),
        ("list", "", 1, "quarterly report"),
        ("case", code, None, "quarterly report"),
        ("list", "", 1, ""),
    ]


@pytest.mark.parametrize("purpose", ["Prüfung – 調査 🗂", "Ärger", "x" * 200, "é" * 200])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_purpose_is_kept_as_it_was_meant(purpose: str, encoding: str, world: HrWorld) -> None:
    try:
        sent = purpose.encode(encoding).decode("latin-1")  # as web servers hand it on
    except UnicodeEncodeError:
        sent = purpose
    assert world.hr.call("GET", CASES, headers={"Purpose": f"  {sent} "}).status == 200
    assert looks() == [("list", "", 0, purpose)]


@pytest.mark.parametrize("purpose", ["x" * 201, "a\x00b", "a\x1b[2Jb", "a\tb", "a\x85b"], ids=repr)
def test_a_purpose_that_cannot_be_kept_is_refused(purpose: str, world: HrWorld) -> None:
    answer = world.hr.call("GET", CASES, headers={"Purpose": purpose})
    assert_problem(answer, 400, "bad_purpose", "Purpose")
    assert looks() == []


def test_the_ordinary_record_knows_only_that_somebody_was_there(world: HrWorld) -> None:
    code = world.case()
    for path in (EVENTS, f"{CASES}{code}/", f"{CASES}{UNKNOWN}/"):
        world.hr.call("GET", path, headers={"Purpose": "H-2024-17"})
    events = Event.objects.filter(organization=world.organization, log_type="security")
    told = {(event.action, event.actor, str(event.details)) for event in events}
    assert ("Restricted Area Used", world.manager.username, "{}") in told
    assert {action for action, _, _ in told} == {"Login", "Restricted Area Used"}


def test_whoever_is_refused_is_on_record(world: HrWorld) -> None:
    Caller(user=a_user(Role.AUDITOR, world.organization, "curious")).get(f"{CASES}{UNKNOWN}/")
    (event,) = Event.objects.filter(organization=world.organization, action="Access Denied")
    assert (event.actor, event.details["refused"]) == ("curious", "GET /api/v1/cases/<uuid:code>/")
