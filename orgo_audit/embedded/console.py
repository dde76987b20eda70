"""Tells the operator, on stderr, what `up` is doing; must never show a secret."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: rich would end the process, and with it the portal."""
        self.quiet = True
        with open(os.devnull, "w", encoding="ascii") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())  # what is buffered must not fail at exit


class Progress:
    """A spinner on a terminal, plain lines elsewhere. Nothing ends because it cannot be told."""

    def __init__(self) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(what):
                yield
        else:
            self.say(f"{what} ...")
            yield
        self.say(f"{what}: {time.monotonic() - started:.1f} s")

    def say(self, words: str) -> None:
        with suppress(OSError):
            self.console.print(f"up: {words}", markup=False)
