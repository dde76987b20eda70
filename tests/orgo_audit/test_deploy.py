"""`check --deploy`, as an operator runs it, on one machine and behind TLS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orgo_audit.embedded import secrets
from tests.environment import without_settings
from tests.portal import PROJECT

TLS = {"ORGO_PUBLIC_URL": "https://audit.example.org"}


def check(home: Path, settings: dict[str, str]) -> str:
    secrets.keep_secret(home, "secret_key")
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=without_settings() | {"ORGO_HOME": str(home)} | settings,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(("settings", "is_told"), [({}, True), (TLS, False)])
def test_the_check_for_deployment_is_clean_and_names_plain_http(
    tmp_path: Path, settings: dict[str, str], is_told: bool
) -> None:
    assert ("orgo_audit.I001" in check(tmp_path, settings)) == is_told
