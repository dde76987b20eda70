"""How our own log lines look: constant message, then the values; never an exception's own words.

A database error's message repeats the row that failed, and a parser's repeats what it was given:
lines tell the exception's class and where it happened.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOT_TOLD = _STANDARD | {"data"}  # Celery's: the arguments of a task
ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class LogLine(logging.Formatter):
    """`time level logger message name=value ...`, one line each but for tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        values = {name: value for name, value in vars(record).items() if name not in _NOT_TOLD}
        told = " ".join(f"{name}={_one_line(value)}" for name, value in values.items())
        first, newline, rest = line.partition("\n")
        return f"{first} {told}{newline}{rest}" if told else line

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  (logging's name)
        return "\n".join(_told(ei[1])) if ei[1] is not None else ""


def tell_uncaught_alike() -> None:
    """From now on, what ends this process or one of its threads is told as a line tells it."""
    sys.excepthook = lambda kind, error, frames: _tell_uncaught(error)
    threading.excepthook = lambda told: _tell_uncaught(told.exc_value)


def _tell_uncaught(error: BaseException | None) -> None:
    lines = _told(error) if error is not None else []
    said = [*lines, "(what it says is left out: it may name somebody)", ""]
    sys.stderr.write("\n".join(said))


def _told(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [*_told(cause), "then", *lines] if cause is not None else lines


def _one_line(value: Any) -> str:
    return str(value).encode("unicode_escape").decode("ascii")
