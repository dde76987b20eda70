"""Log lines tell what failed and where, and never repeat what a message or an argument says."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from celery import shared_task
from celery.app.trace import LOG_RECEIVED

from orgo_audit.log_lines import LogLine
from tests.environment import without_settings
from tests.portal import PROJECT

PLANTED = "jane.roe@organization.com"


def line_of(error: BaseException, **values: object) -> str:
    record = logging.makeLogRecord({"msg": "request failed", "levelname": "ERROR", **values})
    record.exc_info = (type(error), error, error.__traceback__)
    return LogLine("{levelname} {message}", style="{").format(record)


def raised() -> BaseException:
    error = KeyError(PLANTED)
    error.__cause__ = ValueError(PLANTED)
    with pytest.raises(KeyError):
        raise error
    return error


def test_an_exception_is_told_by_class_and_place_with_its_cause() -> None:
    line = line_of(raised(), route="/admin/")
    assert line.startswith("ERROR request failed route=/admin/")
    assert "builtins.ValueError" in line
    assert "builtins.KeyError" in line
    assert "test_log_lines.py" in line
    assert PLANTED not in line


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    line = line_of(ValueError(), route="/x\n2026-11-25 INFO forged")
    assert "\n2026" not in line


def test_what_celery_says_of_a_task_has_no_arguments() -> None:
    task = {"id": "5c0f", "name": "load_policy", "args": f"({PLANTED!r},)", "kwargs": "{}"}
    record = logging.makeLogRecord({"msg": LOG_RECEIVED, "args": task, "data": task})
    assert LogLine("{message}", style="{").format(record) == "Task load_policy[5c0f] received"


@shared_task
def a_failing_task(name: str) -> None:
    raise ValueError(name)


def test_a_failed_task_is_logged_without_its_arguments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    a_failing_task.apply(args=(PLANTED,))
    assert [record.getMessage() for record in caplog.records] == ["task failed"]
    assert caplog.records[0].__dict__["task"].endswith("a_failing_task")
    formatted = LogLine("{message}", style="{").format(caplog.records[0])
    assert PLANTED not in formatted


IN_A_THREAD = "import threading; threading.Thread(target=dict().pop, args=({0!r},)).start()"


@pytest.mark.parametrize("fault", ["{{}}.pop({0!r})", IN_A_THREAD])
def test_what_ends_a_command_is_told_by_class_and_place(tmp_path: Path, fault: str) -> None:
    words = ("shell", "--no-imports", "--command", fault.format(PLANTED))
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=without_settings() | {"ORGO_HOME": str(tmp_path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert "\nbuiltins.KeyError\n" in done.stderr
    assert PLANTED not in done.stderr
