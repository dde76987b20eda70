"""`manage.py up`: from nothing to a portal that answers, and back. Must never leave a process."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.environment import without_settings

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parent.parent.parent
START_LIMIT_SECONDS = 240
STOP_LIMIT_SECONDS = 40


@dataclass
class Up:
    """One `up` and what it has said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    listener: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.said.extend(iter(lines.readline, ""))

    def wait_for(self, words: str) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not any(words in line for line in self.said):
            assert self.process.poll() is None, self.everything()
            assert time.monotonic() < limit, self.everything()
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT_SECONDS)

    def refuse(self) -> str:
        """Wait until it has given up; what it said."""
        assert self.process.wait(START_LIMIT_SECONDS) == 1
        self.listener.join()
        return self.everything()

    def everything(self) -> str:
        return "".join(self.said)

    def logins(self) -> list[str]:
        return [line for line in self.said if "http://" in line and line.startswith("  ")]


@dataclass
class Portal:
    home: Path
    port: int
    mail_port: int
    ups: list[Up] = field(default_factory=list)

    def start(self) -> Up:
        environment = without_settings() | {
            "ORGO_HOME": str(self.home),
            "ORGO_PORT": str(self.port),
            "ORGO_MAIL_PORT": str(self.mail_port),
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-sample"],
            cwd=PROJECT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.ups.append(Up(process))
        return self.ups[-1]

    def start_until_ready(self) -> Up:
        up = self.start()
        up.wait_for(f"ready: http://localhost:{self.port}\n")
        up.wait_for("/compliance/")
        return up

    def status(self, host: str, path: str = "/readyz") -> int:
        connection = http.client.HTTPConnection(host, self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def wait_until_gone(self) -> None:
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        while left := self.processes():
            assert time.monotonic() < limit, left
            time.sleep(0.1)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_dead = process.status() == psutil.STATUS_ZOMBIE
            words = [*process.cmdline(), process.environ().get("ORGO_HOME", "")]
        except psutil.Error:
            return False
        return not is_dead and any(str(self.home) in word for word in words)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path / "home", a_free_port(), a_free_port())
    yield portal
    for up in portal.ups:
        up.process.kill()
        up.process.wait()
        up.listener.join()
    portal.wait_until_gone()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_it_answers_prints_logins_stops_clean_and_starts_again_with_the_same_logins(
    portal: Portal,
) -> None:
    first = portal.start_until_ready()
    assert {portal.status("localhost"), portal.status("127.0.0.1")} == {200}
    roles = [line.split()[0] for line in first.logins()]
    assert {"admin", "hr_manager", "custodian", "auditor", "dpo"} <= set(roles)

    assert "already runs" in portal.start().refuse()
    assert portal.status("127.0.0.1") == 200

    assert first.end(signal.SIGTERM) == 0, first.everything()
    assert portal.processes() == []

    again = portal.start_until_ready()
    assert again.logins() == first.logins()
    assert again.end(signal.SIGINT) == 0, again.everything()
    assert portal.processes() == []


@pytest.mark.parametrize("moment", ["starting PostgreSQL", "starting Valkey", "migrating", "ready"])
def test_killed_at_any_moment_it_leaves_nothing_and_starts_again(
    portal: Portal, moment: str
) -> None:
    killed = portal.start()
    killed.wait_for(moment)
    os.kill(killed.process.pid, signal.SIGKILL)
    up = portal.start_until_ready()
    assert portal.status("127.0.0.1") == 200
    assert up.end(signal.SIGTERM) == 0
    assert portal.processes() == []


def test_after_a_kill_nothing_stays(portal: Portal) -> None:
    up = portal.start_until_ready()
    up.end(signal.SIGKILL)
    portal.wait_until_gone()


def test_a_child_that_dies_comes_back(portal: Portal) -> None:
    up = portal.start_until_ready()
    for word in ("gunicorn", "valkey-server", "-D"):
        victims = [process for process in portal.processes() if word in " ".join(process.cmdline())]
        min(victims, key=lambda process: process.create_time()).kill()
    for name in ("web", "valkey", "PostgreSQL"):
        up.wait_for(f"{name} has ended")
    limit = time.monotonic() + START_LIMIT_SECONDS
    while not portal_is_green(portal):
        assert time.monotonic() < limit, up.everything()
        time.sleep(0.2)
    assert up.end(signal.SIGTERM) == 0


def portal_is_green(portal: Portal) -> bool:
    try:
        return portal.status("127.0.0.1") == 200
    except OSError:
        return False


@pytest.mark.parametrize("setting", ["ORGO_PORT", "ORGO_MAIL_PORT"])
def test_a_taken_port_is_named_with_its_setting(portal: Portal, setting: str) -> None:
    port = portal.port if setting == "ORGO_PORT" else portal.mail_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        said = portal.start().refuse()
    assert f"Port {port} is taken" in said
    assert setting in said
