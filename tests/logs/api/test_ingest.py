"""Services deliver: receipts, refusals, idempotency, strictness, through HTTP as they would."""

from __future__ import annotations

import gzip
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from django.db import connection, connections
from pytest_django import Settings

from logs.record import ingest, rows
from logs.record.drafts import Draft
from logs.record.models import Batch, Event, QuarantinedEvent, SensitiveReference
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Caller,
    Service,
    Vault,
    a_user,
    an_organization,
    inbox,
    wire_event,
)

MIB = 1024 * 1024
NDJSON = "application/x-ndjson"
GZIP = {"Content-Encoding": "gzip"}
PLANTED = "Jane Planted-Roe"

# The blueprint's samples, to the letter.
ACTIVITY = {
    "timestamp": "2024-11-24T10:45:00Z",
    "action": "Task Routed",
    "task_id": "12345",
    "from": "email_parser",
    "to": "maintenance_queue",
    "status": "Success",
}
SECURITY = {
    "timestamp": "2024-11-24T12:00:00Z",
    "user": "admin@organization.com",
    "action": "Failed Login Attempt",
    "ip_address": "192.168.1.1",
}
ERROR = {
    "timestamp": "2024-11-24T14:30:00Z",
    "error": "Email Parsing Failed",
    "email_id": "67890",
    "reason": "Malformed Header",
}
ESCALATED = {
    "timestamp": "2024-11-24T18:00:00Z",
    "action": "Task Escalated",
    "task_id": "34567",
    "from": "maintenance@organization.com",
    "to": "supervisor@organization.com",
}
ANONYMIZED = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "anonymized_fields": {"reporter": "Anon1", "reported_user": "Anon2"},
}
REPORT = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "workflow": "harassment",
    "case_id": "H-2024-17",
    "task_id": "T-secret",
    "identities": {"reporter": PLANTED, "reported_user": "john.doe@organization.com"},
}
BAD = {"timestamp": "2024-11-24T10:45:00Z", "action": "Task Routed", "task_id": 12345}


@pytest.fixture
def no_vault_key(settings: Settings) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = ""


@pytest.fixture
def service(organization: Organization) -> Service:
    return Service(organization)


def assert_problem(answer: Answer, status: int, code: str, path: str = "") -> None:
    assert answer.status == status, answer.content
    assert answer.media_type == "application/problem+json"
    assert answer.json["status"] == status
    assert (answer.json["code"], answer.json.get("path", "")) == (code, path)
    assert answer.json["title"]
    assert answer.json["detail"]


def assert_receipt(answer: Answer, status: int, accepted: int, sealed: int, refused: int) -> None:
    assert answer.status == status, answer.content
    receipt = answer.json
    assert (receipt["accepted"], receipt["sealed"]) == (accepted, sealed)
    assert len(receipt["rejected"]) == refused
    assert len(receipt["ids"]) == accepted + refused
    assert sum(identifier is None for identifier in receipt["ids"]) == sealed + refused
    UUID(receipt["batch"])


def stored_count(organization: Organization) -> int:
    return Event.objects.filter(organization=organization).exclude(source="portal").count()


# --- the blueprint's shapes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log_type", "sent", "outcome"),
    [
        (LogType.ACTIVITY, ACTIVITY, "success"),
        (LogType.SECURITY, SECURITY, "failure"),
        (LogType.ERROR, ERROR, "failure"),
        (LogType.ACTIVITY, ESCALATED, "unknown"),
    ],
)
def test_the_blueprints_events_come_back_to_the_letter(
    service: Service, log_type: LogType, sent: dict[str, Any], outcome: str
) -> None:
    receipt = service.post(PATH_OF[log_type], sent)
    assert_receipt(receipt, 201, accepted=1, sealed=0, refused=0)
    (identifier,) = receipt.json["ids"]
    answer = service.get(f"{PATH_OF[log_type]}{identifier}/")
    assert answer.status == 200
    recorded_at = answer.json["recorded_at"]
    assert answer.json == sent | {
        "id": identifier,
        "log_type": log_type.value,
        "recorded_at": recorded_at,
        "organization": service.organization.slug,
        "source": "email_parser",
        "outcome": outcome,
        "details": {},
    }
    told = datetime.fromisoformat(recorded_at)
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


def test_unknown_keys_are_kept_in_details(service: Service) -> None:
    extra = {"queue": "north", "Retry": 3, "nested": {"a": [None, True, 1.5, "é"]}, "": "empty"}
    (identifier,) = service.deliver(ACTIVITY | extra).json["ids"]
    assert service.get(f"{PATH_OF[LogType.ACTIVITY]}{identifier}/").json["details"] == extra


