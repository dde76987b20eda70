"""What every command does when nobody answers it, or nobody listens any more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import manage
from tests import environment
from tests.portal import PROJECT


def test_a_question_without_an_answer_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(words: list[str]) -> None:
        raise EOFError

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back at the end
    monkeypatch.setattr("django.core.management.execute_from_command_line", asks)
    with pytest.raises(SystemExit, match="stdin has ended: nothing was changed"):
        manage.main()


def test_whoever_stops_reading_gets_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, "manage.py", "check_policy"],
            cwd=PROJECT,
            env=environment.without_settings() | {"ORGO_HOME": "/nonexistent"},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert ended.returncode == 141
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr
