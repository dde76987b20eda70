"""Parses mails in a child process with limits, so that a mail bomb never harms the door itself."""

from __future__ import annotations

import multiprocessing
import os
import resource
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from monitoring.sample_workflow.mail import Mail, MailRefused, Reason, read_mail

# The slowest mail within the limits of mail.py took 1 s, the biggest 450 MB.
TIME_LIMIT_SECONDS = 15.0
START_LIMIT_SECONDS = 30.0
MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024
READY = "ready"


class ParserProcess:
    """One child that reads one mail at a time; a child that is stuck or dead is replaced."""

    def __init__(self, time_limit_seconds: float = TIME_LIMIT_SECONDS) -> None:
        self._time_limit_seconds = time_limit_seconds
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None

    def read(self, raw: bytes) -> Mail | Reason:
        """The mail, or why not; `OSError` if no child can be had, and the mail must wait."""
        # The system may have killed the first child for reasons of its own.
        return self._ask(raw) or self._ask(raw) or Reason.UNREADABLE_MAIL

    def _ask(self, raw: bytes) -> Mail | Reason | None:
        """The child's answer; nothing if it died over the question."""
        pipe = self._pipe or self._start()
        try:
            pipe.send_bytes(raw)
            if pipe.poll(self._time_limit_seconds):
                answer: Mail | Reason = pipe.recv()
                return answer
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.stop()
            return None
        self.stop()
        return Reason.TOOK_TOO_LONG

    def stop(self) -> None:
        if self._pipe:
            self._pipe.close()
        if self._child:
            self._child.kill()
            self._child.join()
        self._child = self._pipe = None

    def _start(self) -> Connection:
        # A fork would copy the door's threads and locks.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=serve, args=(theirs,), daemon=True, name="mail parser")
        child.start()
        theirs.close()
        self._child, self._pipe = child, ours
        try:
            if ours.poll(START_LIMIT_SECONDS) and ours.recv() == READY:
                return ours
        except EOFError:
            pass
        self.stop()
        raise OSError("the mail parser did not start")


def serve(pipe: Connection) -> None:
    # A signal to the door's process group must not look like a mail that killed its parser.
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send(READY)
    while True:
        try:
            raw = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send(_answer(raw))


def _answer(raw: bytes) -> Mail | Reason:
    try:
        return read_mail(raw)
    except MailRefused as refusal:
        return refusal.reason
    except MemoryError:
        return Reason.TOO_LARGE
