"""The quarantine over HTTP: why items were refused, and again after a fix, for admins alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from logs.record import drafts
from logs.record.models import Event, QuarantinedEvent
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Caller,
    Service,
    Vault,
    a_refused_item,
    a_token,
    a_user,
    an_organization,
    stored,
    wire_event,
)

pytestmark = pytest.mark.django_db

LIST = f"{API}/quarantine/"
UNKNOWN_ID = "01a1b1c1-0000-7000-8000-000000000000"
HOSTILE = "<script>alert(1)</script>\u202e{{ 7|add:7 }}"


@pytest.fixture
def home() -> Organization:
    return an_organization()


@pytest.fixture
def admin(home: Organization) -> Caller:
    return Caller(user=a_user(Role.ADMIN, home))


def place(item: QuarantinedEvent | str, how: str) -> str:
    return f"{LIST}{item.pk if isinstance(item, QuarantinedEvent) else item}/{how}/"


def a_fixed_item(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> QuarantinedEvent:
    """Refused while our clock was behind; the clock is right now."""
    minutes = drafts.MAX_AHEAD + timedelta(minutes=5)
    sent = (timezone.now() + minutes).isoformat()
    item = a_refused_item(organization, timestamp=sent, task_id="T1")
    monkeypatch.setattr(drafts, "MAX_AHEAD", 2 * minutes)
    return item


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.content
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def assert_problem(answer: Answer, status: int, code: str, path: str = "") -> None:
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert (answer.json["code"], answer.json.get("path", "")) == (code, path)


# --- reading ------------------------------------------------------------------------------------


def test_an_item_says_why_it_was_refused_and_what_was_sent(
    home: Organization, admin: Caller
) -> None:
    service = Service(home, name="email_parser")
    sent = wire_event(task_id=5, note=HOSTILE, deep={"a": [1, None, 2.5]})
    service.deliver(sent)
    (item,) = results(admin.get(LIST))
    assert set(item) == {
        *("id", "recorded_at", "organization", "source", "log_type"),
        *("code", "path", "detail", "sent", "truncated"),
    }
    assert (item["organization"], item["source"]) == (home.slug, "email_parser")
    assert (item["log_type"], item["code"], item["path"]) == ("activity", "wrong_type", "task_id")
    assert item["detail"] == "expected a text; leave the key out where there is no value"
    assert (item["sent"], item["truncated"]) == (sent, False)
    assert datetime.fromisoformat(item["recorded_at"]).tzinfo


def test_of_a_large_item_the_beginning_is_shown_as_text(home: Organization, admin: Caller) -> None:
    a_refused_item(home, note="x" * 70_000)
    (item,) = results(admin.get(LIST))
    assert item["truncated"] is True
    assert item["sent"].startswith('{"timestamp":')


def test_an_item_without_a_log_has_none(home: Organization, admin: Caller) -> None:
    a_refused_item(home, None, task_id="T1")
    (item,) = results(admin.get(LIST))
    assert (item["log_type"], item["path"]) == (None, "log_type")


def test_pages_lead_through_all_items_and_back(home: Organization, admin: Caller) -> None:
    expected = [str(a_refused_item(home).pk) for _ in range(5)][::-1]
    first = admin.get(LIST, {"page_size": 2}).json
    second = admin.get(first["next"]).json
    third = admin.get(second["next"]).json
    pages = [first, second, third]
    assert [item["id"] for page in pages for item in page["results"]] == expected
    assert (first["previous"], third["next"]) == (None, None)
    assert admin.get(third["previous"]).json["results"] == second["results"]


def test_filters_narrow_the_list(home: Organization, admin: Caller) -> None:
    wrong = a_refused_item(home, source="router")
    late = a_refused_item(home, LogType.ERROR, source="parser", task_id="T1", timestamp="x")
    for filters, expected in (
        ({"source": "router"}, [wrong]),
        ({"log_type": "error"}, [late]),
        ({"code": "wrong_type"}, [wrong]),
        ({"code": "wrong_type", "source": "parser"}, []),
        ({"since": late.recorded_at.isoformat()}, [late]),
        ({"until": late.recorded_at.isoformat()}, [wrong]),
    ):
        found = [item["id"] for item in results(admin.get(LIST, filters))]
        assert found == [str(item.pk) for item in expected], filters


@pytest.mark.parametrize(
    ("query", "code", "path"),
    [
        ("user=x", "unknown_parameter", "user"),
        ("code=a&code=b", "repeated_parameter", "code"),
        ("since=yesterday", "bad_timestamp", "since"),
        ("log_type=audit", "wrong_log_type", "log_type"),
        ("source=a%00b", "nul_character", "source"),
        ("cursor=x", "bad_cursor", "cursor"),
        ("page_size=501", "bad_page_size", "page_size"),
    ],
)
def test_an_unknown_filter_is_refused(query: str, code: str, path: str, admin: Caller) -> None:
    assert_problem(admin.get(f"{LIST}?{query}"), 400, code, path)


def test_who_read_the_quarantine_is_on_record(home: Organization, admin: Caller) -> None:
    for _ in range(2):
        admin.get(LIST, {"source": "router"})
    (event,) = Event.objects.filter(organization=home, action="Logs Viewed")
    assert event.details == {"read": "quarantine", "filters": {"source": "router"}}


# --- who ----------------------------------------------------------------------------------------


def test_what_is_not_there_and_what_is_not_yours_look_alike(
    home: Organization, admin: Caller
) -> None:
    foreign = a_refused_item(an_organization())
    for how, body in (("replay", {}), ("discard", {"reason": "why"})):
        answers = [admin.post(place(item, how), body) for item in (foreign, UNKNOWN_ID)]
        assert answers[0].whole == answers[1].whole
        assert answers[0].status == 404
        stranger = Caller(user=a_user(Role.AUDITOR, home))
        assert stranger.post(place(a_refused_item(home), how), body).status == 404
    assert QuarantinedEvent.objects.filter(pk=foreign.pk).exists()


@pytest.mark.parametrize("scope", Scope)
def test_no_token_opens_the_quarantine(scope: Scope, home: Organization) -> None:
    item, service = a_refused_item(home), Caller(token=a_token(home, scope))
    for answer in (
        service.get(LIST),
        service.post(place(item, "replay"), {}),
        service.post(place(item, "discard"), {"reason": "why"}),
    ):
        assert_problem(answer, 403, "person_needed")
    assert QuarantinedEvent.objects.filter(pk=item.pk).exists()


def test_without_the_forms_secret_nothing_is_settled(home: Organization) -> None:
    item, client = a_refused_item(home), Client(enforce_csrf_checks=True)
    client.force_login(a_user(Role.ADMIN, home))
    for how in ("replay", "discard"):
        assert client.post(place(item, how), {"reason": "why"}).status_code == 403
    assert QuarantinedEvent.objects.filter(pk=item.pk).exists()


# --- replay and discard -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{}", b" {} \n"], ids=repr)
def test_after_a_fix_an_item_is_accepted_and_in_its_log(
    body: bytes, home: Organization, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = a_fixed_item(home, monkeypatch)
    answer = admin.post(place(item, "replay"), body)
    assert (answer.status, answer.json) == (200, {"verdict": "accepted"})
    (event,) = results(Service(home).get(PATH_OF[LogType.ACTIVITY], {"task_id": "T1"}))
    assert event["source"] == "router"
    assert results(admin.get(LIST)) == []
    assert admin.post(place(item, "replay"), body).status == 404


def test_what_is_still_wrong_is_refused_with_the_reason_of_now(
    home: Organization, admin: Caller
) -> None:
    item = a_refused_item(home)
    answer = admin.post(place(item, "replay"), {})
    assert (answer.status, answer.json) == (
        200,
        {
            "verdict": "refused",
            "code": "wrong_type",
            "path": "task_id",
            "detail": "expected a text; leave the key out where there is no value",
        },
    )
    assert [kept["id"] for kept in results(admin.get(LIST))] == [str(item.pk)]


def test_stored_and_sealed_are_told_in_the_same_words(
    home: Organization, admin: Caller, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = a_fixed_item(home, monkeypatch)
    first = admin.post(place(ordinary, "replay"), {})
    sensitive = a_refused_item(home, task_id="T2", user=5)
    stored(home, wire_event(action="Report Filed", task_id="T2"))
    second = admin.post(place(sensitive, "replay"), {})
    assert first.whole == second.whole
    assert results(admin.get(LIST)) == []


def test_a_cut_item_is_a_conflict(home: Organization, admin: Caller) -> None:
    item = a_refused_item(home, note="x" * 70_000)
    assert_problem(admin.post(place(item, "replay"), {}), 409, "truncated")


@pytest.mark.parametrize("body", [b'{"task_id": "5"}', b"[]", b"null", b"{", b"\xff"], ids=repr)
def test_a_replay_takes_no_other_words(body: bytes, home: Organization, admin: Caller) -> None:
    item = a_refused_item(home)
    assert admin.post(place(item, "replay"), body).status == 400
    assert QuarantinedEvent.objects.get(pk=item.pk).sent == item.sent


def test_a_discarded_item_is_gone_and_the_reason_is_on_record(
    home: Organization, admin: Caller
) -> None:
    item = a_refused_item(home)
    answer = admin.post(place(item, "discard"), {"reason": "a load test"})
    assert (answer.status, answer.json) == (200, {"discarded": True})
    assert results(admin.get(LIST)) == []
    (event,) = Event.objects.filter(organization=home, action="Quarantine Discarded")
    assert event.details["reason"] == "a load test"
    assert admin.post(place(item, "discard"), {"reason": "again"}).status == 404


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"{}", "missing_field", "reason"),
        (b'{"reason": " "}', "bad_reason", "reason"),
        (b'{"reason": 5}', "wrong_type", "reason"),
        (b'{"reason": "%s"}' % (b"x" * 501), "bad_reason", "reason"),
        (b'{"reason": "a", "reason": "b"}', "duplicate_key", "reason"),
        (b'{"reason": "a", "force": true}', "unknown_field", "force"),
        (b'["a"]', "wrong_type", ""),
        (b'{"reason": "\\u0000"}', "nul_character", "reason"),
        (b"", "malformed_json", ""),
    ],
    ids=repr,
)
def test_a_discard_needs_a_reason(
    body: bytes, code: str, path: str, home: Organization, admin: Caller
) -> None:
    item = a_refused_item(home)
    assert_problem(admin.post(place(item, "discard"), body), 400, code, path)
    assert QuarantinedEvent.objects.filter(pk=item.pk).exists()


@pytest.mark.parametrize("how", ["replay", "discard"])
def test_settling_takes_no_parameters(how: str, home: Organization, admin: Caller) -> None:
    answer = admin.post(f"{place(a_refused_item(home), how)}?force=1", {})
    assert_problem(answer, 400, "unknown_parameter", "force")
