"""Python's logging feeds the record: what becomes of a record, and of any record whatever."""

from __future__ import annotations

import csv
import json
import logging
import logging.config
import logging.handlers
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs import python_handler
from logs.python_handler import OrgoHandler
from tests.logs.handler.fake_portal import TOKEN, FakePortal
from tests.logs.handler.loggers import logger_of
from tests.shared_data import SHARED_DATA

ECS_FIELDS = SHARED_DATA / "formats" / "ecs" / "fields.csv"
MODULE = Path(python_handler.__file__)
Lines = Callable[[], list[dict[str, Any]]]


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


# --- what a record becomes ----------------------------------------------------------------------


def test_a_message_becomes_the_action_and_extras_keep_their_names(
    log: logging.Logger, portal: FakePortal
) -> None:
    log.info("Task %s", "Routed", extra={"task_id": "12345", "from": "mail", "priority": 3})
    portal.wait_for(1)
    (event,) = portal.events
    assert event["action"] == "Task Routed"
    assert event["log_type"] == "activity"
    assert (event["task_id"], event["from"]) == ("12345", "mail")
    assert event["details"] == {
        "source": "email_parser",
        "level": "INFO",
        "logger": "orgo.test",
        "priority": 3,
    }


def test_an_action_of_its_own_leaves_the_message_in_the_details(
    log: logging.Logger, portal: FakePortal
) -> None:
    log.warning("by the night shift", extra={"action": "Task Routed"})
    portal.wait_for(1)
    assert portal.events[0]["action"] == "Task Routed"
    assert portal.events[0]["details"]["message"] == "by the night shift"


@pytest.mark.parametrize(
    ("level", "extra", "log_type"),
    [
        (logging.INFO, {}, "activity"),
        (logging.WARNING, {}, "activity"),
        (logging.ERROR, {}, "error"),
        (logging.CRITICAL, {}, "error"),
        (logging.INFO, {"log_type": "security"}, "security"),
        (logging.ERROR, {"log_type": "activity"}, "activity"),
        (logging.INFO, {"log_type": "nonsense"}, "activity"),
    ],
)
def test_the_level_chooses_the_log_unless_log_type_does(
    log: logging.Logger, portal: FakePortal, level: int, extra: dict[str, str], log_type: str
) -> None:
    log.log(level, "Something", extra=extra)
    portal.wait_for(1)
    assert portal.events[0]["log_type"] == log_type
    assert portal.events[0]["error" if log_type == "error" else "action"] == "Something"


def test_an_exception_is_told_with_its_reason_and_its_trace(
    log: logging.Logger, portal: FakePortal, file: Path
) -> None:
    try:
        raise ValueError("no such header")
    except ValueError:
        log.exception("Email Parsing Failed", extra={"email_id": 67890})
    portal.wait_for(1)
    (event,) = portal.events
    assert (event["error"], event["email_id"]) == ("Email Parsing Failed", "67890")
    assert event["reason"] == "ValueError: no such header"
    assert "in test_an_exception_is_told" in event["details"]["stack_trace"]
    (line,) = lines_of(file)
    assert (line["error.type"], line["error.message"]) == ("ValueError", "no such header")


def test_debug_stays_at_home_unless_a_level_asks_for_it(
    portal: FakePortal, file: Path, log: logging.Logger, handler: OrgoHandler
) -> None:
    log.debug("unheard")
    handler.setLevel(logging.DEBUG)
    log.debug("heard")
    portal.wait_for(1)
    assert [event["action"] for event in portal.events] == ["heard"]


def test_the_local_file_has_ecs_lines(
    log: logging.Logger, handler: OrgoHandler, file: Path
) -> None:
    log.info("Task Routed", extra={"task_id": "1"})
    handler.flush()
    (line,) = lines_of(file)
    assert line["message"] == line["event.action"] == "Task Routed"
    assert line["service.name"] == "email_parser"
    assert line["log.level"] == "info"
    assert line["@timestamp"].endswith("Z")
    assert line["event.dataset"] == "orgo.activity"
    assert line["orgo"]["task_id"] == "1"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not ECS_FIELDS.exists(), reason="the list of ECS fields is not here")
def test_the_keys_of_the_file_are_fields_of_ecs_and_one_of_our_own(
    log: logging.Logger, handler: OrgoHandler, file: Path
) -> None:
    with ECS_FIELDS.open(newline="") as table:
        known = {row["Field"] for row in csv.DictReader(table)}
    log.error("Email Parsing Failed", exc_info=ValueError("why"), extra={"own": 1})
    handler.flush()
    (line,) = lines_of(file)
    assert line.keys() - known == {"orgo"}


@pytest.mark.parametrize("ending", ["", "/", "/api/v1/logs", "/api/v1/logs/"])
def test_the_address_may_be_the_portals_or_the_batches(
    portal: FakePortal, file: Path, ending: str
) -> None:
    handler = OrgoHandler(portal.url + ending, f"{TOKEN}\n", filename=file, source="router")
    logger_of(handler).info("Task Routed")
    handler.close()
    assert [path for _, path, _ in portal.heard] == ["/api/v1/logs/"]


