"""A whole portal in processes of its own, as an operator starts it; never in this process."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from orgo_audit.embedded import paths
from tests.environment import without_settings

PROJECT = Path(__file__).resolve().parent.parent
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
        start = next(place for place, line in enumerate(self.said) if line.startswith("sign in at"))
        return [line for line in self.said[start + 1 :] if line.startswith("  ")]


@dataclass
class Portal:
    home: Path
    port: int
    mail_port: int
    settings: dict[str, str] = field(default_factory=dict)
    ups: list[Up] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {"ORGO_HOME": str(self.home), "ORGO_PORT": str(self.port)}
        own["ORGO_MAIL_PORT"] = str(self.mail_port)
        return without_settings() | own | self.settings

    def run(self, *words: str, exit_code: int = 0) -> str:
        """A command typed by hand; what it printed on stdout."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=START_LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str) -> Any:
        """What the API answers to the sample workflow's reading token."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
        try:
            token = paths.read_secret(self.home, "sample_read_token")
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def start(self) -> Up:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-sample"],
            cwd=PROJECT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.ups.append(Up(process))
        return self.ups[-1]

    def start_until_ready(self) -> Up:
        up = self.start()
        up.wait_for(f"ready: http://localhost:{self.port}\n")
        up.wait_for("  user ")
        return up

    def status(self, host: str, path: str = "/readyz") -> int:
        connection = http.client.HTTPConnection(host, self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def is_green(self) -> bool:
        try:
            return self.status("127.0.0.1") == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def wait_until_green(self) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self.is_green():
            assert self.ups[-1].process.poll() is None, self.ups[-1].everything()
            assert time.monotonic() < limit, self.ups[-1].everything()
            time.sleep(0.1)

    def end(self) -> None:
        """By force, whatever state it is in."""
        for up in self.ups:
            up.process.kill()
            up.process.wait()
            up.listener.join()
        self.wait_until_gone()

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def oldest_process(self, word: str) -> psutil.Process:
        """The one with this word in its command; processes come and go while they are listed."""
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        while not (found := [one for one in self.processes() if word in _command_of(one)]):
            assert time.monotonic() < limit, f"no process with {word}"
            time.sleep(0.1)
        return min(found, key=lambda one: one.create_time())

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
        # Valkey shows its socket alone, which lies elsewhere when the home's path is long.
        places = (str(self.home), str(paths.socket_folder(self.home)))
        return not is_dead and any(place in word for word in words for place in places)


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
