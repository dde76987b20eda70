"""A child that ends is started again after a pause that grows; ending one ends what it started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from orgo_audit.embedded import log_files
from orgo_audit.embedded.processes import Process, Restarts

HAS_A_CHILD = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True);"
    "time.sleep(60)"
)
FAILS = "import sys; sys.exit('no such table')"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_process(folder: Path, program: str, clock: Clock) -> Process:
    command = (sys.executable, "-c", program)
    log = folder / "web.log"
    return Process("web", command, dict(os.environ), log, restarts=Restarts(clock))


def wait_for_end(process: Process) -> int:
    while (code := process.has_ended()) is None:
        time.sleep(0.01)
    return code


def test_pauses_grow_until_it_stays(tmp_path: Path) -> None:
    clock = Clock()
    process = a_process(tmp_path, FAILS, clock)
    pauses = []
    for _ in range(3):
        process.start()
        assert wait_for_end(process) == 1
        pauses.append(process.restarts.pause)
        assert not process.is_due()
        clock.now += process.restarts.pause
        assert process.is_due()
    assert pauses == [1, 2, 4]
    assert log_files.last_lines(process.log_file, 1) == "no such table"

    process.start()
    clock.now += 1000
    wait_for_end(process)
    assert process.restarts.pause == 1


def test_one_that_cannot_be_started_waits_as_one_that_has_ended(tmp_path: Path) -> None:
    process = a_process(tmp_path / "no such folder", FAILS, clock := Clock())
    for pause in (1, 2, 4):
        with pytest.raises(OSError, match="No such file"):
            process.start()
        assert process.restarts.pause == pause
        assert not process.is_due()
        clock.now += pause
        assert process.is_due()


def test_ending_it_ends_its_own_children(tmp_path: Path) -> None:
    process = a_process(tmp_path, HAS_A_CHILD, Clock())
    process.start()
    while not process.log_file.read_text().strip():
        time.sleep(0.01)
    grandchild = int(process.log_file.read_text())
    process.ask_to_stop()
    process.wait_until_gone()
    assert process.has_ended() is None
    assert is_gone(grandchild)


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
