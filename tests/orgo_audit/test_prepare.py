"""`prepare` makes what a first start needs, nothing twice, and never loses a login."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Role, ServiceToken, User
from orgo_audit.accounts.tokens import find_token
from orgo_audit.embedded import paths
from tests.builders import FAST_HASHER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.ORGO_HOME = tmp_path
    settings.PASSWORD_HASHERS = [FAST_HASHER]
    return tmp_path


def test_a_first_start_has_an_organization_a_login_per_role_and_two_tokens(home: Path) -> None:
    call_command("prepare")
    assert Organization.objects.get().slug == "default"
    for role in Role:
        password = paths.read_secret(home, f"login_{role.value}")
        assert User.objects.get(username=role.value).check_password(password)
    scopes = {name: find_token(paths.read_secret(home, name)) for name in TOKENS}
    assert {name: token.scopes for name, token in scopes.items() if token} == TOKENS
    assert Event.objects.filter(action="Policy Accepted").count() == 1


TOKENS = {"sample_ingest_token": ["ingest"], "sample_read_token": ["read"]}


def test_what_a_first_start_made_is_on_record_and_a_second_adds_nothing() -> None:
    for _ in range(2):
        call_command("prepare")
        made = Event.objects.filter(log_type="security", code__endswith=".created")
        codes = Counter(made.values_list("code", flat=True))
        assert codes == {"organization.created": 1, "user.created": len(Role), "token.created": 2}


def test_another_secret_key_ends_the_start_until_it_is_accepted(settings: Settings) -> None:
    call_command("prepare")
    own, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    with pytest.raises(CommandError, match="put its copy back.*--accept-new-secret-key") as refused:
        call_command("prepare")
    assert "another" not in str(refused.value).replace("another_secret_key", "")
    call_command("prepare", accept_new_secret_key=True)
    call_command("prepare")
    assert Event.objects.filter(code="secret_key.replaced").count() == 1
    settings.SECRET_KEY = own
    with pytest.raises(CommandError):
        call_command("prepare")


def test_a_secret_key_that_can_be_guessed_is_told_and_not_shown(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SECRET_KEY = "guess"
    call_command("prepare")
    told = capsys.readouterr().err
    assert told.startswith("ORGO_SECRET_KEY has 5 characters")
    assert "guess " not in told


def test_a_second_start_changes_nothing(home: Path) -> None:
    call_command("prepare")
    kept = {file.name: file.read_text() for file in paths.secrets_folder(home).iterdir()}
    call_command("prepare")
    assert {file.name: file.read_text() for file in paths.secrets_folder(home).iterdir()} == kept
    assert (User.objects.count(), ServiceToken.objects.count()) == (len(Role), 2)


def test_a_start_that_was_cut_off_before_it_made_the_person_makes_it_later(home: Path) -> None:
    call_command("prepare", without_logins=True)
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets" / "login_admin").write_text("kept-before-the-cut")
    call_command("prepare")
    assert User.objects.get(username="admin").check_password("kept-before-the-cut")


def test_a_first_policy_that_cannot_be_used_ends_the_start_and_says_where(
    settings: Settings, tmp_path: Path
) -> None:
    settings.ORGO_POLICY = tmp_path / "policy.yaml"
    settings.ORGO_POLICY.write_text('retention_policies:\n  error_logs: "1 yeer"\n')
    with pytest.raises(CommandError, match=r"policy\.yaml: line 2, column 15"):
        call_command("prepare")


def test_a_later_broken_policy_is_told_and_leaves_the_old_one_in_force(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("prepare")
    settings.ORGO_POLICY = tmp_path / "policy.yaml"
    settings.ORGO_POLICY.write_text("retention_policies: [")
    call_command("prepare")
    assert "the old policy stays in force" in capsys.readouterr().err
    assert Event.objects.filter(action="Policy File Refused").count() == 1


def test_a_password_that_was_changed_is_not_shown_as_the_login_s(home: Path) -> None:
    call_command("prepare")
    user = User.objects.get(username="admin")
    user.set_password("another one")
    user.save()
    for _ in range(2):
        call_command("prepare")
        assert paths.read_secret(home, "login_admin") == "(its password was changed)"
    assert User.objects.get(username="admin").check_password("another one")
