"""Where room ends, the oldest activity goes first, then errors, security never; and it is told."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logs import python_handler
from logs.python_handler import OrgoHandler
from tests.logs.handler.fake_portal import FakePortal, serving, wait_for_file
from tests.logs.handler.loggers import logger_of

pytestmark = pytest.mark.usefixtures("short_pauses")
Start = Callable[..., OrgoHandler]


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with serving(FakePortal(always=503)) as portal:
        yield portal


def say(handler: logging.Handler, log_type: str, count: int) -> None:
    logger = logger_of(handler)
    for number in range(count):
        logger.info("Task Routed", extra={"task_id": str(number), "log_type": log_type})
        if number % 200 == 0:
            handler.flush()
    handler.flush()


def size_of(folder: Path) -> int:
    paths = [path for path in folder.glob("audit.log*") if path.suffix != ".lock"]
    sizes = []
    for path in paths:
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # it has just been replaced
            continue
    return sum(sizes)


def lost(portal: FakePortal) -> Counter[str]:
    told: Counter[str] = Counter()
    for event in portal.events:
        told += Counter(event.get("lost", {}))
    return told


def delivered(portal: FakePortal) -> Counter[str]:
    return Counter(event["log_type"] for event in portal.events if "lost" not in event)


def all_accounted(portal: FakePortal, sent: dict[str, int]) -> bool:
    return delivered(portal) + lost(portal) == Counter(sent)


def test_a_full_spool_loses_the_oldest_activity_and_says_so(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    handler = start(max_bytes=512 * 1024)
    say(handler, "security", 200)
    say(handler, "error", 200)
    say(handler, "activity", 3000)
    wait_for_file(lambda: size_of(tmp_path) < 640 * 1024)
    portal.always = None
    sent = {"security": 200, "error": 200, "activity": 3000}
    portal.wait_until(lambda: all_accounted(portal, sent))
    assert set(lost(portal)) == {"activity"}
    losses = [event for event in portal.events if "lost" in event]
    assert all(event["error"] == "Events Lost" for event in losses)
    assert all(event["log_type"] == "error" for event in losses)
    assert all(event["since"] <= event["until"] for event in losses)
    kept = [int(e["task_id"]) for e in portal.events if e["log_type"] == "activity"]
    assert kept[-1] == 2999
    assert portal.refused == []


def test_errors_go_when_no_activity_is_left_and_security_never(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    handler = start(max_bytes=256 * 1024)
    for _ in range(4):
        say(handler, "activity", 300)
        say(handler, "error", 300)
        say(handler, "security", 300)
    wait_for_file(lambda: list(tmp_path.glob("audit.log.*-2")))
    portal.always = None
    sent = {"security": 1200, "error": 1200, "activity": 1200}
    portal.wait_until(lambda: all_accounted(portal, sent))
    assert set(lost(portal)) == {"activity", "error"}
    assert delivered(portal)["security"] == 1200


def test_a_kill_between_two_steps_of_dropping_doubles_nothing(
    portal: FakePortal, start: Start, tmp_path: Path
) -> None:
    handler = start()
    say(handler, "security", 400)
    handler.close()
    os.rename(tmp_path / "audit.log", tmp_path / "audit.log.000001-0")
    old = (tmp_path / "audit.log.000001-0").read_bytes()
    state = json.loads((tmp_path / "audit.log.state").read_bytes().partition(b"\n")[0])
    (tmp_path / "audit.log.000001-1").write_bytes(old[state["offset"] :])
    portal.always = None
    start()
    portal.wait_for(400)
    handler.close()
    assert set(portal.counts("task_id").values()) == {1}


def test_a_file_that_cannot_be_written_costs_no_caller_anything_and_no_event(
    portal: FakePortal,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler = start()
    append = handler._spool.append

    def fail(lines: bytes, *, durable: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(handler._spool, "append", fail)
    say(handler, "activity", 100)
    say(handler, "security", 100)
    monkeypatch.setattr(handler._spool, "append", append)
    portal.always = None
    portal.wait_until(lambda: all_accounted(portal, {"activity": 100, "security": 100}))
    assert not lost(portal)
    assert capfd.readouterr().err.count("No space left on device") == 1


def test_a_full_memory_loses_the_oldest_of_each_log_but_no_security(
    portal: FakePortal, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_handler, "FLOOD", 50)
    monkeypatch.setattr(python_handler, "MAX_WAITING", 100)
    monkeypatch.setattr(python_handler, "SLICE", 10)
    handler = start()
    append = handler._spool.append

    def fail(lines: bytes, *, durable: bool) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(handler._spool, "append", fail)
    say(handler, "activity", 1)
    for log_type in ("activity", "error", "security"):
        say(handler, log_type, 500)
    monkeypatch.setattr(handler._spool, "append", append)
    portal.always = None
    sent = {"activity": 501, "error": 500, "security": 500}
    portal.wait_until(lambda: all_accounted(portal, sent))
    assert delivered(portal)["security"] == 500
    assert lost(portal)["activity"] >= 390
    assert lost(portal)["error"] >= 390


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(words, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_activity_first_and_counts_it(
    portal: FakePortal, start: Start, small_disk: Path
) -> None:
    handler = start(small_disk)
    say(handler, "security", 500)
    say(handler, "activity", 8000)
    say(handler, "security", 500)
    portal.always = None
    sent = {"security": 1000, "activity": 8000}
    portal.wait_until(lambda: all_accounted(portal, sent))
    assert set(lost(portal)) == {"activity"}
    handler.close()
    assert portal.refused == []