def test_what_a_sender_says_of_itself_is_kept_and_not_believed(service: Service) -> None:
    forged = {
        "id": "00000000-0000-7000-8000-000000000000",
        "recorded_at": "1999-01-01T00:00:00Z",
        "organization": "somebody-else",
        "source": "health_check",
        "outcome": "denied",
    }
    (identifier,) = service.deliver(ACTIVITY | forged).json["ids"]
    answer = service.get(f"{PATH_OF[LogType.ACTIVITY]}{identifier}/").json
    assert answer["details"] == forged
    assert identifier != forged["id"]
    assert answer["organization"] == service.organization.slug
    assert (answer["source"], answer["outcome"]) == ("email_parser", "success")
    assert answer["recorded_at"] != forged["recorded_at"]


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "", "status": "", "reason": ""},
        {"action": "Ünïcödé 😀 \u2028 \\ \" ' \t\n"},
        {"user": "x" * 500, "reason": "😀" * 10_000},
        {"big": 2**63 - 1, "small": -(2**63), "tiny": 1e-300, "zero": 0.0},
        {"timestamp": "0001-01-01T00:00:00Z"},
        {"timestamp": "2024-11-24T10:45:00.123456Z"},
        {"task_id": "\\N", "email_id": "\\.", "from": "a\tb", "to": "a\nb\r"},
        {"details": {"a": {"details": 1}}},
        {"x": "\\u0000 is only text here", "y": "NULL", "z": "{}"},
    ],
    ids=lambda fields: str(list(fields)),
)
def test_awkward_values_come_back_as_they_were_sent(
    service: Service, fields: dict[str, Any]
) -> None:
    (identifier,) = service.deliver(ACTIVITY | fields).json["ids"]
    answer = service.get(f"{PATH_OF[LogType.ACTIVITY]}{identifier}/").json
    for name, value in (ACTIVITY | fields).items():
        kept = answer if name in answer and name != "details" else answer["details"]
        assert (answer["details"] if name == "details" else kept[name]) == value


def test_absent_keys_stay_absent(service: Service) -> None:
    (identifier,) = service.deliver({"timestamp": "2024-11-24T10:45:00Z", "action": "X"}).json[
        "ids"
    ]
    answer = service.get(f"{PATH_OF[LogType.ACTIVITY]}{identifier}/").json
    assert set(answer) == {"id", "log_type", "timestamp", "action", "recorded_at"} | {
        "organization",
        "source",
        "outcome",
        "details",
    }


def test_a_log_type_of_ones_own_log_is_accepted_and_kept_nowhere_else(service: Service) -> None:
    (identifier,) = service.deliver(ACTIVITY | {"log_type": "activity"}).json["ids"]
    assert service.get(f"{PATH_OF[LogType.ACTIVITY]}{identifier}/").json["details"] == {}


def test_a_mixed_batch_goes_where_each_item_says(service: Service) -> None:
    answer = service.post(
        f"{API}/logs/",
        [
            ACTIVITY | {"log_type": "activity"},
            SECURITY | {"log_type": "security"},
            ERROR | {"log_type": "error"},
            ACTIVITY,
            ACTIVITY | {"log_type": "alert"},
        ],
    )
    assert_receipt(answer, 207, accepted=3, sealed=0, refused=2)
    assert [item["code"] for item in answer.json["rejected"]] == ["missing_field", "wrong_log_type"]
    ids = answer.json["ids"]
    for log_type, identifier in zip(LogType, ids, strict=False):
        assert service.get(f"{PATH_OF[log_type]}{identifier}/").status == 200


def test_another_logs_item_is_refused_at_a_logs_own_address(service: Service) -> None:
    answer = service.deliver(SECURITY | {"log_type": "security"}, log_type=LogType.ACTIVITY)
    assert_problem(answer, 400, "wrong_log_type", "log_type")


# --- receipts -----------------------------------------------------------------------------------

GOOD, SEALED = ACTIVITY, REPORT


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        ([GOOD], 201),
        ([GOOD, GOOD], 201),
        ([SEALED], 202),
        ([GOOD, SEALED], 202),
        ([GOOD, BAD], 207),
        ([SEALED, BAD], 207),
        ([GOOD, SEALED, BAD], 207),
        ([BAD], 400),
        ([BAD, BAD], 400),
        ([SEALED | {"timestamp": "?"}], 400),
    ],
    ids=str,
)
def test_the_receipt_counts_what_was_stored_sealed_and_refused(
    service: Service, vault: Vault, batch: list[dict[str, Any]], status: int
) -> None:
    answer = service.post(PATH_OF[LogType.ACTIVITY], batch)
    sealed, refused = batch.count(SEALED), len(batch) - batch.count(GOOD) - batch.count(SEALED)
    assert_receipt(answer, status, len(batch) - refused, sealed, refused)
    assert stored_count(service.organization) == batch.count(GOOD)


