"""Odd and broken JSON at the doors: 400 or stored and given back, never a 5xx, never half of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from logs.record.models import Event, QuarantinedEvent
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role
from tests.builders import API, PATH_OF, Answer, Service, a_user
from tests.hostile import samples
from tests.hostile.pages import elements_of

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("vault")]

PATH = PATH_OF[LogType.ACTIVITY]
NDJSON = "application/x-ndjson"
BEFORE = b'{"timestamp": "2024-11-24T10:45:00Z", "action": "Task Routed", "task_id": "T1", "odd": '
GOOD = BEFORE + b"1}"
OWN = {
    "y_nested.json": b'[{"a": [1, 2.5, -0.0, 1e5, true, null, "\\u00e9\\ud83d\\ude00"]}]',
    "y_duplicated.json": b'{"a": 1, "a": 1}',
    "y_nul.json": b'"\\u0000"',
    "n_trailing_comma.json": b"[1,]",
    "n_open_arrays.json": b"[" * 100_000,
    "n_open_objects.json": b'{"a":' * 50_000,
    "n_single_quotes.json": b"{'a': 1}",
    "n_comment.json": b"[1] // x",
    "n_nan.json": b"[NaN, Infinity]",
    "n_lone_quote.json": b'"',
    "n_two_documents.json": b"{} {}",
    "i_utf16.json": '{"a": 1}'.encode("utf-16"),
    "i_surrogate.json": b'"\\ud800"',
    "i_huge.json": b"[1e400, -1e400, 123456789012345678901234567890]",
    "i_tiny.json": b"1e-400",
    "i_overlong.json": b'"\xc0\xaf"',
}
# What RFC 8259 allows and our documented rules refuse.
STRICTER = {"duplicate_key", "nul_character", "lone_surrogate", "number_too_large", "too_deep"}


def documents() -> dict[str, bytes]:
    beside: list[Path] = samples.files("formats/json", "*.json")
    return OWN | {path.name: path.read_bytes() for path in beside}


def stored() -> int:
    return Event.objects.exclude(source="portal").count()


def codes_of(answer: Answer) -> set[str]:
    return {answer.json["code"], *(one["code"] for one in answer.json.get("rejected", ()))}


def test_no_document_alone_is_an_event_and_none_is_half_stored(service: Service) -> None:
    for name, raw in documents().items():
        for content_type in ("application/json", NDJSON):
            answer = service.post(PATH, raw, content_type=content_type)
            assert answer.status == 400, (name, answer.content)
            if name.startswith("n_") and content_type != NDJSON:
                assert codes_of(answer) & {"malformed_json", "too_deep"}, name
        assert service.post(f"{API}/logs/", raw).status == 400, name
    assert stored() == 0
    assert not QuarantinedEvent.objects.exclude(code__in=["missing_field"]).exists()


def test_a_document_inside_an_event_is_stored_whole_or_refused_by_a_rule(service: Service) -> None:
    kept: dict[str, Any] = {}
    for name, raw in documents().items():
        answer = service.post(PATH, BEFORE + raw + b"}")
        if answer.status == 201:
            assert not name.startswith("n_") or json.loads(BEFORE + raw + b"}"), name
            kept[answer.json["ids"][0]] = json.loads(raw)
        else:
            assert answer.status == 400, (name, answer.content)
            allowed = STRICTER if name.startswith("y_") else STRICTER | {"malformed_json"}
            assert codes_of(answer) <= allowed, (name, answer.content)
    assert stored() == len(kept)
    listed = service.get(PATH, {"page_size": 500, "task_id": "T1"}).json["results"]
    assert {event["id"]: event["details"]["odd"] for event in listed} == kept
    exported = service.get(f"{PATH}export/", {"task_id": "T1"}).content.decode().split("\n")[:-1]
    assert [json.loads(line) for line in exported] == listed
    trace = service.get(f"{API}/traces/T1/").json["events"]
    assert {event["id"]: event["details"]["odd"] for event in trace} == kept


def test_a_broken_line_harms_no_other_line(service: Service) -> None:
    for name, raw in documents().items():
        if b"\n" in raw or not raw.strip():
            continue
        before = stored()
        lines = b"\n".join([GOOD, raw, BEFORE + raw + b"}", GOOD])
        answer = service.post(PATH, lines, content_type=NDJSON)
        assert answer.status == 207, (name, answer.content)
        ids = answer.json["ids"]
        assert ids[0] is not None, name
        assert ids[1] is None, name
        assert ids[3] is not None, name
        assert stored() == before + answer.json["accepted"] == before + sum(map(bool, ids)), name


def test_odd_documents_are_only_text_on_every_page(service: Service, home: Organization) -> None:
    admin = Client()
    admin.force_login(a_user(Role.ADMIN, home))
    (plain,) = service.post(PATH, GOOD).json["ids"]
    log = "/admin/logs/activitylog/"
    known = elements_of(admin.get(f"{log}{plain}/change/").content)
    for raw in documents().values():
        answer = service.post(PATH, BEFORE + raw + b"}")
        if answer.status == 201:
            page = admin.get(f"{log}{answer.json['ids'][0]}/change/")
            assert page.status_code == 200
            assert elements_of(page.content) <= known
        service.post(PATH, BEFORE + raw + b', "status": 5}')
    for path in (log, f"{log}trace/T1/", "/admin/logs/quarantinedevent/"):
        assert admin.get(path).status_code == 200
    for item in QuarantinedEvent.objects.all()[::3]:
        page = admin.get(f"/admin/logs/quarantinedevent/{item.pk}/change/")
        assert page.status_code == 200
        assert ("script", ("src",)) not in elements_of(page.content)
