"""Nothing ends because nobody reads what is told."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from orgo_audit.embedded.console import Progress
from tests.portal import PROJECT

SPEAKS_ON = """
from orgo_audit.embedded.console import Progress
progress = Progress()
input()
for _ in range(3):
    with progress.step("a step"):
        progress.say("more")
print("went on")
"""


def test_a_reader_that_has_gone_ends_nothing() -> None:
    speaker = subprocess.Popen(
        [sys.executable, "-c", SPEAKS_ON],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert speaker.stderr is not None
    speaker.stderr.close()
    speaker.stderr = None
    said, _ = speaker.communicate(b"\n")
    assert said == b"went on\n"
    assert speaker.returncode == 0


def test_a_full_disk_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(progress.console, "print", no_room)
    progress.say("more")