def test_a_refused_item_is_named_with_code_path_and_what_would_be_accepted(
    service: Service,
) -> None:
    wrong = [
        ACTIVITY | {"timestamp": "yesterday"},
        ACTIVITY,
        {"timestamp": "2024-11-24T10:45:00Z"},
        ACTIVITY | {"ip_address": "localhost"},
    ]
    answer = service.deliver(*wrong)
    assert_receipt(answer, 207, accepted=1, sealed=0, refused=3)
    told = [(item["index"], item["code"], item["path"]) for item in answer.json["rejected"]]
    assert told == [
        (0, "bad_timestamp", "timestamp"),
        (2, "missing_field", "action"),
        (3, "bad_ip_address", "ip_address"),
    ]
    assert all(set(item) == {"index", "code", "path", "detail"} for item in answer.json["rejected"])
    assert "2024-11-24T10:45:00Z" in answer.json["rejected"][0]["detail"]


def test_where_nothing_is_accepted_the_problem_holds_the_receipt(service: Service) -> None:
    answer = service.deliver(BAD)
    assert_problem(answer, 400, "wrong_type", "task_id")
    assert_receipt(answer, 400, accepted=0, sealed=0, refused=1)
    several = service.deliver(BAD, {})
    assert_problem(several, 400, "nothing_accepted")
    assert_receipt(several, 400, accepted=0, sealed=0, refused=2)


def test_ids_stand_at_their_items_places(service: Service, vault: Vault) -> None:
    answer = service.deliver(GOOD, SEALED, BAD, GOOD | {"task_id": "last"})
    ids = answer.json["ids"]
    assert [identifier is None for identifier in ids] == [False, True, True, False]
    assert service.get(f"{PATH_OF[LogType.ACTIVITY]}{ids[3]}/").json["task_id"] == "last"
    assert ids[0] < ids[3]


# --- bodies -------------------------------------------------------------------------------------


def ndjson(*events: Any) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events)


def test_ndjson_is_a_batch_line_by_line(service: Service) -> None:
    body = ndjson(GOOD, BAD, GOOD) + b"\r\n\n"
    answer = service.post(PATH_OF[LogType.ACTIVITY], body, content_type=NDJSON)
    assert_receipt(answer, 207, accepted=2, sealed=0, refused=1)
    assert answer.json["rejected"][0]["index"] == 1


def test_a_line_that_is_no_json_refuses_that_line_alone(service: Service, vault: Vault) -> None:
    body = ndjson(GOOD) + b'\n{"a":1,"a":2}\n{\n\xff\n' + ndjson(GOOD)
    answer = service.post(PATH_OF[LogType.ACTIVITY], body, content_type=NDJSON)
    assert_receipt(answer, 207, accepted=2, sealed=0, refused=3)
    codes = [item["code"] for item in answer.json["rejected"]]
    assert codes == ["duplicate_key", "malformed_json", "malformed_json"]


