"""No child is told another's secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgo_audit import logins
from orgo_audit.embedded import accounts, secrets
from orgo_audit.embedded.environments import Environments
from orgo_audit.embedded.processes import KINDS

URLS = {login: f"postgres://{logins.role_name(login)}:{login}-pw@/x" for login in logins.LOGINS}
HOME = Path("/srv/var")


@pytest.fixture
def environments(monkeypatch: pytest.MonkeyPatch) -> Environments:
    monkeypatch.setenv("DATABASE_URL", URLS[logins.OWNER])
    monkeypatch.setenv("ORGO_VAULT_DATABASE_URL_FILE", "/vault-pw")
    monkeypatch.setenv("ORGO_VAULT_KEY", "vault-pw")
    monkeypatch.setenv("EMAIL_URL", "smtp://relay")
    monkeypatch.delenv("ORGO_SECRET_KEY", raising=False)
    return Environments(HOME, URLS, {"ORGO_PORT": "8000"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_process_knows_its_own_login_only(environments: Environments, kind: object) -> None:
    name = getattr(kind, "name", "")
    told = environments.of_process(name, counts=False)
    own = logins.LOGIN_OF_PROCESS[name]
    others = [f"{login}-pw" for login in logins.LOGINS if login != own]
    assert told["ORGO_PROCESS"] == name
    assert (f"{own}-pw" in str(told)) is bool(own)
    assert not [password for password in others if password in str(told)]


def test_the_vault_alone_is_told_its_key(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environments.of_process("vault", counts=False)["ORGO_VAULT_KEY"] == "vault-pw"
    monkeypatch.delenv("ORGO_VAULT_KEY")
    told = environments.of_process("vault", counts=False)
    assert told["ORGO_VAULT_KEY_FILE"] == "/srv/var/secrets/vault_key.pem"
    for kind in KINDS:
        if kind.name != "vault":
            told = environments.of_process(kind.name, counts=False)
            assert not [name for name in told if name.startswith("ORGO_VAULT_KEY")]


def test_the_operators_other_settings_reach_a_process(environments: Environments) -> None:
    told = environments.of_process("web", counts=True)
    assert told["EMAIL_URL"] == "smtp://relay"
    assert told["ORGO_PORT"] == "8000"
    assert told["ORGO_SECRET_KEY_FILE"] == "/srv/var/secrets/secret_key"
    assert told["PROMETHEUS_MULTIPROC_DIR"] == "/srv/var/metrics"


def test_an_operators_own_secret_key_stands(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGO_SECRET_KEY", "theirs")
    told = environments.bare()
    assert told["ORGO_SECRET_KEY"] == "theirs"
    assert "ORGO_SECRET_KEY_FILE" not in told


def test_the_set_up_may_be_the_owner_and_never_the_vault(environments: Environments) -> None:
    told = environments.of_set_up()
    assert told["DATABASE_URL"] == URLS[logins.OWNER]
    assert "vault-pw" not in str(told)
    assert "ORGO_PROCESS" not in told


def test_one_line_a_login_after_where_to_sign_in(tmp_path: Path) -> None:
    secrets.keep_secret(tmp_path, "login_hr_manager", lambda: "word")
    assert list(accounts.lines(tmp_path, "http://localhost:1")) == [
        "sign in at http://localhost:1/ as",
        "  hr_manager  word",
    ]
