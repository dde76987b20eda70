"""What reached the file is delivered exactly once, whatever the portal answers or does not."""

from __future__ import annotations

import http.server
import json
import logging
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from logs import python_handler
from logs.python_handler import OrgoHandler
from tests.logs.handler.fake_portal import (
    DROPPED,
    LOST_ANSWER,
    TOKEN,
    FakePortal,
    Trouble,
    serving,
    wait_for_file,
)
from tests.logs.handler.loggers import logger_of

pytestmark = pytest.mark.usefixtures("short_pauses")
Start = Callable[..., OrgoHandler]


def say(handler: logging.Handler, *numbers: int, log_type: str = "activity") -> None:
    logger = logger_of(handler)
    for number in numbers:
        logger.info("Task Routed", extra={"task_id": str(number), "log_type": log_type})


def everything_once(portal: FakePortal, numbers: range) -> bool:
    return portal.counts("task_id") == dict.fromkeys(map(str, numbers), 1)


# --- the portal's troubles ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        *(LOST_ANSWER, DROPPED, 500, 502, 503, 429, 401, 403, 404, 413, 400, 302, 200),
        (503, {"Retry-After": "0"}),
        (429, {"Retry-After": "rubbish"}),
        (503, {"Retry-After": formatdate(0, usegmt=True)}),
    ],
    ids=str,
)
def test_after_any_trouble_every_event_is_there_once(
    portal: FakePortal, start: Start, trouble: Trouble
) -> None:
    portal.troubles = [trouble, trouble, trouble]
    say(start(), *range(50))
    portal.wait_until(lambda: len(portal.heard) > 3 and everything_once(portal, range(50)))
    assert [told for _, _, told in portal.heard[:3]] == [trouble] * 3
    assert len({key for key, _, _ in portal.heard[:4]}) == 1


def test_a_retry_repeats_key_and_bytes_while_more_is_logged(
    portal: FakePortal, start: Start
) -> None:
    portal.always = LOST_ANSWER
    handler = start()
    say(handler, *range(10))
    portal.wait_until(lambda: len(portal.heard) >= 3)
    say(handler, *range(10, 20))
    portal.wait_until(lambda: len(portal.heard) >= 6)
    assert len(portal.bodies) == 1
    portal.always = None
    portal.wait_until(lambda: everything_once(portal, range(20)))


