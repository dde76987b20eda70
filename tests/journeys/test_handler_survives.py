"""A service that logs is killed, forked and multiplied: what its file had is in the record once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.logs.handler.fake_portal import (
    DROPPED,
    LOST_ANSWER,
    TOKEN,
    FakePortal,
    Trouble,
    serving,
    wait_for_file,
)
from tests.portal import Portal

PROJECT = Path(__file__).resolve().parents[2]
KILLS = 12
SERVICE = """
import itertools, logging, os, sys, time
from logs import python_handler
python_handler.LONGEST_PAUSE_SECONDS = 0.2
url, token, file, name, count, size = sys.argv[1:]
handler = python_handler.OrgoHandler(
    url, token, filename=file, source="killed_service", max_bytes=int(size)
)
logger = logging.getLogger("service")
logger.setLevel("INFO")
logger.addHandler(handler)
for number in itertools.count() if count == "for ever" else range(int(count)):
    logger.info("Task Routed", extra={
        "task_id": f"{name}-{number}", "log_type": ("activity", "security", "error")[number % 3]
    })
    if number % 20 == 19:
        time.sleep(0.01)  # a service does something else, too
"""
FORKING = """
import logging, multiprocessing, os, sys
from logs import python_handler
url, token, file = sys.argv[1:]
handler = python_handler.OrgoHandler(url, token, filename=file, source="forking_service")
logger = logging.getLogger("service")
logger.setLevel("INFO")
logger.addHandler(handler)

def work(name):
    for number in range(200):
        logger.info("Task Routed", extra={"task_id": f"{name}-{number}"})

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for round in range(5):
        work(f"parent{round}")
        children = [context.Process(target=work, args=(f"{round}child{n}",)) for n in range(3)]
        for child in children: child.start()
        work(f"meanwhile{round}")
        for child in children: child.join()
"""


@pytest.fixture
def fake() -> Iterator[FakePortal]:
    with serving(FakePortal()) as fake:
        yield fake


def service(*words: str, program: str = SERVICE) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "error"}
    return subprocess.Popen([sys.executable, "-c", program, *words], env=environment)


def tasks_in(folder: Path) -> set[str]:
    """Of every whole line in the file and its closed segments."""
    tasks = set()
    for path in folder.glob("audit.log*"):
        if path.suffix in (".state", ".lock", ".shipper", ".new"):
            continue
        for line in path.read_bytes().splitlines():
            try:
                event = json.loads(line)["orgo"]
            except ValueError:
                continue
            tasks.add(event.get("task_id"))
    return tasks - {None}


@pytest.mark.long
def test_what_the_file_had_at_each_kill_is_delivered_once(fake: FakePortal, tmp_path: Path) -> None:
    chance = random.Random(4)  # noqa: S311  (no secret)
    file = tmp_path / "audit.log"
    reached: set[str] = set()
    for number in range(KILLS):
        troubles: list[Trouble | None] = [None, None, LOST_ANSWER, DROPPED, 503, 500]
        fake.troubles = [chance.choice(troubles) for _ in range(200)]
        before = file.stat().st_size if file.exists() else 0
        words = (fake.url, TOKEN, str(file), f"life{number}", "for ever", str(16 * 1024 * 1024))
        process = service(*words)
        wait_for_file(lambda before=before: file.exists() and file.stat().st_size != before)
        time.sleep(chance.uniform(0, 0.7))
        process.kill()
        process.wait()
        reached |= tasks_in(tmp_path)
    fake.troubles = []
    last = service(fake.url, TOKEN, str(file), "last", "1", str(2**30))
    last.wait()
    while not tasks_delivered(fake) >= reached | {"last-0"}:
        once_more = service(fake.url, TOKEN, str(file), "none", "0", str(2**30))
        assert once_more.wait() == 0
    assert len(reached) > 1000
    assert [task for task, count in fake.counts("task_id").items() if task and count > 1] == []
    assert fake.refused == []


def tasks_delivered(fake: FakePortal) -> set[str]:
    return {event["task_id"] for event in fake.events if "task_id" in event}


@pytest.mark.long
def test_several_processes_share_a_file_and_one_of_them_is_killed(
    fake: FakePortal, tmp_path: Path
) -> None:
    fake.troubles = [LOST_ANSWER, 503] * 5
    file = str(tmp_path / "audit.log")
    size = str(8 * 1024 * 1024)
    victim = service(fake.url, TOKEN, file, "victim", "for ever", size)
    wait_for_file(lambda: tasks_in(tmp_path))
    others = [service(fake.url, TOKEN, file, f"other{n}", "1500", size) for n in range(3)]
    fake.wait_for(2000)
    victim.kill()
    victim.wait()
    reached = tasks_in(tmp_path)
    assert [other.wait() for other in others] == [0, 0, 0]
    assert service(fake.url, TOKEN, file, "last", "1", size).wait() == 0
    wanted = {f"other{n}-{number}" for n in range(3) for number in range(1500)} | reached
    while not tasks_delivered(fake) >= wanted:
        assert service(fake.url, TOKEN, file, "none", "0", size).wait() == 0
    assert set(fake.counts("task_id").values()) == {1}


@pytest.mark.long
def test_a_fork_doubles_nothing_and_loses_nothing(fake: FakePortal, tmp_path: Path) -> None:
    words = (fake.url, TOKEN, str(tmp_path / "audit.log"))
    assert service(*words, program=FORKING).wait() == 0
    assert service(*words, "none", "0", str(2**30)).wait() == 0
    names = [f"{who}{n}" for who in ("parent", "meanwhile") for n in range(5)]
    names += [f"{n}child{child}" for n in range(5) for child in range(3)]
    expected = {f"{name}-{number}": 1 for name in names for number in range(200)}
    assert fake.counts("task_id") == expected


# --- the real portal ----------------------------------------------------------------------------


@pytest.mark.stack
def test_the_portal_has_each_event_once_after_kills_of_both_sides(
    portal: Portal, tmp_path: Path
) -> None:
    up = portal.start_until_ready()
    words = ("--organization", "default", "--scope", "ingest")
    token = portal.run("create_token", "killed_service", *words).strip()
    file = tmp_path / "audit.log"
    url, size = f"http://localhost:{portal.port}", str(2**30)
    reached: set[str] = set()
    for number in range(4):
        process = service(url, token, str(file), f"life{number}", "for ever", size)
        wait_for_file(lambda number=number: f"life{number}-0" in tasks_in(tmp_path))
        if number == 2:
            up.process.kill()
            up.process.wait()
        process.kill()
        process.wait()
        reached |= tasks_in(tmp_path)
    portal.start_until_ready()
    found: Counter[str] = Counter()
    while not found.keys() >= reached:
        assert service(url, token, str(file), "none", "0", size).wait() == 0
        found = Counter(event["task_id"] for event in events(portal))
    assert set(found.values()) == {1}
    assert {event["source"] for event in events(portal)} == {"killed_service"}
    some = next(event for event in events(portal) if event["task_id"] == "life0-1")
    assert (some["log_type"], some["action"]) == ("security", "Task Routed")
    assert some["details"]["logger"] == "service"


def events(portal: Portal) -> Iterator[dict[str, Any]]:
    path = "/api/v1/logs/?page_size=500&source=killed_service"
    while path:
        page = portal.get(path)
        yield from (event for event in page["results"] if "task_id" in event)
        path = page["next"] and "{0.path}?{0.query}".format(urlsplit(page["next"]))
