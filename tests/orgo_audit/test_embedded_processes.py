"""A child that ends is started again after a pause that grows; ending one ends what it started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil

from orgo_audit.embedded.processes import Process

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
    return Process("web", command, dict(os.environ), folder / "web.log", clock=clock)


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
        pauses.append(process.pause)
        assert not process.is_due()
        clock.now += process.pause
        assert process.is_due()
    assert pauses == [1, 2, 4]
    assert process.last_words().endswith("no such table")

    process.start()
    clock.now += 1000
    wait_for_end(process)
    assert process.pause == 1


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