@pytest.mark.parametrize("key", [b"\\ud800", b"a\\u0000", b"k" * 50_000])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}], ids=["plain", "keyed"])
def test_a_line_with_a_hostile_key_does_not_harm_its_neighbours_receipt(
    service: Service, vault: Vault, key: bytes, headers: dict[str, str]
) -> None:
    body = ndjson(GOOD) + b'\n{"' + key + b'":1,"' + key + b'":2}'
    answer = service.post(PATH_OF[LogType.ACTIVITY], body, content_type=NDJSON, headers=headers)
    assert_receipt(answer, 207, accepted=1, sealed=0, refused=1)
    assert len(answer.content) < 5_000


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b" ", "malformed_json", ""),
        (b"{", "malformed_json", ""),
        (b"[]", "empty_batch", ""),
        (b'[{"action":1,"action":2}]', "duplicate_key", "[0].action"),
        (b'{"a":"\\u0000"}', "nul_character", "a"),
        (b'{"a":"\\ud800"}', "lone_surrogate", "a"),
        (b'{"a":NaN}', "malformed_json", ""),
        (b'{"a":9223372036854775808}', "number_too_large", "a"),
        (b"[" * 22 + b"]" * 22, "too_deep", "[0]" * 20),
        (b"[" * 500_000, "too_deep", ""),
        (b'"\xff"', "malformed_json", ""),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_body_that_two_readers_could_read_differently_is_refused_as_a_whole(
    service: Service, body: bytes, code: str, path: str
) -> None:
    answer = service.post(PATH_OF[LogType.ACTIVITY], body)
    assert_problem(answer, 400, code, path)
    receipt = {"accepted": 0, "sealed": 0, "rejected": [], "ids": []}
    assert answer.json.items() >= receipt.items()
    assert stored_count(service.organization) == 0


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_may_name_its_charset(service: Service, content_type: str) -> None:
    answer = service.post(PATH_OF[LogType.ACTIVITY], GOOD, content_type=content_type)
    assert answer.status == 201


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    + ["application/xml", "application/jsonx", "application/x-json"],
)
def test_any_other_content_type_is_415(service: Service, content_type: str) -> None:
    answer = service.post(PATH_OF[LogType.ACTIVITY], GOOD, content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type", "Content-Type")
    assert "application/x-ndjson" in answer.json["detail"]


def test_an_unknown_parameter_of_a_delivery_is_refused(service: Service) -> None:
    answer = service.post(f"{PATH_OF[LogType.ACTIVITY]}?dry_run=1", GOOD)
    assert_problem(answer, 400, "unknown_parameter", "dry_run")
    assert stored_count(service.organization) == 0


# --- gzip and limits ----------------------------------------------------------------------------


def zipped(service: Service, raw: bytes, **options: Any) -> Answer:
    return service.post(PATH_OF[LogType.ACTIVITY], raw, headers=GZIP, **options)


def test_gzip_is_unpacked_with_all_its_members(service: Service) -> None:
    whole = json.dumps([GOOD, GOOD]).encode()
    assert_receipt(zipped(service, gzip.compress(whole)), 201, 2, 0, 0)
    parts = gzip.compress(whole[:30]) + gzip.compress(b"") + gzip.compress(whole[30:])
    assert_receipt(zipped(service, parts), 201, 2, 0, 0)
    lines = gzip.compress(ndjson(GOOD, GOOD, GOOD))
    assert_receipt(zipped(service, lines, content_type=NDJSON), 201, 3, 0, 0)


PACKED = gzip.compress(json.dumps(GOOD).encode())


@pytest.mark.parametrize(
    "raw",
    [
        PACKED[:-1],
        PACKED[:-8],
        PACKED[:20],
        PACKED[:5],
        PACKED + b"garbage",
        PACKED + PACKED[:12],
        json.dumps(GOOD).encode(),
        PACKED[:-8] + b"\0" * 8,
        b"\x1f\x8b",
    ],
    ids=["no last byte", "no trailer", "cut", "cut header", "garbage", "half a member"]
    + ["no gzip", "wrong checksum", "magic alone"],
)
def test_a_gzip_body_that_is_not_whole_is_refused(service: Service, raw: bytes) -> None:
    assert_problem(zipped(service, raw), 400, "bad_gzip")
    assert stored_count(service.organization) == 0


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_any_other_encoding_is_415(service: Service, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    answer = service.post(PATH_OF[LogType.ACTIVITY], PACKED, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type", "Content-Encoding")


def test_a_bomb_is_refused_without_being_unpacked(service: Service) -> None:
    one_gib = gzip.compress(b" " * (64 * MIB)) * 16
    assert_problem(zipped(service, one_gib), 400, "too_large")
    assert_problem(zipped(service, gzip.compress(b"[" + b" " * 8 * MIB)), 400, "too_large")


def test_a_swarm_of_empty_members_does_not_keep_a_worker_busy(service: Service) -> None:
    swarm = gzip.compress(b"") * 100_000 + PACKED
    started = time.process_time()
    assert zipped(service, swarm).status in (201, 400)
    assert time.process_time() - started < 2


def test_8_mib_fit_and_one_byte_more_does_not(service: Service) -> None:
    body = json.dumps(GOOD).encode()
    fits = body + b" " * (8 * MIB - len(body))
    assert service.post(PATH_OF[LogType.ACTIVITY], fits).status == 201
    assert_problem(service.post(PATH_OF[LogType.ACTIVITY], fits + b" "), 400, "too_large")
    assert zipped(service, gzip.compress(fits, 1)).status == 201
    assert_problem(zipped(service, gzip.compress(fits + b" ", 1)), 400, "too_large")
    huge = fits + b" " * 2 * MIB  # beyond what Django itself would read
    assert_problem(service.post(PATH_OF[LogType.ACTIVITY], huge), 400, "too_large")


def test_5000_events_fit_and_one_more_does_not(service: Service) -> None:
    assert_receipt(service.deliver(*[GOOD] * 5000), 201, 5000, 0, 0)
    assert_problem(service.deliver(*[GOOD] * 5001), 400, "too_many_events")
    assert stored_count(service.organization) == 5000


def test_millions_of_bad_lines_are_refused_before_they_are_read(
    service: Service, vault: Vault
) -> None:
    started = time.process_time()
    answer = service.post(PATH_OF[LogType.ACTIVITY], b"x\n" * 4_000_000, content_type=NDJSON)
    assert_problem(answer, 400, "too_many_events")
    assert time.process_time() - started < 3


# --- idempotency --------------------------------------------------------------------------------


def keyed(service: Service, key: str, *events: Any, **options: Any) -> Answer:
    return service.deliver(*events, headers={"Idempotency-Key": key}, **options)


def test_a_retry_gets_the_first_receipt_and_stores_nothing_again(service: Service) -> None:
    first, second = keyed(service, "one", GOOD, BAD), keyed(service, "one", GOOD, BAD)
    assert (second.status, second.json) == (first.status, first.json)
    assert stored_count(service.organization) == 1
    assert QuarantinedEvent.objects.filter(organization=service.organization).count() == 1


@pytest.mark.parametrize(
    "batch", [[BAD], [BAD, {}], [GOOD], [REPORT], [GOOD, REPORT, BAD]], ids=str
)
def test_every_kind_of_receipt_is_repeated(
    service: Service, vault: Vault, batch: list[Any]
) -> None:
    first = keyed(service, "one", *batch)
    second = keyed(service, "one", *batch)
    assert (second.status, second.media_type) == (first.status, first.media_type)
    assert second.json == first.json


def test_a_packed_retry_is_the_same_body(service: Service) -> None:
    body = json.dumps([GOOD]).encode()
    headers = {"Idempotency-Key": "one"}
    first = service.post(PATH_OF[LogType.ACTIVITY], body, headers=headers)
    packed = service.post(PATH_OF[LogType.ACTIVITY], gzip.compress(body), headers=headers | GZIP)
    assert packed.json == first.json


def test_the_same_key_with_another_body_is_a_conflict(service: Service) -> None:
    first = keyed(service, "one", GOOD)
    answer = keyed(service, "one", GOOD, GOOD)
    assert_problem(answer, 409, "idempotency_key_reused", "Idempotency-Key")
    assert keyed(service, "one", GOOD).json == first.json
    assert stored_count(service.organization) == 1


def test_the_same_key_at_another_address_is_a_conflict(service: Service) -> None:
    keyed(service, "one", GOOD)
    assert keyed(service, "one", GOOD, log_type=LogType.SECURITY).status == 409


def test_another_source_and_another_organization_have_keys_of_their_own(
    service: Service,
) -> None:
    other_source = Service(service.organization, name="router")
    elsewhere = Service(an_organization())
    receipts = [keyed(caller, "one", GOOD).json for caller in (service, other_source, elsewhere)]
    assert len({receipt["batch"] for receipt in receipts}) == 3


def test_two_tokens_of_one_service_share_its_keys(service: Service) -> None:
    rotated = Service(service.organization)
    assert keyed(rotated, "one", GOOD).json == keyed(service, "one", GOOD).json


@pytest.mark.parametrize("key", ["", "x" * 201, "ünïcode", "a\tb"])
def test_a_key_is_1_to_200_printable_characters(service: Service, key: str) -> None:
    assert_problem(keyed(service, key, GOOD), 400, "bad_idempotency_key", "Idempotency-Key")
    assert stored_count(service.organization) == 0


def test_the_kept_digest_is_no_plain_hash_of_the_body(service: Service, settings: Settings) -> None:
    keyed(service, "one", GOOD)
    keyed(service, "two", GOOD)
    one, two = Batch.objects.order_by("key")
    assert bytes(one.body_digest) == bytes(two.body_digest)
    settings.SECRET_KEY = "another secret"
    keyed(service, "three", GOOD)
    three = Batch.objects.exclude(key__in=[one.key, two.key]).get()
    assert bytes(three.body_digest) != bytes(one.body_digest)


def test_the_senders_own_name_of_a_batch_is_not_kept(service: Service) -> None:
    keyed(service, "report-of-somebody", GOOD)
    assert b"somebody" not in bytes(Batch.objects.get().key)


def test_without_a_key_a_repeated_delivery_is_a_new_one(service: Service) -> None:
    service.deliver(GOOD)
    service.deliver(GOOD)
    assert stored_count(service.organization) == 2


def test_eight_at_once_with_one_key_store_once(committed: None) -> None:
    service = Service(an_organization())

    def deliver(_: int) -> dict[str, Any]:
        try:
            answer = keyed(service, "one", GOOD, BAD)
            assert answer.status == 207
            return dict(answer.json)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(deliver, range(8)))
    assert all(receipt == receipts[0] for receipt in receipts)
    assert stored_count(service.organization) == 1
    assert QuarantinedEvent.objects.count() == 1


# --- sensitive ----------------------------------------------------------------------------------


def everything_readable(organization: Organization) -> str:
    """All that the web login may read of the database, but for people and tokens."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608  (names of the catalog)
            rows += (row[0] for row in cursor.fetchall())
    return "\n".join(rows)


SENSITIVE_SENT = [
    REPORT,
    ANONYMIZED | {"note": PLANTED},
    ACTIVITY | {"workflow": "unheard_of", "user": PLANTED},
    ACTIVITY | {"to": "harassment@organization.com", "reason": PLANTED},
    ACTIVITY | {"deep": {"er": [{"reporter": PLANTED}]}},
    ACTIVITY | {"workflow": [], "note": PLANTED},
    REPORT | {"timestamp": "not a time"},
    REPORT | {"user": 5, PLANTED: PLANTED},
    {"identities": {PLANTED: PLANTED}},
    [PLANTED],
    PLANTED,
]


def test_a_sensitive_event_leaves_no_trace_outside_the_vault(
    service: Service, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for place, sent in enumerate(SENSITIVE_SENT):
        answer = keyed(service, f"key-{place}", sent)
        assert answer.status in (202, 400)
        assert PLANTED not in answer.content.decode()
        assert answer.json["ids"] == [None]
    lines = ndjson(*SENSITIVE_SENT) + b'\n{"reporter": "' + PLANTED.encode() + b'", }'
    headers = {"Idempotency-Key": "lines"}
    answer = service.post(PATH_OF[LogType.ACTIVITY], lines, content_type=NDJSON, headers=headers)
    assert PLANTED not in answer.content.decode()
    readable = everything_readable(service.organization)
    for secret in (PLANTED, "H-2024-17", "T-secret", "john.doe@organization.com", "Report Filed"):
        assert secret not in readable
        assert secret not in caplog.text
    admin = Caller(user=a_user(Role.ADMIN, service.organization))
    for path in (f"{API}/logs/", "/admin/logs/activitylog/", "/admin/", "/metrics"):
        assert PLANTED not in admin.get(path).content.decode()


def test_a_sensitive_key_is_not_kept_in_the_path_of_a_refusal(
    service: Service, vault: Vault
) -> None:
    line = f'{{"identities": {{"{PLANTED}": 1, "{PLANTED}": 2}}}}'.encode()
    headers = {"Idempotency-Key": "one"}
    service.post(PATH_OF[LogType.ACTIVITY], line, content_type=NDJSON, headers=headers)
    assert PLANTED not in everything_readable(service.organization)


def test_the_web_login_cannot_read_the_inbox_back(service: Service, vault: Vault) -> None:
    service.deliver(REPORT)
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('logs_sealeditem', 'INSERT')")
        assert cursor.fetchone()[0]
        for right in ("SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            cursor.execute("SELECT has_table_privilege('logs_sealeditem', %s)", [right])
            assert not cursor.fetchone()[0], right


def test_an_envelope_holds_what_was_sent_and_where_it_came_from(
    committed: None, vault: Vault
) -> None:
    service = Service(an_organization())
    answer = service.deliver(ACTIVITY, REPORT, REPORT | {"timestamp": "?"})
    opened = vault.items(service.organization)
    assert [content["event"] for content in opened] == [REPORT, REPORT | {"timestamp": "?"}]
    for content in opened:
        assert content["organization"] == service.organization.slug
        assert content["source"] == "email_parser"
        assert content["batch"] == answer.json["batch"]
        assert content["log_type"] == "activity"
        assert datetime.fromisoformat(content["recorded_at"]).tzinfo is not None
    assert [content["index"] for content in opened] == [1, 2]
    assert opened[1]["refused"] == {"code": "bad_timestamp", "path": "timestamp"}


def test_an_unreadable_line_is_sealed_as_it_came(committed: None, vault: Vault) -> None:
    service = Service(an_organization())
    line = b'{"identities": {"reporter": "Jane"}, "reason": "\\ud800'
    service.post(PATH_OF[LogType.ACTIVITY], line, content_type=NDJSON)
    (item,) = vault.items(service.organization)
    assert item["event"] == line.decode()


def test_an_envelope_of_one_organization_does_not_open_as_anothers(
    committed: None, vault: Vault
) -> None:
    service, other = Service(an_organization()), an_organization()
    service.deliver(REPORT)
    (sealed,) = inbox()
    with pytest.raises(InvalidTag):
        vault.open(sealed, other)


@pytest.mark.parametrize("length", [1, 700, 1500, 5000])
def test_an_envelopes_length_tells_only_a_power_of_two(
    committed: None, vault: Vault, length: int
) -> None:
    service = Service(an_organization())
    service.deliver(REPORT | {"reason": "x" * length})
    (sealed,) = inbox()
    kib, rest = divmod(len(sealed) - 48, 1024)
    assert rest == 0
    assert kib & (kib - 1) == 0


@pytest.mark.usefixtures("no_vault_key")
@pytest.mark.parametrize(
    "batch", [[REPORT], [GOOD, REPORT], [GOOD, REPORT | {"timestamp": 1}], [5]], ids=str
)
def test_without_the_vaults_key_nothing_at_all_is_stored(
    service: Service, batch: list[Any]
) -> None:
    assert_problem(keyed(service, "one", *batch), 503, "vault_key_missing")
    assert stored_count(service.organization) == 0
    assert not Batch.objects.filter(organization=service.organization).exists()
    assert not SensitiveReference.objects.filter(organization=service.organization).exists()
    assert not QuarantinedEvent.objects.filter(organization=service.organization).exists()


@pytest.mark.usefixtures("no_vault_key")
@pytest.mark.parametrize(
    "pem", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
)
def test_an_unusable_key_is_as_good_as_none(service: Service, settings: Settings, pem: str) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = pem
    assert_problem(service.deliver(REPORT), 503, "vault_key_missing")
    assert service.deliver(GOOD).status == 201


def test_once_the_key_is_there_the_same_delivery_succeeds(
    service: Service, settings: Settings
) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = ""
    assert keyed(service, "one", REPORT).status == 503
    settings.ORGO_VAULT_PUBLIC_KEY = Vault().public_key_pem
    assert keyed(service, "one", REPORT).status == 202


def test_a_refused_item_that_might_be_sensitive_shows_code_and_path_alone(
    service: Service, vault: Vault
) -> None:
    answer = service.deliver(GOOD, REPORT | {"user": [PLANTED]}, {"identities": PLANTED})
    assert_receipt(answer, 207, accepted=1, sealed=0, refused=2)
    told = [(item["code"], item["path"]) for item in answer.json["rejected"]]
    assert told == [("wrong_type", "user"), ("missing_field", "timestamp")]
    assert PLANTED not in answer.content.decode()
    assert not QuarantinedEvent.objects.filter(organization=service.organization).exists()


@pytest.mark.parametrize(
    "later", [{"task_id": "T-secret"}, {"email_id": "M-secret"}, {"task_id": "T-second"}], ids=str
)
def test_later_events_of_a_sensitive_task_follow_it(
    service: Service, vault: Vault, later: dict[str, str]
) -> None:
    service.deliver(REPORT | {"email_id": "M-secret"})
    service.deliver(wire_event(email_id="M-secret", task_id="T-second"))
    assert_receipt(service.deliver(wire_event(**later)), 202, accepted=1, sealed=1, refused=0)
    router = Service(service.organization, name="router")
    assert router.deliver(wire_event(**later)).status == 202
    assert stored_count(service.organization) == 0


def test_a_refused_sensitive_item_makes_its_task_sensitive_too(
    service: Service, vault: Vault
) -> None:
    service.deliver(REPORT | {"timestamp": "?"})
    assert service.deliver(wire_event(task_id="T-secret")).status == 202


def test_another_organizations_task_of_the_same_number_stays_ordinary(
    service: Service, vault: Vault
) -> None:
    service.deliver(REPORT)
    assert Service(an_organization()).deliver(wire_event(task_id="T-secret")).status == 201


def test_the_kept_references_do_not_name_the_task(service: Service, vault: Vault) -> None:
    service.deliver(REPORT)
    kept = SensitiveReference.objects.filter(organization=service.organization)
    digests = {bytes(reference.digest) for reference in kept}
    assert len(digests) == 2  # as it was sent, and as it is compared
    assert {len(digest) for digest in digests} == {32}


# --- quarantine ---------------------------------------------------------------------------------


def test_a_refused_ordinary_item_is_kept_with_the_reason(service: Service) -> None:
    service.deliver(GOOD, BAD)
    (kept,) = QuarantinedEvent.objects.filter(organization=service.organization)
    assert (kept.code, kept.path, kept.log_type) == ("wrong_type", "task_id", "activity")
    assert kept.source == "email_parser"
    assert kept.detail
    assert json.loads(kept.sent) == BAD
    assert not kept.truncated


def test_what_is_kept_of_a_refused_item_is_bounded(service: Service) -> None:
    service.deliver(BAD | {"big": "é" * 200_000})
    (kept,) = QuarantinedEvent.objects.filter(organization=service.organization)
    assert kept.truncated
    assert len(kept.sent) == 64 * 1024


def test_a_mixed_batchs_refused_item_keeps_the_log_it_named(service: Service) -> None:
    service.post(f"{API}/logs/", [BAD | {"log_type": "activity"}, ACTIVITY, ACTIVITY])
    kinds = QuarantinedEvent.objects.filter(organization=service.organization).order_by("pk")
    assert [kept.log_type for kept in kinds] == ["activity", "", ""]


# --- who may deliver ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PATH_OF.values(), f"{API}/logs/"])
def test_only_a_token_with_the_scope_delivers(organization: Organization, path: str) -> None:
    reader = Service(organization, Scope.READ)
    assert_problem(reader.post(path, GOOD), 403, "scope_missing")
    alerter = Service(organization, Scope.ALERTS)
    assert_problem(alerter.post(path, GOOD), 403, "scope_missing")
    admin = Caller(user=a_user(Role.ADMIN, organization))
    assert_problem(admin.post(path, GOOD), 403, "token_needed")
    assert Caller().post(path, GOOD).status == 401
    assert stored_count(organization) == 0


def test_a_person_is_answered_before_the_body_is_looked_at(organization: Organization) -> None:
    nobody = Caller().post(PATH_OF[LogType.ACTIVITY], b"{", content_type="text/plain")
    assert_problem(nobody, 401, "not_authenticated")


def test_a_session_without_the_forms_secret_is_403(organization: Organization) -> None:
    caller = Caller(user=a_user(Role.ADMIN, organization))
    caller.client.handler.enforce_csrf_checks = True
    assert_problem(caller.post(PATH_OF[LogType.ACTIVITY], GOOD), 403, "not_allowed")


# --- a missing month ----------------------------------------------------------------------------


def test_a_month_that_nobody_made_heals_itself(committed: None) -> None:
    service = Service(an_organization())
    this_month = f"event_activity_{datetime.now(UTC):%Y_%m}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"DROP TABLE {this_month}")
    connections["owner"].close()
    assert keyed(service, "one", GOOD, BAD).status == 207
    assert keyed(service, "one", GOOD, BAD).status == 207
    assert stored_count(service.organization) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [this_month])
        assert cursor.fetchone()[0]


def test_four_at_once_heal_a_missing_month_together(committed: None) -> None:
    service = Service(an_organization())
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"DROP TABLE event_activity_{datetime.now(UTC):%Y_%m}")
    connections["owner"].close()

    def deliver(_: int) -> int:
        try:
            return service.deliver(GOOD).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(deliver, range(4))) == [201] * 4
    assert stored_count(service.organization) == 4


# --- when something breaks ----------------------------------------------------------------------


def chunked(service: Service, body: bytes) -> Any:
    """As a web server hands on a body that came without its length."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH_OF[LogType.ACTIVITY],
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_AUTHORIZATION": service.own_headers["Authorization"],
        "wsgi.input": BytesIO(body),
    }
    return service.client.request(**environ)


def test_a_body_without_a_length_is_read_up_to_the_limit(service: Service) -> None:
    assert chunked(service, json.dumps(GOOD).encode()).status_code == 201
    endless = chunked(service, json.dumps(GOOD).encode() + b" " * 9 * MIB)
    assert (endless.status_code, endless.json()["code"]) == (400, "too_large")


def test_a_failure_of_ours_is_a_problem_and_tells_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL repeats the offending values in its messages."""
    whole_row = rows.row_of

    def too_long(draft: Draft, **arguments: Any) -> tuple[Any, ...]:
        row = dict(zip(rows.COLUMNS, whole_row(draft, **arguments), strict=True))
        return tuple((row | {"ip_address": PLANTED * 20}).values())

    monkeypatch.setattr(ingest, "row_of", too_long)
    caplog.set_level(logging.DEBUG)
    service.client.raise_request_exception = False
    answer = service.deliver(GOOD)
    assert_problem(answer, 500, "server_error")
    assert "request failed" in caplog.text
    assert PLANTED not in caplog.text + answer.content.decode()
    assert stored_count(service.organization) == 0


def test_numbers_do_not_grow_on_their_way(service: Service) -> None:
    body = json.dumps(GOOD | {"numbers": [1e308] * 9_000}).encode()
    answer = service.post(PATH_OF[LogType.ACTIVITY], body)
    if answer.status == 201:
        event = service.get(f"{PATH_OF[LogType.ACTIVITY]}{answer.json['ids'][0]}/")
        assert event.json["details"]["numbers"][0] == 1e308
        assert len(event.content) < 4 * len(body)
