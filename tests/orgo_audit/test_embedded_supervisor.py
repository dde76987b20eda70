"""What ends is started again, later each time, and told with the reason."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import cast

import pytest

from orgo_audit.embedded import paths, readiness, supervisor
from orgo_audit.embedded.console import Progress
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.embedded.processes import Restarts
from orgo_audit.embedded.supervisor import Plan, Supervisor
from orgo_audit.errors import Unavailable


class Told(Progress):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, words: str) -> None:
        self.lines.append(words)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Database:
    """Stands for PostgreSQL: `faults` are why the next starts fail."""

    def __init__(self, log_file: Path, *faults: Exception) -> None:
        self.log_file = log_file
        self.faults = list(faults)
        self.process: object | None = object()
        self.problem = "has ended"

    def trouble(self) -> str:
        return self.problem if self.process is not None else ""

    def stop(self) -> None:
        self.process = None

    def start(self) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.process, self.problem = object(), ""


@pytest.fixture
def up(tmp_path: Path) -> Supervisor:
    plan = Plan(tmp_path, 1, 2, "http://localhost:1", {}, with_valkey=False, with_sample=False)
    paths.log_folder(tmp_path).mkdir()
    up = Supervisor(plan, results=io.StringIO(), progress=Told())
    up._postgres_restarts = Restarts(Clock())
    up.is_ready = True
    return up


def watch(up: Supervisor, seconds: float = 0) -> list[str]:
    """What is said when it looks, so many seconds later."""
    cast("Clock", up._postgres_restarts.clock).now += seconds
    told = cast("Told", up.progress)
    told.lines.clear()
    up._watch()
    return list(told.lines)


def a_database(up: Supervisor, *faults: Exception) -> Database:
    database = Database(paths.log_folder(up.plan.home) / "postgres.log", *faults)
    up.postgres = cast("Postgres", database)
    return database


def test_a_database_that_does_not_start_is_tried_later_each_time(up: Supervisor) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    database = a_database(up, *[full, Unavailable("PostgreSQL did not start")] * 5)
    database.log_file.write_text("one\nPANIC: no room\n")
    (first,) = watch(up)
    assert "PostgreSQL has ended; starting it again in 1 s" in first
    assert first.endswith("ends: PANIC: no room")
    assert watch(up) == []
    pauses = [1.0]
    while database.faults:
        (said,) = watch(up, pauses[-1])
        assert said.startswith(("PostgreSQL: [Errno 28] No space left", "PostgreSQL did not start"))
        pauses.append(up._postgres_restarts.pause)
        assert f"in {pauses[-1]:.0f} s" in said
        assert watch(up) == []
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]
    assert watch(up, 30) == []
    assert database.process is not None


def test_a_full_disk_is_named(up: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    a_database(up)
    monkeypatch.setattr(supervisor, "NO_SPACE_BYTES", 1 << 62)
    (said,) = watch(up)
    assert f"No space is left on the disk of {up.plan.home}." in said


def test_while_starting_it_says_what_it_waits_for(
    up: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["web does not answer yet", "cache: ConnectionError", ""]
    monkeypatch.setattr(readiness, "lacking", lambda port: answers.pop(0))
    monkeypatch.setattr(supervisor, "STILL_WAITING_SECONDS", -1)
    up._wait_until_ready()
    told = cast("Told", up.progress).lines
    assert told == [
        "still waiting: web does not answer yet.",
        "still waiting: cache: ConnectionError.",
    ]


def test_a_start_that_takes_too_long_says_what_was_lacking(
    up: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "lacking", lambda port: "broker: OSError, see CELERY_BROKER_URL")
    monkeypatch.setattr(supervisor, "READY_LIMIT_SECONDS", -1)
    with pytest.raises(Unavailable, match=r"^Not ready after .* s: broker: OSError, see CELERY"):
        up._wait_until_ready()


def test_while_starting_a_database_that_does_not_come_back_ends_the_start(up: Supervisor) -> None:
    up.is_ready = False
    a_database(up, Unavailable("PostgreSQL did not start"))
    watch(up)
    with pytest.raises(Unavailable, match="did not start"):
        watch(up, 1)


def test_logs_are_bounded_while_it_watches(up: Supervisor) -> None:
    log = paths.log_folder(up.plan.home) / "beat.log"
    log.write_bytes(b"x" * 5_000_001)
    watch(up)
    assert log.stat().st_size == 0
    assert log.with_name("beat.log.1").stat().st_size == 5_000_001