@pytest.mark.parametrize(
    ("url", "token"),
    [("localhost:8000", "t"), ("ftp://x/", "t"), ("http://x", " "), ("http://x", "ä")],
)
def test_a_wrong_address_or_token_is_told_at_the_start(file: Path, url: str, token: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        OrgoHandler(url, token, filename=file, source="router")


# --- any record whatever ------------------------------------------------------------------------


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("never")

    __repr__ = __str__


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"identities": {"reporter": "x"}}
    for _ in range(levels):
        inner = {"a": inner}
    return inner


CYCLE: list[Any] = []
CYCLE += [CYCLE, CYCLE]


@pytest.mark.parametrize(
    "value",
    [
        Broken(),
        float("nan"),
        float("-inf"),
        2**64,
        10**5000,
        "\0",
        "\ud800",
        b"\xff\0",
        {1, 2},
        {1: "a", "1": "b", Broken(): "c"},
        {"\ud800": "\0"},
        CYCLE,
        nested(50),
        "x" * 1_000_000,
        "\x01" * 70_000,
        ["ä" * 900] * 900,
        list(range(100_000)),
        {str(number): "\x01" * 500 for number in range(10_000)},
        object(),
        Path("/tmp"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("name", ["own", "task_id", "reason", "ip_address", "timestamp", "details"])
def test_whatever_stands_in_an_extra_the_event_is_accepted(
    log: logging.Logger, portal: FakePortal, handler: OrgoHandler, name: str, value: Any
) -> None:
    log.info("Task Routed", extra={name: value})
    handler.close()
    assert portal.refused == []
    assert [event["action"] for event in portal.events] == ["Task Routed"]


def test_a_record_that_cannot_be_written_is_told_in_its_own_log(
    log: logging.Logger, portal: FakePortal, handler: OrgoHandler
) -> None:
    record = log.makeRecord(
        "x", logging.INFO, "f", 1, "m", (), None, extra={"log_type": "security"}
    )
    record.created = float("inf")
    log.handle(record)
    log.info("Task Routed")
    handler.close()
    told = [(event["log_type"], event["action"]) for event in portal.events]
    assert sorted(told) == [
        ("activity", "Task Routed"),
        ("security", "A record that cannot be written"),
    ]


JUST_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.datetimes(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)
NAMES = st.text().filter(lambda name: name not in python_handler._RESERVED) | st.sampled_from(
    [*python_handler.FIELD_LIMITS, "action", "error", "log_type", "timestamp", "source", "level"]
)


@pytest.mark.long
def test_any_extra_is_accepted_and_none_of_its_names_is_lost(
    log: logging.Logger, portal: FakePortal, handler: OrgoHandler
) -> None:
    told: list[dict[str, Any]] = []

    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(NAMES, JUST_ANYTHING, max_size=5), st.text(), st.booleans())
    def say(extra: dict[str, Any], message: str, is_error: bool) -> None:
        log.log(logging.ERROR if is_error else logging.INFO, message, extra=extra)
        told.append(extra)

    say()
    handler.close()
    assert portal.refused == []
    assert len(portal.events) == len(told)


def test_what_is_too_long_for_a_field_is_kept_beside_it(
    log: logging.Logger, portal: FakePortal
) -> None:
    log.info("Task Routed", extra={"task_id": "7" * 600, "ip_address": "not one", "user": None})
    portal.wait_for(1)
    (event,) = portal.events
    assert event["task_id"] == "7" * 499 + "…"
    assert event["details"]["task_id_full"] == "7" * 600
    assert event["details"]["ip_address_full"] == "not one"
    assert "user" not in event


def test_what_is_cut_keeps_the_keys_by_which_a_sensitive_event_is_known(
    log: logging.Logger, portal: FakePortal
) -> None:
    log.info("Task Routed", extra={"deep": nested(40)})
    log.info("Task Routed", extra={"long": [*range(9_000), {"identities": {}}]})
    portal.wait_for(2)
    assert all('"identities"' in json.dumps(event) for event in portal.events)


def test_names_that_the_event_needs_itself_are_kept_under_another(
    log: logging.Logger, portal: FakePortal
) -> None:
    log.info("Task Routed", extra={"timestamp": "yesterday", "source": "me", "log_type": "odd"})
    portal.wait_for(1)
    (event,) = portal.events
    assert event["timestamp"] != "yesterday"
    kept = {name: event[f"{name}_extra"] for name in ("timestamp", "source", "log_type")}
    assert kept == {"timestamp": "yesterday", "source": "me", "log_type": "odd"}


def test_arguments_that_do_not_fit_lose_no_event(log: logging.Logger, portal: FakePortal) -> None:
    log.info("Task %d of %s", "x", Broken())
    log.info(Broken())
    log.info("")
    log.info("first line\nsecond line")
    portal.wait_for(4)
    actions = [event["action"] for event in portal.events]
    assert actions[0].startswith("Task %d of %s")
    assert actions[1:] == ["<unprintable Broken> ()", "(no message)", "first line"]
    assert portal.events[3]["details"]["message"] == "first line\nsecond line"


def test_what_changes_after_the_call_is_told_as_it_was(
    log: logging.Logger, portal: FakePortal
) -> None:
    stages = ["parsed"]
    log.info("Stages %s", stages, extra={"stages": stages})
    stages.append("routed")
    portal.wait_for(1)
    assert portal.events[0]["action"] == "Stages ['parsed']"
    assert portal.events[0]["details"]["stages"] == ["parsed"]
