"""On one machine and behind TLS: `check --deploy` as an operator runs it, and what is answered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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


# Settings are decided when they are imported: a process of its own, which needs no database.
ASK = """
import json, django
django.setup()
from django.test import Client
answers = {}
for path in ("/sign-in/", "/healthz"):
    for scheme in ("http", "https"):
        headers = {"Host": "audit.example.org", "X-Forwarded-Proto": scheme}
        answer = Client().get(path, headers=headers)
        cookies = {name: bool(cookie["secure"]) for name, cookie in answer.cookies.items()}
        told = {"status": answer.status_code, "cookies": cookies, **answer.headers}
        answers[f"{scheme} {path}"] = told
print(json.dumps(answers))
"""


def test_behind_tls_pages_are_had_by_https_alone_and_probes_from_inside_too(
    tmp_path: Path,
) -> None:
    settings = {
        "DJANGO_SETTINGS_MODULE": "orgo_audit.settings",
        "ORGO_PROCESS": "test",
        "ORGO_SECRET_KEY": "x" * 60,
        "ORGO_HOME": str(tmp_path),
    }
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=PROJECT,
        env=without_settings() | settings | TLS,
        text=True,
        capture_output=True,
        check=True,
    )
    answers: dict[str, dict[str, Any]] = json.loads(told.stdout)
    assert answers["http /sign-in/"]["status"] == 301
    assert answers["http /sign-in/"]["Location"] == "https://audit.example.org/sign-in/"
    page = answers["https /sign-in/"]
    assert page["status"] == 200
    assert page["Strict-Transport-Security"].startswith("max-age=31536000")
    assert page["cookies"] == {"csrftoken": True}
    assert "Location" not in answers["http /healthz"]
    assert answers["http /healthz"]["status"] == answers["https /healthz"]["status"]
