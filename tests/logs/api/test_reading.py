"""GET of the logs and of traces: pages, filters, one 404 for all that is not yours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.utils import timezone

from logs.record.models import Event
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.policy import versions
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Caller,
    Service,
    a_token,
    a_user,
    an_event,
    an_organization,
    setting_the_scene,
    stored,
    wire_event,
)
from tests.policies import in_force

pytestmark = pytest.mark.django_db

ACTIVITY = PATH_OF[LogType.ACTIVITY]
LISTS = [*PATH_OF.values(), f"{API}/logs/"]
UNKNOWN_ID = "01a1b1c1-0000-7000-8000-000000000000"


def assert_problem(answer: Answer, status: int, code: str, path: str = "") -> None:
    assert answer.status == status, answer.content
    assert answer.media_type == "application/problem+json"
    assert (answer.json["code"], answer.json.get("path", "")) == (code, path)
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert answer.json["detail"]


def tasks(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.content
    return [event["task_id"] for event in answer.json["results"]]


def follow(caller: Caller, link: str) -> Answer:
    parts = urlsplit(link)
    return caller.get(f"{parts.path}?{parts.query}")


# --- pages --------------------------------------------------------------------------------------


def test_a_page_has_next_previous_and_results_and_no_count(service: Service) -> None:
    stored(service.organization, *[wire_event(task_id=str(number)) for number in range(5)])
    first = service.get(ACTIVITY, {"page_size": 2, "status": "Success"})
    assert set(first.json) == {"next", "previous", "results"}
    assert first.json["previous"] is None
    assert tasks(first) == ["4", "3"]
    second = follow(service, first.json["next"])
    assert tasks(second) == ["2", "1"]
    third = follow(service, second.json["next"])
    assert (tasks(third), third.json["next"]) == (["0"], None)
    assert tasks(follow(service, third.json["previous"])) == ["2", "1"]
    again = follow(service, second.json["previous"])
    assert (tasks(again), again.json["previous"]) == (["4", "3"], None)


def test_links_keep_the_filters_and_lead_to_the_same_host(service: Service) -> None:
    sent = [wire_event(task_id=str(n), user="ä&=+ b") for n in range(3)] + [wire_event(task_id="x")]
    stored(service.organization, *sent)
    first = service.get(ACTIVITY, {"user": "ä&=+ b", "page_size": 1})
    assert first.json["next"].startswith(f"http://testserver{ACTIVITY}?")
    assert tasks(follow(service, first.json["next"])) == ["1"]


@pytest.mark.parametrize(("size", "rows"), [(1, 1), (500, 120), (None, 100), ("0100", 100)])
def test_a_page_has_100_rows_unless_told_otherwise(service: Service, size: Any, rows: int) -> None:
    stored(service.organization, *[wire_event(task_id="1")] * 120)
    query = {} if size is None else {"page_size": size}
    assert len(tasks(service.get(ACTIVITY, query))) == rows


@pytest.mark.parametrize("size", ["0", "501", "-1", "", "x", "1e2", "1.0", " 5", "٣", "9" * 30])
def test_a_page_size_is_a_whole_number_up_to_500(service: Service, size: str) -> None:
    assert_problem(service.get(ACTIVITY, {"page_size": size}), 400, "bad_page_size", "page_size")


def forged(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%00", "é", "a" * 4000]
    + [forged({}), forged([]), forged([1, 2]), forged(["2024-01-01T00:00:00Z", "no id", False])]
    + [forged(["2024-01-01T00:00:00", UNKNOWN_ID, False])],
)
def test_a_cursor_that_we_never_gave_is_refused(service: Service, cursor: str) -> None:
    assert_problem(service.get(ACTIVITY, {"cursor": cursor}), 400, "bad_cursor", "cursor")


@pytest.mark.parametrize(
    "instant",
    ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "2024-01-01T00:00:00+23:00"],
)
@pytest.mark.parametrize("backward", [False, True])
def test_a_forged_cursor_at_the_ends_of_time_harms_nobody(
    service: Service, instant: str, backward: bool
) -> None:
    answer = service.get(ACTIVITY, {"cursor": forged([instant, UNKNOWN_ID, backward])})
    assert answer.status in (200, 400)


def test_a_cursor_opens_no_other_organizations_list(service: Service) -> None:
    other = Service(an_organization(), Scope.READ)
    stored(other.organization, *[wire_event(task_id=str(number)) for number in range(3)])
    link = other.get(ACTIVITY, {"page_size": 1}).json["next"]
    assert tasks(follow(service, link)) == []


# --- filters ------------------------------------------------------------------------------------

FULL = {
    "action": "Task Escalated",
    "status": "Failed",
    "user": "anna@organization.com",
    "task_id": "T-1",
    "email_id": "M-1",
    "ip_address": "192.0.2.7",
    "from": "router",
    "to": "queue",
}
ANOTHER = {
    "action": "Task Routed",
    "status": "Success",
    "user": "otto@organization.com",
    "task_id": "T-2",
    "email_id": "M-2",
    "ip_address": "192.0.2.8",
    "from": "parser",
    "to": "desk",
}


@pytest.mark.parametrize("path", [ACTIVITY, f"{API}/logs/"])
@pytest.mark.parametrize("name", FULL)
def test_each_filter_finds_exactly_its_value(service: Service, name: str, path: str) -> None:
    stored(service.organization, wire_event(**FULL), wire_event(**ANOTHER))
    assert tasks(service.get(path, {name: FULL[name]})) == ["T-1"]
    assert tasks(service.get(path, {name: ANOTHER[name]})) == ["T-2"]
    absent = "203.0.113.1" if name == "ip_address" else FULL[name].lower() + "x"
    assert tasks(service.get(path, {name: absent})) == []


def test_source_and_outcome_are_filters(service: Service) -> None:
    stored(service.organization, wire_event(task_id="1", status="Failed"), source="router")
    stored(service.organization, wire_event(task_id="2"), source="parser")
    assert tasks(service.get(ACTIVITY, {"source": "router"})) == ["1"]
    assert tasks(service.get(ACTIVITY, {"outcome": "failure"})) == ["1"]
    assert tasks(service.get(ACTIVITY, {"outcome": "success"})) == ["2"]
    assert tasks(service.get(ACTIVITY, {"outcome": "denied"})) == []


def test_filters_are_joined_by_and(service: Service) -> None:
    stored(service.organization, wire_event(**FULL), wire_event(**ANOTHER | {"user": FULL["user"]}))
    query = {"user": FULL["user"], "status": "Success"}
    assert tasks(service.get(ACTIVITY, query)) == ["T-2"]


def test_in_error_logs_the_filter_action_finds_the_error(service: Service) -> None:
    stored(
        service.organization,
        wire_event(LogType.ERROR, error="Email Parsing Failed", email_id="67890"),
        wire_event(LogType.ERROR, error="Disk Full"),
        log_type=LogType.ERROR,
    )
    answer = service.get(PATH_OF[LogType.ERROR], {"action": "Email Parsing Failed"})
    assert [event["email_id"] for event in answer.json["results"]] == ["67890"]
    assert answer.json["results"][0]["error"] == "Email Parsing Failed"
    assert "action" not in answer.json["results"][0]


def test_an_address_is_found_in_any_spelling(service: Service) -> None:
    stored(service.organization, wire_event(task_id="1", ip_address="2001:db8::1"))
    assert tasks(service.get(ACTIVITY, {"ip_address": "2001:0DB8:0:0::1"})) == ["1"]


def test_a_range_of_the_senders_time_is_half_open(service: Service) -> None:
    for hour in (10, 11, 12):
        an_event(service.organization, task_id=str(hour), timestamp=f"2024-11-24T{hour}:00:00Z")
    query = {"since": "2024-11-24T11:00:00Z", "until": "2024-11-24T12:00:00Z"}
    assert tasks(service.get(ACTIVITY, query)) == ["11"]
    query = {"since": "2024-11-24T12:00:00+01:00", "until": "2024-11-24T12:00:00.000001Z"}
    assert tasks(service.get(ACTIVITY, query)) == ["12", "11"]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "0001-01-01T00:00:00Z"},
        {"since": "0001-01-01T00:05:00Z"},
        {"until": "9999-12-31T23:59:59Z"},
        {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"},
    ],
    ids=str,
)
def test_the_ends_of_time_are_times(service: Service, query: dict[str, str]) -> None:
    stored(service.organization, wire_event(task_id="1"))
    assert tasks(service.get(ACTIVITY, query)) == ["1"]


@pytest.mark.parametrize(
    ("query", "code", "name"),
    [
        ("nonsense=1", "unknown_parameter", "nonsense"),
        ("log_type=activity", "unknown_parameter", "log_type"),
        ("error=x", "unknown_parameter", "error"),
        ("format=json", "unknown_parameter", "format"),
        ("offset=5", "unknown_parameter", "offset"),
        ("Status=x", "unknown_parameter", "Status"),
        ("status__contains=x", "unknown_parameter", "status__contains"),
        ("=x", "unknown_parameter", ""),
        ("status=a&status=b", "repeated_parameter", "status"),
        ("status=a&status=a", "repeated_parameter", "status"),
        ("q=router", "search_not_available", "q"),
        ("q=", "search_not_available", "q"),
        ("outcome=fine", "unknown_outcome", "outcome"),
        ("outcome=", "unknown_outcome", "outcome"),
        ("ip_address=localhost", "bad_ip_address", "ip_address"),
        ("ip_address=", "bad_ip_address", "ip_address"),
        ("since=yesterday", "bad_timestamp", "since"),
        ("since=", "bad_timestamp", "since"),
        ("since=2024-11-24", "bad_timestamp", "since"),
        ("since=2024-11-24T10:00:00", "bad_timestamp", "since"),
        ("until=2024-11-24T10:00:00+01:00", "bad_timestamp", "until"),
        ("since=0001-01-01T00:00:00%2B10:00", "bad_timestamp", "since"),
        ("until=9999-12-31T23:59:59-10:00", "bad_timestamp", "until"),
        ("since=2024-11-24T10:00:00Z&until=2024-11-24T10:00:00Z", "empty_range", "until"),
        ("since=2024-11-25T10:00:00Z&until=2024-11-24T10:00:00Z", "empty_range", "until"),
        ("task_id=%00", "nul_character", "task_id"),
        ("status=a%00b", "nul_character", "status"),
    ],
)
@pytest.mark.parametrize("path", [ACTIVITY, f"{API}/logs/"])
def test_a_parameter_that_cannot_be_used_is_named(
    service: Service, path: str, query: str, code: str, name: str
) -> None:
    assert_problem(service.get(f"{path}?{query}"), 400, code, name)


@pytest.mark.parametrize("path", [*LISTS])
def test_what_would_be_accepted_is_said(service: Service, path: str) -> None:
    detail = service.get(path, {"nonsense": 1}).json["detail"]
    assert all(name in detail for name in ("since", "task_id", "page_size", "ip_address"))


def test_one_event_takes_no_parameters(service: Service) -> None:
    event = an_event(service.organization)
    answer = service.get(f"{ACTIVITY}{event.pk}/", {"x": 1})
    assert_problem(answer, 400, "unknown_parameter", "x")


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("2024-11-24T10:45:00Z", "2024-11-24T10:45:00Z"),
        ("2024-11-24T10:45:00.000Z", "2024-11-24T10:45:00Z"),
        ("2024-11-24T10:45:00.5Z", "2024-11-24T10:45:00.500000Z"),
        ("2024-11-24T10:45:00.000001Z", "2024-11-24T10:45:00.000001Z"),
        ("2024-11-24T12:45:00+02:00", "2024-11-24T10:45:00Z"),
    ],
)
def test_times_are_utc_with_z_and_six_digits_or_none(
    service: Service, sent: str, told: str
) -> None:
    event = an_event(service.organization, timestamp=sent)
    assert service.get(f"{ACTIVITY}{event.pk}/").json["timestamp"] == told
    assert service.get(ACTIVITY).json["results"][0]["timestamp"] == told


def test_a_list_shows_an_event_as_its_own_address_does(service: Service) -> None:
    event = an_event(service.organization, task_id="1", extra={"a": [1]})
    own = service.get(f"{ACTIVITY}{event.pk}/").json
    assert service.get(ACTIVITY).json["results"] == [own]
    assert service.get(f"{API}/logs/", {"task_id": "1"}).json["results"] == [own]
    assert service.get(f"{API}/logs/{event.pk}/").json == own


def test_the_list_of_all_logs_mixes_them_by_time(service: Service) -> None:
    an_event(service.organization, LogType.ERROR, timestamp="2024-11-24T10:02:00Z")
    an_event(service.organization, LogType.SECURITY, timestamp="2024-11-24T10:03:00Z")
    an_event(service.organization, LogType.ACTIVITY, timestamp="2024-11-24T10:01:00Z")
    events = service.get(f"{API}/logs/", {"source": "router"}).json["results"]
    assert [event["log_type"] for event in events] == ["security", "error", "activity"]


# --- one 404 ------------------------------------------------------------------------------------


def test_all_that_is_not_yours_is_one_and_the_same_404(organization: Organization) -> None:
    admin = Caller(user=a_user(Role.ADMIN, organization))
    foreign = an_event(an_organization())
    own_error = an_event(organization, LogType.ERROR)
    answers = [
        admin.get(f"{ACTIVITY}{identifier}/")
        for identifier in (UNKNOWN_ID, foreign.pk, own_error.pk, "no-uuid", "1", "{}", "%00")
    ]
    assert answers[0].status == 404
    assert_problem(answers[0], 404, "not_found")
    for answer in answers[1:]:
        assert answer.whole == answers[0].whole


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_without_the_view_there_is_nothing_whether_it_exists_or_not(
    organization: Organization, role: Role
) -> None:
    event = an_event(organization, task_id="T1")
    stranger = Caller(user=a_user(role, organization))
    admin = Caller(user=a_user(Role.ADMIN, organization))
    unknown = admin.get(f"{ACTIVITY}{UNKNOWN_ID}/")
    assert stranger.get(f"{ACTIVITY}{event.pk}/").whole == unknown.whole
    for path in (*LISTS, f"{ACTIVITY}?nonsense=1", f"{API}/traces/T1/", f"{API}/traces/T9/"):
        answer = stranger.get(path)
        assert (answer.status, answer.content) == (404, unknown.content)
        assert answer.media_type == "application/problem+json"


def test_a_tokens_unknown_ids_look_like_a_persons(
    service: Service, organization: Organization
) -> None:
    foreign = an_event(an_organization(), task_id="T1")
    unknown = service.get(f"{ACTIVITY}{UNKNOWN_ID}/")
    assert service.get(f"{ACTIVITY}{foreign.pk}/").whole == unknown.whole
    assert service.get(f"{API}/traces/T1/").content == unknown.content


@pytest.mark.parametrize("role", ["superuser", "leaver", "elsewhere"])
def test_neither_a_superuser_nor_a_leaver_nor_anothers_admin_reads(
    organization: Organization, role: str
) -> None:
    event = an_event(organization)
    user = a_user(Role.ADMIN, an_organization() if role == "elsewhere" else organization)
    with setting_the_scene():
        if role == "superuser":
            user = User.objects.create_superuser("root", password=None)
    caller = Caller(user=user)
    if role == "leaver":
        with setting_the_scene():
            User.objects.filter(pk=user.pk).update(is_active=False)
    answer = caller.get(f"{ACTIVITY}{event.pk}/")
    assert answer.status == (401 if role == "leaver" else 404)
    assert str(event.pk) not in caller.get(ACTIVITY).content.decode()


@pytest.mark.parametrize(
    "path",
    [f"{API}/", f"{API}/nothing/", f"{API}/activity-logs", f"{API}/activity-logs/1/2/", "/api/"]
    + ["/api/v2/activity-logs/", f"{API}/quarantine/1/", f"{API}/alerts/1/", f"{API}/%00/"],
)
def test_what_is_not_built_is_a_404_problem_for_everybody(service: Service, path: str) -> None:
    admin = Caller(user=a_user(Role.ADMIN, service.organization))
    for caller in (Caller(), service, admin):
        assert_problem(caller.get(path), 404, "not_found")
        assert caller.post(path, {}).status in (403, 404, 405)


# --- credentials --------------------------------------------------------------------------------


def tampered(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer a b", "Basic YTpi", "Token abc", "Bearer é"]
    + ["Bearer " + "x" * 8000],
)
@pytest.mark.parametrize("path", [*LISTS, f"{ACTIVITY}{UNKNOWN_ID}/", f"{API}/traces/T1/"])
def test_no_or_bad_credentials_are_401_with_the_way_to_do_better(
    path: str, authorization: str
) -> None:
    caller = Caller()
    headers = {"Authorization": authorization} if authorization else {}
    answer = caller.call("GET", path, headers=headers)
    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("fault", ["tampered", "expired", "revoked", "case"])
def test_a_token_that_does_not_hold_is_401(organization: Organization, fault: str) -> None:
    life = timedelta(seconds=-1) if fault == "expired" else timedelta(days=1)
    token = a_token(organization, Scope.READ, lives=life)
    if fault == "revoked":
        with setting_the_scene():
            ServiceToken.objects.update(revoked_at=timezone.now())
    text = {"tampered": tampered(token), "case": token.swapcase()}.get(fault, token)
    answer = Caller(token=text).get(ACTIVITY)
    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_bad_token_is_not_saved_by_a_good_session(organization: Organization) -> None:
    caller = Caller(user=a_user(Role.ADMIN, organization))
    answer = caller.call("GET", ACTIVITY, headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401


def test_the_word_bearer_has_no_case(organization: Organization) -> None:
    token = a_token(organization, Scope.READ)
    answer = Caller().call("GET", ACTIVITY, headers={"Authorization": f"bEARER {token}"})
    assert answer.status == 200


@pytest.mark.parametrize("path", [*LISTS, f"{ACTIVITY}{UNKNOWN_ID}/", f"{API}/traces/T1/"])
@pytest.mark.parametrize("scopes", [[Scope.INGEST], [Scope.ALERTS]], ids=str)
def test_a_token_without_the_scope_is_403(
    organization: Organization, path: str, scopes: list[Scope]
) -> None:
    answer = Caller(token=a_token(organization, *scopes)).get(path)
    assert_problem(answer, 403, "scope_missing")


def test_a_tokens_last_use_is_noted(organization: Organization) -> None:
    service = Service(organization, Scope.READ)
    service.get(ACTIVITY)
    (token,) = ServiceToken.objects.filter(organization=organization)
    assert token.last_used_at is not None


# --- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [*LISTS, f"{ACTIVITY}{UNKNOWN_ID}/", f"{API}/traces/T1/"])
def test_events_are_neither_changed_nor_removed(service: Service, method: str, path: str) -> None:
    answer = service.call(method, path, {})
    assert_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_one_event_is_not_posted_to(service: Service) -> None:
    assert_problem(service.post(f"{ACTIVITY}{UNKNOWN_ID}/", {}), 405, "method_not_allowed")


@pytest.mark.parametrize("path", [*LISTS, f"{API}/traces/T1/"])
def test_options_tell_a_stranger_nothing(organization: Organization, path: str) -> None:
    stranger = Caller(user=a_user(Role.USER, organization))
    answer = stranger.call("OPTIONS", path)
    assert answer.status in (404, 405)
    assert answer.media_type == "application/problem+json"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "", "nonsense"])
def test_every_answer_is_json_whatever_is_asked_for(service: Service, accept: str) -> None:
    answer = service.call("GET", ACTIVITY, headers={"Accept": accept})
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"


# --- traces -------------------------------------------------------------------------------------

WAY = ["Email Received", "Email Parsed", "Task Created", "Task Routed", "Task Completed"]


def a_task(organization: Organization, actions: list[str], **fields: Any) -> list[Event]:
    sent = [
        wire_event(
            action=action, task_id="T-1", timestamp=f"2024-11-24T10:{minute:02}:00Z", **fields
        )
        for minute, action in enumerate(actions)
    ]
    return stored(organization, *sent)


def test_a_trace_tells_the_stages_and_all_events_in_order(service: Service) -> None:
    events = a_task(service.organization, WAY)
    failed = an_event(
        service.organization, LogType.ERROR, task_id="T-1", timestamp="2024-11-24T10:01:30Z"
    )
    answer = service.get(f"{API}/traces/T-1/")
    assert answer.status == 200
    assert set(answer.json) == {"task_id", "state", "stages", "events"}
    assert (answer.json["task_id"], answer.json["state"]) == ("T-1", "completed")
    assert answer.json["stages"] == [
        {"stage": stage, "state": "done", "due": None}
        for stage in ("received", "parsed", "created", "routed", "completed")
    ]
    ids = [str(event.pk) for event in events]
    assert [event["id"] for event in answer.json["events"]] == [*ids[:2], str(failed.pk), *ids[2:]]
    assert answer.json["events"][0] == service.get(f"{ACTIVITY}{ids[0]}/").json


def test_a_listed_workflow_brings_its_deadlines(service: Service) -> None:
    a_task(service.organization, ["Task Created"], workflow="maintenance")
    answer = service.get(f"{API}/traces/T-1/")
    assert answer.status == 200
    stages = {stage["stage"]: stage for stage in answer.json["stages"]}
    assert stages["routed"] == {
        "stage": "routed",
        "state": "missing",
        "due": "2024-11-24T10:10:00Z",
    }
    assert stages["completed"]["due"] == "2024-11-26T10:00:00Z"
    assert stages["created"]["state"] == "done"


def test_a_late_stage_is_late(service: Service) -> None:
    stored(
        service.organization,
        wire_event(action="Task Created", task_id="T-1", workflow="maintenance"),
        wire_event(action="Task Routed", task_id="T-1", timestamp="2024-11-24T11:00:00Z"),
    )
    stages = service.get(f"{API}/traces/T-1/").json["stages"]
    assert [stage["state"] for stage in stages if stage["stage"] == "routed"] == ["late"]


@pytest.mark.parametrize("task_id", ["a/b", "ä ö", "100%", "..", "T?x=1", "x" * 500, "a/"])
def test_a_task_is_found_whatever_its_name(service: Service, task_id: str) -> None:
    an_event(service.organization, task_id=task_id)
    answer = service.get(f"{API}/traces/{quote(task_id, safe='/')}/")
    assert answer.json["task_id"] == task_id


@pytest.mark.parametrize("task_id", ["T-9", "%00", "x" * 5000, "%ff"])
def test_an_unknown_task_is_404(service: Service, task_id: str) -> None:
    assert_problem(service.get(f"{API}/traces/{task_id}/"), 404, "not_found")


def test_a_trace_takes_no_parameters(service: Service) -> None:
    an_event(service.organization, task_id="T-1")
    assert_problem(
        service.get(f"{API}/traces/T-1/", {"since": "x"}), 400, "unknown_parameter", "since"
    )


# --- a narrower policy --------------------------------------------------------------------------


@pytest.fixture
def errors_only() -> Iterator[None]:
    """The policy lets admins read the error logs alone."""
    in_force("access_control: {roles: {admin: {view: [error_logs]}}}")
    yield
    versions.forget_cache()


@pytest.mark.usefixtures("errors_only")
def test_a_narrower_view_hides_the_other_logs_everywhere() -> None:
    organization = an_organization()
    admin = Caller(user=a_user(Role.ADMIN, organization))
    routed = an_event(organization, task_id="T-1")
    failed = an_event(organization, LogType.ERROR, task_id="T-1")
    an_event(organization, task_id="T-2")
    assert [event["id"] for event in admin.get(f"{API}/logs/").json["results"]] == [str(failed.pk)]
    assert admin.get(PATH_OF[LogType.ERROR]).status == 200
    for path in (ACTIVITY, PATH_OF[LogType.SECURITY], f"{ACTIVITY}{routed.pk}/"):
        assert_problem(admin.get(path), 404, "not_found")
    assert_problem(admin.get(f"{API}/logs/{routed.pk}/"), 404, "not_found")
    told = admin.get(f"{API}/traces/T-1/").json["events"]
    assert [event["id"] for event in told] == [str(failed.pk)]
    assert_problem(admin.get(f"{API}/traces/T-2/"), 404, "not_found")
    for page in ("/admin/logs/activitylog/", f"/admin/logs/activitylog/{routed.pk}/change/"):
        assert admin.get(page).status == 404
    assert str(routed.pk) not in admin.get("/admin/").content.decode()
