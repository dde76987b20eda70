"""The processes that `up` runs, a line each, and how one is started, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orgo_audit.embedded.children import die_with_parent

PROJECT = Path(__file__).resolve().parent.parent.parent
STOP_LIMIT_SECONDS = 8.0
STEADY_SECONDS = 30.0  # one that lived so long may be started again at once
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Restarts:
    """How long to wait before the next start: longer each time, unless it stayed."""

    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    _started: float = field(default=0.0, init=False)
    _ended: float = field(default=0.0, init=False)

    def started(self) -> None:
        self._started = self.clock()

    def ended(self) -> None:
        self._ended = self.clock()
        self.failures = 1 if self._ended - self._started > STEADY_SECONDS else self.failures + 1

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start."""
        return min(2.0 ** (self.failures - 1), LONGEST_PAUSE_SECONDS) if self.failures else 0.0

    def is_over(self) -> bool:
        return self.clock() - self._ended >= self.pause


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table. `counts`: it keeps metrics, which all such processes share."""

    name: str
    words: tuple[str, ...]
    counts: bool = False
    # Sent when `up` itself was killed. A Celery worker that is asked politely waits for a broker
    # that is gone as well; killed, it takes its pool along, and its tasks come back.
    orphaned: signal.Signals = signal.SIGTERM


_CELERY = ("-m", "celery", "-A", "orgo_audit.celery")
_GUNICORN = ("-m", "gunicorn", "-c", "python:orgo_audit.embedded.gunicorn_config")
_WORKER = ("worker", "-c", "2", "-l", "WARNING", "--without-gossip", "--without-mingle")
_BEAT = ("beat", "-l", "WARNING", "--pidfile=")
KINDS = (
    Kind("web", (*_GUNICORN, "orgo_audit.wsgi"), counts=True),
    Kind("worker", (*_CELERY, *_WORKER), counts=True, orphaned=signal.SIGKILL),
    Kind("beat", (*_CELERY, *_BEAT), counts=True),
    Kind("mail", ("manage.py", "run_mail_door")),
    # Nothing of it is counted: a series that moved would tell when a report arrived.
    Kind("vault", ("manage.py", "run_vault")),
)


def python(words: Sequence[str]) -> tuple[str, ...]:
    return (sys.executable, *words)


@dataclass(slots=True)
class Process:
    """A child in a process group of its own. `last_exit` is set once it has ended by itself."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path
    held: tuple[int, ...] = ()  # descriptors that it and its own children keep open
    orphaned: signal.Signals = signal.SIGTERM
    restarts: Restarts = field(default_factory=Restarts)
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """OSError where the machine has no room for it: that counts as an end."""
        self.restarts.started()
        try:
            with self.log_file.open("ab") as log:
                self._popen = spawn(
                    self.command, self.environment, held=self.held, orphaned=self.orphaned, out=log
                )
        except OSError:
            self.restarts.ended()
            raise

    def has_ended(self) -> int | None:
        """The exit code, told once; what is left of its group goes too."""
        if self._popen is None or (code := self._popen.poll()) is None:
            return None
        _kill_group(self._popen.pid, signal.SIGKILL)
        self._popen = None
        self.restarts.ended()
        return code

    def is_due(self) -> bool:
        """It has ended and its pause is over."""
        return self._popen is None and self.restarts.is_over()

    def ask_to_stop(self) -> None:
        if self._popen is not None:
            self._popen.terminate()

    def wait_until_gone(self) -> None:
        """After `ask_to_stop`: by force if it takes too long, and whatever it has started."""
        if self._popen is not None:
            end_group(self._popen, STOP_LIMIT_SECONDS)
            self._popen = None


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    held: tuple[int, ...] = (),
    orphaned: signal.Signals = signal.SIGTERM,
    out: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """A child in its own session: Ctrl-C reaches us alone, and we end it in our order."""
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT if out is not None else None,
        pass_fds=held,
        start_new_session=True,
        preexec_fn=die_with_parent(orphaned),  # noqa: PLW1509
    )


def end_group(process: subprocess.Popen[bytes], limit: float) -> None:
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(process.pid, signal.SIGKILL)
        process.wait()


def _kill_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
