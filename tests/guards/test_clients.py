"""The clients of docs/services.md run as printed, against a portal that listens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

from logs.record.models import Event
from orgo_audit.accounts.models import Scope
from tests.builders import a_token, an_organization

CLIENTS = Path(__file__).parents[2] / "docs" / "services.md"
SHIPPED_NODE = Path(playwright.__file__).parent / "driver" / "node"


def clients() -> dict[str, str]:
    """The first block of each language below the heading."""
    text = "\n" + CLIENTS.read_text(encoding="utf-8")
    _, _, section = text.partition("\n## Clients\n")
    section = section.partition("\n## ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))


def command_of(language: str) -> list[str]:
    if language == "python":
        return [sys.executable, "-I", "-c"]
    if language == "sh":
        if not shutil.which("curl"):
            pytest.skip("curl is not installed")
        return ["sh", "-e", "-c"]
    node = shutil.which("node") or (str(SHIPPED_NODE) if SHIPPED_NODE.exists() else "")
    if not node:
        pytest.skip("node is not installed")
    return [node, "-e"]


def test_all_three_are_there_and_short() -> None:
    assert set(clients()) == {"sh", "python", "js"}
    assert all(len(text.splitlines()) <= 26 for text in clients().values())


@pytest.mark.parametrize(("language", "task_id"), [("sh", "c-1"), ("python", "p-1"), ("js", "j-1")])
def test_a_client_runs_as_printed(language: str, task_id: str, address: str) -> None:
    token = a_token(an_organization(), Scope.INGEST, Scope.READ)
    environment = {"PATH": os.environ["PATH"], "ORGO": address, "TOKEN": token}
    for _ in range(2):  # the second delivery is a retry: it stores nothing
        done = subprocess.run(
            [*command_of(language), clients()[language]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        # In the list and in the export.
        assert done.stdout.count("Task Created") == done.stdout.count("Task Routed") == 2
    stored = Event.objects.filter(task_id=task_id).values_list("action", flat=True)
    assert sorted(stored) == ["Task Created", "Task Routed"]
