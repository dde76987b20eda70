"""A setting that cannot be used is named in one sentence, which repeats no password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from orgo_audit import logins, operator_settings
from orgo_audit.embedded import paths, secrets
from tests.environment import without_settings
from tests.portal import PROJECT

PLANTED = "s3cret"


def run(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=without_settings() | {"ORGO_HOME": str(home)} | settings,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    "url",
    [
        "junk",
        "mysql://u:s3cret@host/name",
        "postgres://u:s3cret@host",
        "postgres://u:s3c/ret@host/name",
        "postgres://u:s3cret@host:port/name",
        "postgres://u:s3cret@[host/name",
    ],
)
def test_a_database_that_is_none_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGO_WEB_DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="^ORGO_WEB_DATABASE_URL: expected") as refused:
        operator_settings.given_database_url(logins.WEB)
    assert "s3c" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("url", ["postgres://u:p%2F@h:1/n", "postgresql:///n?host=/run/pg"])
def test_a_database_of_ones_own_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert operator_settings.given_database_url(logins.OWNER) == url


def test_a_command_says_so_and_no_kept_password(tmp_path: Path) -> None:
    secrets.keep_secret(tmp_path, "orgo_worker", lambda: PLANTED)
    done = run(tmp_path, "list_tokens", DATABASE_URL="junk")
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL: expected postgres://")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["relay:25", "smtp://u:s3cret@", "smtp://u:s3cret@relay:x", "http://s3cret"]
)
def test_a_relay_that_is_none_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="^EMAIL_URL: expected smtp://") as refused:
        operator_settings.mail("EMAIL_URL")
    assert PLANTED not in str(refused.value)


def test_a_relay_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://u:p@relay:587")
    told = operator_settings.mail("EMAIL_URL")
    assert (told["EMAIL_HOST"], told["EMAIL_PORT"], told["EMAIL_USE_TLS"]) == ("relay", 587, True)
    monkeypatch.delenv("EMAIL_URL")
    assert operator_settings.mail("EMAIL_URL") == {}


@pytest.mark.parametrize(
    "url",
    ["portal.example", "ftp://portal", "https://", "https://u:s3cret@portal", "https://portal/x"],
)
def test_an_address_that_is_none_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGO_PUBLIC_URL", url)
    with pytest.raises(ImproperlyConfigured, match="^ORGO_PUBLIC_URL: expected") as refused:
        operator_settings.public_url("ORGO_PUBLIC_URL", "")
    assert PLANTED not in str(refused.value)


@pytest.mark.parametrize("url", ["https://portal.example", "http://[::1]:8000", "http://a:1/"])
def test_an_address_is_taken_without_its_slash(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGO_PUBLIC_URL", url)
    assert operator_settings.public_url("ORGO_PUBLIC_URL", "") == url.rstrip("/")


def test_on_and_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator_settings.is_on("ORGO_SAMPLE")
    monkeypatch.setenv("ORGO_SAMPLE", "0")
    assert not operator_settings.is_on("ORGO_SAMPLE")
    monkeypatch.setenv("ORGO_SAMPLE", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"^ORGO_SAMPLE: 'maybe' is neither 1 .* nor 0"):
        operator_settings.is_on("ORGO_SAMPLE")


def test_a_file_that_cannot_be_read_is_named_by_its_setting(tmp_path: Path) -> None:
    done = run(tmp_path, "list_tokens", ORGO_PORT_FILE=str(tmp_path / PLANTED))
    assert done.returncode == 1
    assert done.stderr.startswith("ORGO_PORT_FILE: No such file or directory; expected the path of")
    assert PLANTED not in done.stderr


def test_the_line_end_of_a_file_is_no_part_of_the_value(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("9007\n")
    words = ("shell", "--no-imports", "--command", ASK)
    done = run(tmp_path, *words, ORGO_PORT_FILE=str(file))
    assert done.stdout.strip() == "9007 8025 http://localhost:9007", done.stderr


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("REDIS_URL", "s3cret", "redis://HOST:PORT/NUMBER"),
        ("CELERY_BROKER_URL", "http://:s3cret@host", "amqp://USER:PASSWORD@HOST"),
        ("ORGO_VAULT_PUBLIC_KEY", "s3cret", "an X25519 public key in PEM"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    tmp_path: Path, name: str, value: str, expected: str
) -> None:
    done = run(tmp_path, "list_tokens", **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name}: expected {expected}")
    assert PLANTED not in done.stderr


# --- commands find the portal that runs on their folder -------------------------------------------

ASK = (
    "from django.conf import settings as s; print(s.ORGO_PORT, s.ORGO_MAIL_PORT, s.ORGO_PUBLIC_URL)"
)


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ({}, "9001 9002 https://portal.example"),
        ({"ORGO_PORT": "9001"}, "9001 9002 https://portal.example"),
        ({"ORGO_PORT": "9003"}, "9003 8025 http://localhost:9003"),
        ({"ORGO_PROCESS": "mail"}, "8000 8025 http://localhost:8000"),
    ],
)
def test_an_address_that_up_left_is_taken_unless_the_shell_names_one(
    tmp_path: Path, own: dict[str, str], found: str
) -> None:
    left = "ORGO_PORT=9001\nORGO_MAIL_PORT=9002\nORGO_PUBLIC_URL=https://portal.example\n"
    paths.address_file(tmp_path).write_text(left)
    words = ("shell", "--no-imports", "--command", ASK)
    done = run(tmp_path, *words, **own)
    assert done.stdout.strip() == found, done.stderr