def test_retry_after_is_obeyed(
    portal: FakePortal, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.troubles = [(429, {"Retry-After": "3000"})]
    handler = start()
    say(handler, 1)
    portal.wait_until(lambda: portal.heard)
    wait_for_file(lambda: handler._failures)
    now = time.monotonic()
    assert 2900 < handler._not_before - now <= 3000
    handler.close()
    assert len(portal.heard) == 1


def test_pauses_grow_and_have_an_end(
    start: Start, monkeypatch: pytest.MonkeyPatch, portal: FakePortal
) -> None:
    monkeypatch.setattr(python_handler, "FIRST_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(python_handler, "LONGEST_PAUSE_SECONDS", 60.0)
    handler = start()
    pauses = []
    for _ in range(12):
        handler._pause(python_handler._Answer(503))
        pauses.append(handler._not_before - time.monotonic())
    assert 0.2 < pauses[0] <= 0.5
    assert 29 < pauses[-1] <= 60
    handler._not_before = 0


def test_a_conflict_does_not_stall_what_comes_after(portal: FakePortal, start: Start) -> None:
    portal.troubles = [409]
    handler = start()
    say(handler, 1)
    portal.wait_for(1)
    say(handler, 2)
    portal.wait_until(lambda: everything_once(portal, range(1, 3)))
    assert len({key for key, _, _ in portal.heard[:2]}) == 2


def test_what_the_portal_refuses_is_not_sent_again_and_told_once(
    portal: FakePortal, start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = {"timestamp": "3000-01-01T00:00:00Z", "log_type": "activity", "action": "Later"}
    lines = [b'{"message":"Later","orgo":' + json.dumps(refused).encode() + b"}"] * 3
    (tmp_path / "audit.log").write_bytes(b"\n".join(lines) + b"\n")
    handler = start()
    portal.wait_until(lambda: len(portal.refused) == 3)
    say(handler, 1)
    portal.wait_until(lambda: everything_once(portal, range(1, 2)))
    handler.close()
    assert capfd.readouterr().err.count("quarantine") == 1


def test_a_bad_token_is_told_once_and_never_shown(
    portal: FakePortal, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    portal.token = "another"
    handler = start()
    say(handler, 1)
    portal.wait_until(lambda: len(portal.heard) >= 4)
    portal.token = TOKEN
    portal.wait_for(1)
    handler.close()
    told = capfd.readouterr().err
    assert told.count("answers 401") == 1
    assert TOKEN not in told


def test_the_token_follows_no_redirect(start: Start, portal: FakePortal) -> None:
    with serving(FakePortal()) as elsewhere:
        portal.troubles = [(307, {"Location": f"{elsewhere.url}/api/v1/logs/"})]
        say(start(), 1)
        portal.wait_for(1)
        assert elsewhere.heard == []


def test_no_proxy_of_the_environment_hears_the_token(
    start: Start, portal: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    say(start(), 1)
    portal.wait_for(1)


# --- another start ------------------------------------------------------------------------------


def test_a_new_start_delivers_the_old_spool_by_itself(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    portal.always = 503
    handler = start()
    say(handler, *range(2500))
    handler.close()
    assert portal.events == []
    portal.always = None
    start()
    portal.wait_until(lambda: everything_once(portal, range(2500)))


def test_a_batch_whose_answer_was_lost_is_the_same_batch_after_a_new_start(
    portal: FakePortal, start: Start
) -> None:
    portal.always = LOST_ANSWER
    handler = start()
    say(handler, *range(10))
    portal.wait_for(10)
    handler.close()
    portal.always = None
    say(start(), 10)
    portal.wait_until(lambda: everything_once(portal, range(11)))


def test_closing_delivers_what_was_just_logged(portal: FakePortal, start: Start) -> None:
    handler = start()
    say(handler, *range(3000))
    handler.close()
    assert everything_once(portal, range(3000))


def test_what_is_logged_after_closing_is_in_the_file_for_the_next_start(
    portal: FakePortal, start: Start
) -> None:
    handler = start()
    handler.close()
    say(handler, 1)
    assert portal.events == []
    start()
    portal.wait_until(lambda: everything_once(portal, range(1, 2)))


def test_a_line_cut_by_a_kill_harms_no_other_and_is_reported(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    portal.always = 503
    handler = start()
    say(handler, 1)
    handler.close()
    with (tmp_path / "audit.log").open("ab") as file:
        file.write(b'{"@timestamp":"2026-11-25T07:28:06Z","message":"Task Rou')
    portal.always = None
    say(start(), 2)
    portal.wait_for(3)
    assert portal.counts("task_id") == {"1": 1, "2": 1, None: 1}
    (loss,) = [event for event in portal.events if event["log_type"] == "error"]
    assert (loss["error"], loss["lost"]) == ("Events Lost", {"unreadable": 1})


def test_a_whole_line_without_its_end_is_delivered_once(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    portal.always = 503
    handler = start()
    say(handler, 1)
    handler.close()
    file = tmp_path / "audit.log"
    file.write_bytes(file.read_bytes().rstrip())
    (tmp_path / "audit.log.state").unlink()
    portal.always = None
    handler = start()
    portal.wait_for(1)
    say(handler, 2)
    portal.wait_until(lambda: everything_once(portal, range(1, 3)))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"{}\n", b'{"number": "x"}\n', b"\xff\n"])
def test_a_broken_state_stops_nothing(
    portal: FakePortal, start: Start, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "audit.log.state").write_bytes(content)
    say(start(), 1)
    portal.wait_for(1)


def test_rubbish_in_the_file_stops_nothing(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    rubbish = [b"", b"\0" * 5000, b"[]", b'{"orgo":1}', b'{"a":1,"orgo":{}}', b"x" * 2_000_000]
    (tmp_path / "audit.log").write_bytes(b"\n".join(rubbish) + b"\n")
    say(start(), 1)
    portal.wait_until(lambda: portal.counts("task_id")["1"] == 1)
    assert portal.refused == []


def test_closed_segments_go_once_they_are_delivered(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    handler = start(max_bytes=4 * 1024 * 1024)
    for begin in range(0, 4000, 500):
        say(handler, *range(begin, begin + 500))
        handler.flush()
    portal.wait_until(lambda: everything_once(portal, range(4000)))
    handler.close()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"audit.log", *(f"audit.log.{end}" for end in ("lock", "state", "shipper"))}
    assert (tmp_path / "audit.log").stat().st_size < 1024 * 1024


def test_events_of_one_file_come_in_their_order(portal: FakePortal, start: Start) -> None:
    portal.troubles = [500, LOST_ANSWER, 503]
    handler = start(max_bytes=4 * 1024 * 1024)
    say(handler, *range(3000))
    portal.wait_for(3000)
    assert [event["task_id"] for event in portal.events] == [str(n) for n in range(3000)]


# --- the caller ---------------------------------------------------------------------------------


def test_a_portal_that_never_answers_holds_up_neither_caller_nor_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_handler, "CLOSE_SECONDS", 0.1)
    asked, released = threading.Event(), threading.Event()

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            asked.set()
            released.wait()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    handler = OrgoHandler(url, TOKEN, filename=tmp_path / "a", source="router")
    say(handler, *range(1000))
    assert asked.wait(20)
    say(handler, *range(1000))
    handler.close()
    assert (tmp_path / "a").read_bytes().count(b"\n") == 2000
    released.set()
    server.shutdown()
    server.server_close()
    thread.join()
    for one in handler._threads:
        one.join()


def test_a_flood_loses_nothing_while_the_file_can_be_written(
    portal: FakePortal, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_handler, "FLOOD", 500)
    monkeypatch.setattr(python_handler, "MAX_WAITING", 1000)
    handler = start()
    say(handler, *range(5000))
    portal.wait_until(lambda: everything_once(portal, range(5000)))
