"""GET …/export/: exactly the rows of the list, in its order, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import TZPATH, ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.record.access import Viewer
from logs.record.export import Form, Manner, export
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from logs.record.wire import as_wire
from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.accounts.people import give_role
from orgo_audit.database import base
from orgo_audit.errors import BadInput
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Caller,
    Service,
    a_user,
    an_event,
    an_organization,
    setting_the_scene,
    stored,
    wire_event,
)

pytestmark = pytest.mark.django_db

ACTIVITY = PATH_OF[LogType.ACTIVITY]
LISTS = [*PATH_OF.values(), f"{API}/logs/"]
HOSTILE = 'a"b\\c,d;e\tf\rg\nh\u0001\u007f\u2028é日本 \U0001f600 </script>{{x}} \\N \\. %s'


def exported(caller: Caller, path: str = ACTIVITY, **query: str) -> Answer:
    answer = caller.get(f"{path}export/", query)
    assert answer.status == 200, answer.content
    return answer


def lines(answer: Answer) -> list[Any]:
    return [json.loads(line) for line in answer.content.decode().split("\n")[:-1]]


def rows(answer: Answer) -> list[dict[str, str]]:
    text = io.StringIO(answer.content.decode(), newline="")
    return list(csv.DictReader(text, strict=True))


def listed(caller: Caller, path: str = ACTIVITY, **query: str) -> list[Any]:
    page = caller.get(path, {"page_size": "2", **query}).json
    found: list[Any] = page["results"]
    while page["next"]:
        following = urlsplit(page["next"])
        page = caller.get(f"{following.path}?{following.query}").json
        found += page["results"]
    return found


def varied_events(organization: Organization) -> None:
    for log_type in LogType:
        an_event(organization, log_type, task_id="T1", user=HOSTILE, note=HOSTILE, deep=[{"a": 1}])
        an_event(organization, log_type, timestamp="0001-01-01T00:00:00Z", reason="")
        an_event(organization, log_type, timestamp="2024-11-24T10:45:00.1Z", details={"x": 1e308})
        an_event(organization, log_type, timestamp="2024-11-24T10:45:00.000001+02:00", status="x")
        an_event(organization, log_type, ip_address="2001:db8::1", **{"from": "a", "to": "b"})
        an_event(organization, log_type, email_id="<m@x>", workflow="maintenance")


@pytest.mark.parametrize("path", LISTS)
def test_ndjson_has_exactly_the_lists_answers_in_its_order(
    path: str, organization: Organization, service: Service
) -> None:
    varied_events(organization)
    an_event(an_organization())
    # A read is an event of the security log itself: the export is asked for what was before.
    query = {"until": "2199-01-01T00:00:00Z", "source": "router"}
    answer = exported(service, path, format="ndjson", **query)
    assert answer.media_type == "application/x-ndjson"
    assert lines(answer) == listed(service, path, **query)


@pytest.mark.parametrize("path", LISTS)
def test_csv_has_the_same_values_under_the_same_names(
    path: str, organization: Organization, service: Service
) -> None:
    varied_events(organization)
    query = {"source": "router"}
    answer = exported(service, path, format="csv", **query)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    for row, event in zip(rows(answer), listed(service, path, **query), strict=True):
        assert json.loads(row.pop("details")) == event.pop("details")
        assert {name: value for name, value in row.items() if value} == {
            name: value for name, value in event.items() if value
        }


@pytest.mark.parametrize(
    "query",
    [
        {"task_id": "T1"},
        {"status": "Success", "since": "2024-11-24T10:00:00Z", "until": "2024-11-24T11:00:00Z"},
        {"from": "a", "ip_address": "2001:DB8::1"},
        {"outcome": "failure"},
        {"user": "nobody"},
    ],
)
def test_filters_select_what_they_select_in_the_list(
    query: dict[str, str], organization: Organization, service: Service
) -> None:
    varied_events(organization)
    assert lines(exported(service, **query)) == listed(service, **query)


def test_the_count_can_end_an_export(organization: Organization, service: Service) -> None:
    varied_events(organization)
    assert lines(exported(service, count="true"))[-1] == {"count": 6, "time_zone": "UTC"}
    answer = exported(service, format="csv", count="true", time_zone="Europe/Vienna")
    assert answer.content.endswith(b"\n# count: 6; time zone: Europe/Vienna\n")


def test_an_empty_export_has_its_columns_and_nothing_else(service: Service) -> None:
    assert exported(service).content == b""
    assert exported(service, format="csv").content.decode() == (
        "id,log_type,timestamp,action,user,task_id,email_id,from,to,status,reason,ip_address,"
        "workflow,recorded_at,organization,source,outcome,details\n"
    )


@pytest.mark.parametrize("sign", list("=+-@\t\r\n＝＋－＠"))
def test_no_cell_of_a_csv_is_a_formula(
    sign: str, organization: Organization, service: Service
) -> None:
    hostile = f"{sign}HYPERLINK(1)"
    texts = ("action", "user", "task_id", "email_id", "from", "to", "status", "reason")
    stored(organization, wire_event(**dict.fromkeys(texts, hostile)))
    [row] = rows(exported(service, format="csv"))
    assert {name: row[name] for name in texts} == dict.fromkeys(texts, f"'{hostile}")
    [event] = lines(exported(service))
    assert {name: event[name] for name in texts} == dict.fromkeys(texts, hostile)


def test_other_signs_stay_as_they_are(organization: Organization, service: Service) -> None:
    for first in "<>?!'\"%09AZ[_az{|}~éß":
        an_event(organization, action=f"{first}x")
    assert {row["action"] for row in rows(exported(service, format="csv"))} == {
        event["action"] for event in lines(exported(service))
    }


def test_a_csv_in_another_zone_tells_the_same_instants_with_their_offset(
    organization: Organization, service: Service
) -> None:
    for instant in (
        "2024-07-01T12:00:00Z",
        "2024-10-27T00:30:00.5Z",  # half past two, twice that night
        "2024-10-27T01:30:00Z",
        "1890-01-01T00:00:00Z",  # the zone had seconds
    ):
        an_event(organization, timestamp=instant)
    told = [
        row["timestamp"] for row in rows(exported(service, format="csv", time_zone="Europe/Vienna"))
    ]
    assert told == [
        "2024-10-27T02:30:00+01:00",
        "2024-10-27T02:30:00.500000+02:00",
        "2024-07-01T14:00:00+02:00",
        "1890-01-01T00:00:00Z",
    ]
    utc = [event["timestamp"] for event in lines(exported(service))]
    assert [datetime.fromisoformat(text) for text in told] == [
        datetime.fromisoformat(text) for text in utc
    ]


@pytest.mark.parametrize(
    ("query", "code", "path"),
    [
        ({"format": "xml"}, "unknown_format", "format"),
        ({"format": "csv", "time_zone": "Mars/Olympus"}, "unknown_time_zone", "time_zone"),
        ({"format": "csv", "time_zone": "../../etc/passwd"}, "unknown_time_zone", "time_zone"),
        ({"time_zone": "Europe/Vienna"}, "unknown_time_zone", "time_zone"),
        ({"count": "yes"}, "wrong_type", "count"),
        ({"page_size": "10"}, "unknown_parameter", "page_size"),
        ({"cursor": "x"}, "unknown_parameter", "cursor"),
        ({"since": "yesterday"}, "bad_timestamp", "since"),
        ({"q": "x"}, "search_not_available", "q"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    query: dict[str, str], code: str, path: str, service: Service
) -> None:
    answer = service.get(f"{ACTIVITY}export/", query)
    assert (answer.status, answer.json["code"], answer.json["path"]) == (400, code, path)


def test_a_zone_that_the_database_does_not_know_is_refused_at_once(
    organization: Organization,
) -> None:
    with open(f"{TZPATH[0]}/Europe/Vienna", "rb") as known:
        zone = ZoneInfo.from_file(known, key="Nowhere/Land")
    query = EventQuery(frozenset({LogType.ACTIVITY}))
    with pytest.raises(BadInput):
        export(Viewer(a_user(Role.ADMIN, organization)), query, Manner(Form.CSV, zone))


def test_an_export_is_on_record_each_time_with_its_filters(
    organization: Organization, service: Service
) -> None:
    for _ in range(2):
        exported(service, task_id="T1", format="csv")
    told = Event.objects.filter(organization=organization, action="Logs Exported")
    assert [event.details for event in told] == [
        {"exported": "activity_logs", "format": "csv", "filters": {"task_id": "T1"}}
    ] * 2
    assert {event.actor for event in told} == {f"service:{service.name}"}


def test_head_tells_the_kind_and_exports_nothing(
    organization: Organization, service: Service
) -> None:
    answer = service.call("HEAD", f"{ACTIVITY}export/?format=csv")
    assert (answer.status, answer.content) == (200, b"")
    assert not Event.objects.filter(organization=organization, action="Logs Exported").exists()


def test_somebody_with_two_organizations_gets_both_in_one_order() -> None:
    first, second = an_organization(), an_organization()
    person = a_user(Role.ADMIN, first)
    with setting_the_scene():
        give_role(person, Role.ADMIN, second)
    for minute in range(6):
        an_event((first, second)[minute % 2], timestamp=f"2024-11-24T10:{minute}0:00Z")
    caller = Caller(user=person)
    got = lines(exported(caller))
    assert [event["organization"] for event in got] == [second.slug, first.slug] * 3
    assert got == listed(caller)
    assert [row["organization"] for row in rows(exported(caller, format="csv"))] == [
        second.slug,
        first.slug,
    ] * 3


def test_a_line_may_be_long_in_coming(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_event(organization)
    monkeypatch.setattr("logs.record.export._columns", lambda *_: {"id": "pg_sleep(1)::text"})
    monkeypatch.setattr(base, "PATIENCE_SECONDS", 0.5)
    query = EventQuery(frozenset({LogType.ACTIVITY}))
    viewer = Viewer(a_user(Role.ADMIN, organization))
    assert b"".join(export(viewer, query, Manner(Form.CSV))) == b'id\n""\n'


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@settings(max_examples=60)
@given(values=st.dictionaries(st.sampled_from(["user", "task_id", "status", "reason"]), TEXTS))
def test_any_text_comes_out_as_it_went_in(values: dict[str, str]) -> None:
    organization = an_organization()
    [event] = stored(organization, wire_event(**values, note=values))
    service = Service(organization, Scope.READ)
    assert lines(exported(service)) == [as_wire(event, organization.slug)]
    [row] = rows(exported(service, format="csv"))
    for name, value in values.items():
        assert row[name] in (value, f"'{value}")
