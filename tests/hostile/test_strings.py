"""Hostile strings as values of events: they come back as they were, and are only text on pages."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from logs.record.models import Event, QuarantinedEvent
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role
from tests.builders import API, PATH_OF, Caller, Service, a_user
from tests.hostile import samples
from tests.hostile.pages import elements_of

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("vault")]

FIELDS = ("action", "user", "task_id", "email_id", "from", "to", "status", "reason")
FILTERS = tuple(name for name in FIELDS if name != "reason")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
HARMLESS = "harmless"
ROWS = 90  # fewer than a page of the list has


@pytest.fixture
def texts() -> list[str]:
    return samples.strings()


def saying(text: str, log_type: LogType, **changes: str) -> dict[str, Any]:
    """An event that says a text wherever it can."""
    event: dict[str, Any] = dict.fromkeys(FIELDS, text) | changes
    if log_type is LogType.ERROR:
        event["error"] = event.pop("action")
    own = {text: {text: [text, {text: text}]}} if text not in ("details", "error") else {}
    return own | event | {"timestamp": "2024-11-24T10:45:00Z"}


def delivered(service: Service, texts: list[str], log_type: LogType, **changes: str) -> list[Any]:
    """The events of those texts that are ordinary, as sent, with their ids."""
    events = [saying(text, log_type, **changes) for text in texts]
    answer = service.deliver(*events, log_type=log_type)
    assert answer.status in (201, 202), answer.content
    ids = answer.json["ids"]
    return [(one, event) for one, event in zip(ids, events, strict=True) if one]


def page_of(client: Client, path: str, query: dict[str, str] | None = None) -> bytes:
    answer = client.get(f"{path}?{urlencode(query)}" if query else path)
    assert answer.status_code in (200, 404), (path, answer.status_code)
    return bytes(answer.content)


# --- in and out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("log_type", LogType)
def test_every_text_comes_back_as_it_was_sent(
    texts: list[str], log_type: LogType, service: Service
) -> None:
    expected = dict(delivered(service, texts, log_type))
    assert len(expected) > len(texts) * 0.9
    exported = service.get(f"{PATH_OF[log_type]}export/").content.decode().split("\n")[:-1]
    lines = {line["id"]: line for line in map(json.loads, exported) if line["source"] != "portal"}
    assert lines.keys() == expected.keys()
    for identifier, event in expected.items():
        own = {name: value for name, value in event.items() if name in lines[identifier]}
        assert {name: lines[identifier][name] for name in own} == own
        assert lines[identifier]["details"] == {
            name: value for name, value in event.items() if name not in own
        }


def test_every_text_survives_a_csv_and_none_is_a_formula(
    texts: list[str], service: Service
) -> None:
    expected = dict(delivered(service, texts, LogType.ACTIVITY))
    answer = service.get(f"{PATH_OF[LogType.ACTIVITY]}export/", {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))
    assert {row["id"] for row in rows} == expected.keys()
    for row in rows:
        assert not any(str(cell).startswith(FORMULA_SIGNS[:6]) for cell in row.values())
        for name in FIELDS:
            assert row[name].removeprefix("'") == expected[row["id"]][name].removeprefix("'")


# --- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_type", LogType)
def test_no_text_adds_an_element_to_the_list_or_an_events_page(
    texts: list[str], log_type: LogType, service: Service, admin: Client
) -> None:
    path = f"/admin/logs/{log_type.value}log/"
    long_word = HARMLESS * 60
    ((plain, _),) = delivered(service, [long_word], log_type)
    known = elements_of(page_of(admin, path, {"user": long_word}))
    known |= elements_of(page_of(admin, path, {"user": long_word, "source": "x"}))
    known_of_event = elements_of(page_of(admin, f"{path}{plain}/change/"))
    for start in range(0, len(texts), ROWS):
        batch = delivered(service, texts[start : start + ROWS], log_type, email_id=f"M{start}")
        listed = page_of(admin, path, {"email_id": f"M{start}"})
        assert listed.count(b"/change/") == len(batch)
        assert elements_of(listed) <= known
        for identifier, event in batch:
            shown = page_of(admin, f"{path}{identifier}/change/")
            assert elements_of(shown) <= known_of_event, event["user"]
    for text in texts[::8]:
        assert elements_of(page_of(admin, path, {"user": text})) <= known, text


def test_no_text_adds_an_element_to_a_trace(
    texts: list[str], service: Service, admin: Client
) -> None:
    find = "/admin/logs/activitylog/trace/"
    delivered(service, [HARMLESS * 60], LogType.ACTIVITY, task_id=HARMLESS)
    known = elements_of(page_of(admin, find + HARMLESS + "/"))
    delivered(service, texts, LogType.ACTIVITY, task_id="T1", email_id="M1")
    assert elements_of(page_of(admin, find + "T1/")) <= known
    delivered(service, texts, LogType.ACTIVITY)
    missing = elements_of(page_of(admin, find + "absent/"))
    first_page = elements_of(page_of(admin, "/admin/"))
    missing |= elements_of(page_of(admin, "/nothing/"))
    for text in texts:
        answer = admin.get(f"{find}?{urlencode({'task_id': text})}", follow=True)
        assert answer.status_code in (200, 404), text
        assert elements_of(answer.content) <= known | missing | first_page, text
        assert elements_of(page_of(admin, f"{find}{quote(text, safe='')}/")) <= known | missing
        assert service.get(f"{API}/traces/{quote(text, safe='')}/").status in (200, 404)


def test_no_text_adds_an_element_to_the_quarantine(
    texts: list[str], service: Service, admin: Client
) -> None:
    path = "/admin/logs/quarantinedevent/"
    refused = [saying(text, LogType.ACTIVITY) | {"status": 5, text[:99]: 7} for text in texts]
    service.deliver(saying(HARMLESS, LogType.ACTIVITY) | {"status": 5})
    known = elements_of(page_of(admin, path))
    (item,) = QuarantinedEvent.objects.all()
    known_of_item = elements_of(page_of(admin, f"{path}{item.pk}/change/"))
    paged = service.deliver(*refused)
    assert paged.status == 400
    known |= {("a", ("class", "href", "rel")), ("nav", ("aria-label", "class"))}
    assert elements_of(page_of(admin, path)) <= known
    for kept in QuarantinedEvent.objects.all():
        assert elements_of(page_of(admin, f"{path}{kept.pk}/change/")) <= known_of_item


def test_no_text_in_a_path_of_a_refusal_is_more_than_text(
    service: Service, admin: Client, home: Organization
) -> None:
    """The path names keys that were sent: the one thing of a refusal that is not ours."""
    body = "\n".join(json.dumps({text: {"x": 2**64}}) for text in samples.MARKUP)
    answer = service.post(
        PATH_OF[LogType.ACTIVITY], body.encode(), content_type="application/x-ndjson"
    )
    assert answer.status == 400
    assert answer.media_type == "application/problem+json"
    known = elements_of(admin.get(f"/admin/logs/activitylog/?{HARMLESS}=x").content)
    for text in samples.MARKUP:
        page = admin.get(f"/admin/logs/activitylog/?{urlencode({text: 'x'})}")
        assert page.status_code == 400
        assert elements_of(page.content) == known


# --- queries ------------------------------------------------------------------------------------


def test_what_was_looked_for_is_only_text_on_its_own_page(service: Service, admin: Client) -> None:
    looked = "/admin/logs/securitylog/"
    for text in (HARMLESS * 60, *samples.MARKUP):
        service.get(f"{API}/logs/", {"user": text, "to": text})
    pages = [
        elements_of(page_of(admin, f"{looked}{event.pk}/change/"))
        for event in Event.objects.filter(action="Logs Viewed", source="portal").order_by("id")
        if "filters" in event.details
    ]
    assert len(pages) > len(samples.MARKUP)
    assert all(page == pages[0] for page in pages)


def test_every_text_is_a_filter_that_finds_what_it_says_and_nothing_else(
    texts: list[str], service: Service, admin: Client
) -> None:
    expected = dict(delivered(service, texts, LogType.ACTIVITY))
    ordinary = {event["user"]: identifier for identifier, event in expected.items()}
    for text in texts:
        query = dict.fromkeys(FILTERS, text)
        found = service.get(PATH_OF[LogType.ACTIVITY], query)
        assert found.status == 200, text
        ids = [event["id"] for event in found.json["results"]]
        assert ids == ([ordinary[text]] if text in ordinary else []), text
        odd = service.get(f"{API}/logs/", {"cursor": text})
        assert (odd.status, odd.json["path"]) == (400, "cursor")
        odd = service.get(f"{API}/logs/", {text: "x"})
        assert odd.status == 400 or text in FILTERS
    for text in texts[::4]:
        for name in ("since", "until", "page_size", "ip_address", "outcome", "q"):
            assert service.get(f"{API}/logs/", {name: text}).status == 400
        for name in ("format", "time_zone", "count"):
            assert service.get(f"{API}/logs/export/", {name: text}).status == 400
        for name in ("range", "cursor", "since_local", "until", "ip_address", "outcome"):
            answer = admin.get("/admin/logs/securitylog/", {name: text})
            assert answer.status_code == 400 or not text.strip(), (name, text)


def test_every_text_is_a_reason_and_a_body_that_ends_a_refused_item_or_not(
    texts: list[str], service: Service, home: Organization, admin: Client
) -> None:
    person = Caller(user=a_user(Role.ADMIN, home))
    service.deliver(*(saying(HARMLESS, LogType.ACTIVITY) | {"status": 5} for _ in texts))
    items = list(QuarantinedEvent.objects.values_list("pk", flat=True))
    for item, text in zip(items, texts, strict=True):
        path = f"{API}/quarantine/{item}/discard/"
        assert person.post(path, text.encode()).status == 400
        assert person.post(path, {text: "x"}).status == 400
        assert person.post(path, {"reason": text}).status == (200 if text.strip() else 400)
    told = Event.objects.filter(action="Quarantine Discarded").values_list("details", flat=True)
    assert {one["reason"] for one in told} == {text.strip() for text in texts if text.strip()}
    page_of(admin, "/admin/logs/securitylog/")


def test_nothing_sensitive_slips_through_in_hostile_company(service: Service) -> None:
    sent = [
        saying(text, LogType.ACTIVITY, task_id=f"T{place}") | {"identities": {text: "Jane"}}
        for place, text in enumerate(samples.some())
    ]
    answer = service.deliver(*sent)
    assert answer.status == 202
    assert answer.json["sealed"] == len(sent)
    assert not Event.objects.exclude(source="portal").exists()
