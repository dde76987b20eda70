"""Events as large, as many or as strange as the rules allow: taken whole, given back whole."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from logs.record.models import Event
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role
from tests.builders import API, PATH_OF, Service, a_user, wire_event

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("vault")]

PATH = PATH_OF[LogType.ACTIVITY]
MIB = 1024 * 1024
COLUMNS = (
    *("id", "log_type_", "organization_id", "recorded_at", "occurred_at", "source", "code"),
    *("outcome", "actor", "route_from", "route_to", "organization", "sent", "ctid", "tableoid"),
)
PROTOTYPES = (
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "__class__",
    "__dict__",
    "hasOwn",
)


def taken(service: Service, **fields: Any) -> Any:
    """The event as it comes back by its id, from the list and from the export alike."""
    answer = service.deliver(wire_event(**fields))
    assert answer.status == 201, answer.content
    (identifier,) = answer.json["ids"]
    one = service.get(f"{PATH}{identifier}/").json
    lines = service.get(f"{PATH}export/").content.decode().split("\n")[:-1]
    (exported,) = (line for line in map(json.loads, lines) if line["id"] == identifier)
    assert exported == one
    assert one in service.get(PATH).json["results"]
    csv = service.get(f"{PATH}export/", {"format": "csv"})
    assert identifier.encode() in csv.content
    return one


def code_of(service: Service, **fields: Any) -> str:
    answer = service.deliver(wire_event(**fields))
    assert answer.status == 400, answer.content
    return str(answer.json["code"])


def test_keys_that_are_our_columns_or_a_prototype_are_only_keys(
    service: Service, home: Organization
) -> None:
    fields = {name: f"my {name}" for name in (*COLUMNS, *PROTOTYPES)}
    one = taken(service, task_id="T1", **fields)
    assert one["details"] == fields
    assert one["organization"] == home.slug
    event = Event.objects.get(pk=one["id"])
    assert (event.source, event.actor, event.outcome) == (service.name, None, "success")


def test_a_thousand_keys_stay_in_their_order(service: Service) -> None:
    fields = {f"key {number * 7919 % 1000}": number for number in range(1000)}
    assert list(taken(service, **fields)["details"].items()) == list(fields.items())


@pytest.mark.parametrize("sign", ["x", "é", "\U0001f600", "\u202e", '"', "\\"])
def test_500_characters_fit_every_indexed_field(sign: str, service: Service) -> None:
    names = ("action", "status", "user", "task_id", "email_id", "from", "to")
    fields = dict.fromkeys(names, sign * 500)
    one = taken(service, **fields)
    assert {name: one[name] for name in names} == fields
    found = service.get(PATH, {name: sign * 500 for name in names if name != "email_id"})
    assert [event["id"] for event in found.json["results"]] == [one["id"]]
    assert {code_of(service, **{name: sign * 501}) for name in names} == {"too_long"}


def test_random_long_values_fit_the_indexes_together(service: Service) -> None:
    """Nothing that PostgreSQL could compress."""
    text = "".join(chr(0x20000 + number * 37 % 40_000) for number in range(500))
    names = ("action", "status", "user", "task_id", "email_id", "from", "to")
    one = taken(service, **{name: text[place:] + text[:place] for place, name in enumerate(names)})
    assert one["task_id"] == text[3:] + text[:3]


NUMBERS = "[9223372036854775807, -9223372036854775808, -0, -0.0, 1e308, 1e-400, 5e-324, 0.1, 1E+2]"


def test_numbers_at_the_ends_come_back_as_they_are_read(service: Service) -> None:
    body = json.dumps(wire_event())[:-1] + f', "numbers": {NUMBERS}}}'
    (identifier,) = service.post(PATH, body.encode()).json["ids"]
    one = service.get(f"{PATH}{identifier}/").content.decode()
    numbers = json.loads(one)["details"]["numbers"]
    assert list(map(repr, numbers)) == list(map(repr, json.loads(NUMBERS.replace("-0,", "0,", 1))))
    for beyond in ("9223372036854775808", "-9223372036854775809", "1e309", "-1e400"):
        refused = json.dumps(wire_event())[:-1] + f', "number": {beyond}}}'
        assert service.post(PATH, refused.encode()).json["code"] == "number_too_large"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T23:59:00+23:59", "0001-01-01T00:00:00Z"),
        ("2024-11-24T00:00:00+23:59", "2024-11-23T00:01:00Z"),
        ("2024-11-24T00:00:00-23:59", "2024-11-24T23:59:00Z"),
        ("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"),
        ("1582-10-10T00:00:00Z", "1582-10-10T00:00:00Z"),
        ("1916-05-01T00:00:00+02:00", "1916-04-30T22:00:00Z"),
    ],
)
def test_times_at_the_ends_of_calendar_and_zones(
    told: str, kept: str, service: Service, home: Organization
) -> None:
    one = taken(service, timestamp=told, task_id="T1")
    assert one["timestamp"] == kept
    admin = Client()
    admin.force_login(a_user(Role.ADMIN, home))
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Africa/Monrovia"):
        admin.cookies["orgo_time_zone"] = zone
        for path in (
            "",
            f"{one['id']}/change/",
            "trace/T1/",
            "?range=1y",
            "?since=0001-01-01T00:00:00Z",
        ):
            assert admin.get(f"/admin/logs/activitylog/{path}").status_code == 200


@pytest.mark.parametrize(
    "told",
    ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]
    + ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "2024-11-24T00:00:00+24:00"]
    + ["2024-11-24T00:00:60Z", "2024-11-24T24:00:00Z", "2023-02-29T00:00:00Z", "2024-11-24"]
    + ["2024-11-24T00:00:00", "-2024-11-24T00:00:00Z", "\u0662024-11-24T00:00:00Z", "now", ""],
)
def test_a_time_that_is_none_is_refused(told: str, service: Service) -> None:
    assert code_of(service, timestamp=told) in {"bad_timestamp", "timestamp_in_future"}
    for name in ("since", "until"):
        assert service.get(PATH, {name: told}).status in (200, 400)


@pytest.mark.parametrize("value", [None, True, 5, 1.5, [], {}, [[]], {"a": None}, ["x"], "\ufeff"])
def test_a_field_of_another_type_is_refused_or_sealed_and_never_stored(
    value: Any, service: Service
) -> None:
    for name in ("timestamp", "action", "user", "task_id", "ip_address", "workflow", "reason"):
        answer = service.deliver(wire_event(**{name: value}))
        assert answer.status in ((400,) if not isinstance(value, str) else (201, 202, 400))
    for value_of_type in (value, [value], {"log_type": value}):
        answer = service.post(f"{API}/logs/", [wire_event() | {"log_type": value_of_type}])
        assert answer.status == 400


def test_details_of_64_kib_fit_and_one_byte_more_does_not(service: Service) -> None:
    overhead = len(b'{"note":""}')
    largest = "x" * (64 * 1024 - overhead)
    assert taken(service, note=largest)["details"]["note"] == largest
    assert code_of(service, note=largest + "x") == "too_large"


def test_the_largest_batches_are_taken_whole_and_listed(
    service: Service, home: Organization
) -> None:
    """5,000 events in 8 MiB; then as many of the largest as 8 MiB hold, packed."""
    many = [wire_event(task_id="many", note="x" * 1500, number=n) for n in range(5000)]
    answer = service.post(PATH, json.dumps(many).encode())
    assert (answer.status, answer.json["accepted"]) == (201, 5000)
    large = [wire_event(task_id="large", note="<b>&\u20ac" * 8000, number=n) for n in range(127)]
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in large).encode()
    assert len(lines) <= 8 * MIB
    options: dict[str, Any] = {"headers": {"Content-Encoding": "gzip"}}
    packed = gzip.compress(lines)
    answer = service.post(PATH, packed, content_type="application/x-ndjson", **options)
    assert (answer.status, answer.json["accepted"]) == (201, 127), answer.content[:500]
    too_many: list[dict[str, Any]] = [{}] * 5001
    assert service.post(PATH, too_many).json["code"] == "too_many_events"
    trace = service.get(f"{API}/traces/many/").json["events"]
    assert len(trace) == 2000
    page = service.get(PATH, {"page_size": 500, "task_id": "large"}).json["results"]
    assert sorted(event["details"]["number"] for event in page) == list(range(127))
    exported = service.get(f"{PATH}export/", {"task_id": "large"}).content.decode()
    assert [json.loads(line) for line in exported.split("\n")[:-1]] == page
    admin = Client()
    admin.force_login(a_user(Role.ADMIN, home))
    for path in ("", "?task_id=large", "trace/many/", "trace/large/", f"{page[0]['id']}/change/"):
        assert admin.get(f"/admin/logs/activitylog/{path}").status_code == 200


def test_5000_refused_items_are_kept_and_shown(service: Service, home: Organization) -> None:
    answer = service.post(PATH, [wire_event(status=n, note="x" * 1400) for n in range(5000)])
    assert answer.status == 400
    assert len(answer.json["rejected"]) == 5000
    admin = Client()
    admin.force_login(a_user(Role.ADMIN, home))
    assert admin.get("/admin/logs/quarantinedevent/").status_code == 200
    assert admin.get("/admin/").status_code == 200
