"""From wire to draft: types, limits, one verdict per item, nothing lost, nothing believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.record.drafts import (
    MAX_DETAILS_BYTES,
    MAX_EVENTS,
    Draft,
    Item,
    Refusal,
    draft_of,
    parse_batch,
)
from logs.record.vocabulary import LogType, Outcome
from orgo_audit.errors import BadInput
from tests.builders import wire_event

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WORKED_EXAMPLE = {
    "timestamp": "2024-11-24T10:45:00Z",
    "action": "Task Routed",
    "task_id": "12345",
    "from": "email_parser",
    "to": "maintenance_queue",
    "status": "Success",
}


def draft(log_type: LogType = LogType.ACTIVITY, /, **fields: Any) -> Draft:
    return draft_of(wire_event(log_type, **fields), log_type, now=NOW)


def refusal(sent: dict[str, Any], log_type: LogType = LogType.ACTIVITY) -> tuple[str, str]:
    with pytest.raises(BadInput) as caught:
        draft_of(sent, log_type, now=NOW)
    assert caught.value.sentence
    return caught.value.code, caught.value.path


def batch(
    body: Any, log_type: LogType | None = LogType.ACTIVITY, *, lines: bool = False
) -> list[Item]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_batch(raw, lines=lines, log_type=log_type, now=NOW)


def test_the_blueprints_words_become_ours() -> None:
    assert draft_of(WORKED_EXAMPLE, LogType.ACTIVITY, now=NOW) == Draft(
        log_type=LogType.ACTIVITY,
        occurred_at=datetime(2024, 11, 24, 10, 45, tzinfo=UTC),
        action="Task Routed",
        code="task.routed",
        outcome=Outcome.SUCCESS,
        status="Success",
        task_id="12345",
        route_from="email_parser",
        route_to="maintenance_queue",
    )


# --- wrong fields -------------------------------------------------------------------------------

NO_TEXT = [None, 5, 5.5, True, ["x"], {"x": 1}]
TEXT_FIELDS = ["action", "user", "task_id", "email_id", "ip_address", "from", "to", "status"]
TEXT_FIELDS += ["reason", "workflow"]


@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_a_known_field_that_is_no_text_is_refused_by_name(field: str, value: Any) -> None:
    assert refusal(wire_event(**{field: value})) == ("wrong_type", field)


@pytest.mark.parametrize("field", [name for name in TEXT_FIELDS if name != "ip_address"])
def test_a_text_is_bounded_in_characters_not_bytes(field: str) -> None:
    limit = 10_000 if field == "reason" else 500
    draft(**{field: "😀" * limit})
    assert refusal(wire_event(**{field: "x" * (limit + 1)})) == ("too_long", field)


@pytest.mark.parametrize(
    ("log_type", "sent", "code", "path"),
    [
        (LogType.ACTIVITY, {}, "missing_field", "timestamp"),
        (LogType.ACTIVITY, {"timestamp": "2026-11-25T10:00:00Z"}, "missing_field", "action"),
        (LogType.SECURITY, {"timestamp": "2026-11-25T10:00:00Z"}, "missing_field", "action"),
        (LogType.ERROR, {"timestamp": "2026-11-25T10:00:00Z"}, "missing_field", "error"),
        (
            LogType.ERROR,
            {"timestamp": "2026-11-25T10:00:00Z", "action": "Task Routed"},
            "missing_field",
            "error",
        ),
        (
            LogType.ACTIVITY,
            {"timestamp": "2026-11-25T10:00:00Z", "action": ""},
            "missing_field",
            "action",
        ),
    ],
)
def test_what_is_required_is_named(
    log_type: LogType, sent: dict[str, Any], code: str, path: str
) -> None:
    assert refusal(sent, log_type) == (code, path)


@pytest.mark.parametrize("value", [None, 0, [], {"a": 1}, "text"], ids=repr)
@pytest.mark.parametrize(
    ("log_type", "other"),
    [(LogType.ACTIVITY, "error"), (LogType.SECURITY, "error"), (LogType.ERROR, "action")],
)
def test_the_other_logs_word_is_an_unknown_key_like_any(
    log_type: LogType, other: str, value: Any
) -> None:
    assert draft(log_type, **{other: value}).details == {other: value}


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        ("2024-11-24T10:45:00Z", datetime(2024, 11, 24, 10, 45, tzinfo=UTC)),
        ("2024-11-24T10:45:00.5Z", datetime(2024, 11, 24, 10, 45, 0, 500_000, tzinfo=UTC)),
        ("2024-11-24T10:45:00+05:30", datetime(2024, 11, 24, 5, 15, tzinfo=UTC)),
        ("2024-11-24T10:45:00-00:00", datetime(2024, 11, 24, 10, 45, tzinfo=UTC)),
        ("2024-11-24t10:45:00z", datetime(2024, 11, 24, 10, 45, tzinfo=UTC)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_any_rfc_3339_time_of_the_past_is_accepted(sent: str, instant: datetime) -> None:
    occurred_at = draft(timestamp=sent).occurred_at
    assert (occurred_at, occurred_at.utcoffset()) == (instant, timedelta(0))


@pytest.mark.parametrize(
    "sent",
    ["2024-11-24T10:45:00", "2024-11-24", "24.11.2024", "yesterday", "", "1732445100"]
    + ["2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-11-24T25:00:00Z"]
    + ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
    + ["2024-11-24T10:45:00+25:00", "2024-11-24T10:45:00Z ", 1732445100, 1.5, None, [], {}, True],
    ids=repr,
)
def test_what_is_no_time_with_an_offset_is_refused(sent: Any) -> None:
    assert refusal(wire_event(timestamp=sent)) == ("bad_timestamp", "timestamp")


@pytest.mark.parametrize(
    ("ahead", "is_accepted"),
    [
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, microseconds=1), False),
        (timedelta(days=36500), False),
    ],
)
def test_a_sender_may_be_five_minutes_ahead_of_us(ahead: timedelta, is_accepted: bool) -> None:
    sent = wire_event(timestamp=(NOW + ahead).isoformat())
    if is_accepted:
        assert draft_of(sent, LogType.ACTIVITY, now=NOW).occurred_at == NOW + ahead
    else:
        assert refusal(sent) == ("timestamp_in_future", "timestamp")


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("192.168.1.1", "192.168.1.1"), ("::1", "::1"), ("2001:DB8:0::1", "2001:db8::1")],
)
def test_an_address_is_kept_in_its_one_spelling(sent: str, kept: str) -> None:
    assert draft(ip_address=sent).ip_address == kept


@pytest.mark.parametrize(
    "sent",
    ["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/24", "01.2.3.4", " 1.2.3.4"]
    + ["1.2.3.4\n", "::1::", "fe80::1%" + "a" * 60, "x" * 501],
)
def test_what_is_no_address_is_refused(sent: str) -> None:
    code, path = refusal(wire_event(ip_address=sent))
    assert path == "ip_address"
    assert code in {"bad_ip_address", "too_long"}


# --- details ------------------------------------------------------------------------------------


def test_unknown_keys_are_kept_as_sent_in_their_order() -> None:
    extra = {"zebra": [1, {"deep": None}], "alpha": 1.5, "Action": "x", "ünïcode": "値"}
    assert list(draft(**extra).details.items()) == list(extra.items())


@pytest.mark.parametrize("name", ["id", "recorded_at", "organization", "source", "outcome"])
@pytest.mark.parametrize("value", ["forged", None, 5, {"x": 1}], ids=repr)
def test_what_only_we_can_know_goes_to_details_and_is_never_believed(name: str, value: Any) -> None:
    made = draft(**{name: value})
    assert made.details == {name: value}
    assert made.outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"details": {"a": 1}}, {"a": 1}),
        ({"details": {"a": 1}, "b": 2}, {"a": 1, "b": 2}),
        ({"details": {"a": 1}, "a": 2}, {"a": 2, "details": {"a": 1}}),
        ({"details": "a text"}, {"details": "a text"}),
        ({"details": None}, {"details": None}),
        ({"details": {"details": 1}}, {"details": {"details": 1}}),
        ({"details": {}}, {}),
    ],
)
def test_sent_details_lose_nothing(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    assert draft(**sent).details == kept


def test_details_are_bounded() -> None:
    draft(big="x" * (MAX_DETAILS_BYTES - 20))
    assert refusal(wire_event(big="x" * MAX_DETAILS_BYTES)) == ("too_large", "details")


plain_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_texts, inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from([*TEXT_FIELDS, "error", "timestamp", "log_type", "details", "id", "x"]),
        json_values,
    ),
    st.sampled_from(LogType),
)
def test_whatever_is_sent_there_is_a_verdict(fields: dict[str, Any], log_type: LogType) -> None:
    (item,) = batch([wire_event(log_type) | fields], log_type)
    assert isinstance(item.verdict, Draft | Refusal)
    if isinstance(item.verdict, Refusal):
        assert item.verdict.code
        assert item.verdict.sentence


# --- batches ------------------------------------------------------------------------------------


def test_one_event_is_a_batch_of_one() -> None:
    assert [item.verdict for item in batch(WORKED_EXAMPLE)] == [
        draft_of(WORKED_EXAMPLE, LogType.ACTIVITY, now=NOW)
    ]


def test_a_bad_item_refuses_only_itself() -> None:
    verdicts = [item.verdict for item in batch([wire_event(), {"timestamp": 1}, 5, wire_event()])]
    kinds = [type(verdict) for verdict in verdicts]
    assert kinds == [Draft, Refusal, Refusal, Draft]


@pytest.mark.parametrize("item", [None, 5, "text", [], [{}], True], ids=repr)
def test_an_event_is_an_object(item: Any) -> None:
    (judged,) = batch([item])
    assert isinstance(judged.verdict, Refusal)
    assert judged.verdict.code == "wrong_type"


@pytest.mark.parametrize(
    ("body", "lines", "code"),
    [
        (b"[]", False, "empty_batch"),
        (b"", True, "empty_batch"),
        (b"\n \r\n", True, "empty_batch"),
        (b"", False, "malformed_json"),
        (b'[{"a":1,"a":2}]', False, "duplicate_key"),
    ],
)
def test_a_body_that_holds_no_batch_is_refused_as_a_whole(
    body: bytes, lines: bool, code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        batch(body, lines=lines)
    assert caught.value.code == code


@pytest.mark.parametrize("lines", [False, True])
def test_5000_events_fit_and_one_more_does_not(lines: bool) -> None:
    def body(count: int) -> bytes:
        one = json.dumps(WORKED_EXAMPLE)
        text = "\n".join([one] * count) if lines else f"[{','.join([one] * count)}]"
        return text.encode()

    assert len(batch(body(MAX_EVENTS), lines=lines)) == MAX_EVENTS
    with pytest.raises(BadInput) as caught:
        batch(body(MAX_EVENTS + 1), lines=lines)
    assert caught.value.code == "too_many_events"


def test_a_bad_line_refuses_only_that_line() -> None:
    body = b"\n".join([json.dumps(WORKED_EXAMPLE).encode(), b"{", b'{"a":1,"a":1}'])
    verdicts = [item.verdict for item in batch(body, lines=True)]
    codes = [verdict.code for verdict in verdicts if isinstance(verdict, Refusal)]
    assert codes == ["malformed_json", "duplicate_key"]


@pytest.mark.parametrize(
    ("expected", "told", "result"),
    [
        (None, "activity", LogType.ACTIVITY),
        (None, "security", LogType.SECURITY),
        (LogType.ACTIVITY, "activity", LogType.ACTIVITY),
        (LogType.ACTIVITY, "security", "wrong_log_type"),
        (None, "Activity", "wrong_log_type"),
        (None, "activity_logs", "wrong_log_type"),
        (None, None, "wrong_log_type"),
        (None, ["activity"], "wrong_log_type"),
        (None, {}, "wrong_log_type"),
        (LogType.ACTIVITY, None, "wrong_log_type"),
    ],
)
def test_an_item_goes_to_the_log_that_it_names(
    expected: LogType | None, told: Any, result: LogType | str
) -> None:
    (item,) = batch([wire_event(log_type=told)], expected)
    verdict = item.verdict
    assert (verdict.log_type if isinstance(verdict, Draft) else verdict.code) == result
    assert not isinstance(verdict, Draft) or "log_type" not in verdict.details


def test_a_mixed_batch_needs_a_log_type_in_each_item() -> None:
    (item,) = batch([wire_event()], None)
    assert isinstance(item.verdict, Refusal)
    assert (item.verdict.code, item.verdict.path) == ("missing_field", "log_type")
