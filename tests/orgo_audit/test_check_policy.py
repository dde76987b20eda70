"""check_policy validates, shows and accepts; its exit code and streams can be relied upon."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from logs import interface
from orgo_audit.accounts.models import Role
from orgo_audit.periods import Period, next_month
from orgo_audit.policy import versions
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.models import PolicyVersion
from tests.builders import a_user, an_event, an_organization, setting_the_scene

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
SIX_MONTHS = "retention_policies: {activity_logs: 6 months}\n"
THREE_MONTHS = "retention_policies: {activity_logs: 3 months}\n"
BROKEN = "retention_policies:\n  activity_log: 6 months\n"


def _load(path: Path, text: str) -> PolicyVersion | None:
    path.write_text(text)
    return versions.load_file(path)


class Outcome:
    """What one call of the command did."""

    def __init__(self, *arguments: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code = 0
        try:
            call_command("check_policy", *arguments, stdout=out, stderr=err, no_color=True)
        except SystemExit as leaving:
            self.code = int(leaving.code or 0)
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "policy.yaml"
    path.write_text(SIX_MONTHS)
    monkeypatch.setattr(settings, "ORGO_POLICY", path)
    versions.forget_cache()
    yield path
    versions.forget_cache()


@pytest.mark.django_db
def test_an_organization_that_is_not_there_is_told(file: Path) -> None:
    an_organization("north")
    file.write_text(SIX_MONTHS + "organizations: {nort: {regime: hipaa}, north: {regime: gdpr}}")
    outcome = Outcome()
    assert outcome.code == 0
    assert outcome.err.splitlines()[0].startswith("there is no organization nort (yet); known: ")
    assert "did you mean north?" in outcome.err


@pytest.mark.django_db
def test_a_version_in_force_that_cannot_be_read_is_replaced(file: Path, client: Client) -> None:
    client.force_login(a_user(Role.ADMIN, an_organization()))
    with setting_the_scene():
        _load(file, SIX_MONTHS)
        version = PolicyVersion.objects.create(
            text="no_such_block: {}",
            plain={},
            digest="x",
            state="accepted",
            loaded_at=LONG_AGO,
            decided_at=LONG_AGO,
        )
    client.raise_request_exception = False
    versions.forget_cache()
    sentence = f"this release cannot read policy version {version.pk}"
    assert sentence in client.get("/readyz").json()["checks"]["policy"]["detail"]
    assert client.get("/admin/").status_code == 503

    file.write_text(THREE_MONTHS)
    with setting_the_scene():
        looked, accepted = Outcome(), Outcome("--accept")
    assert (looked.code, sentence in looked.err) == (0, True)
    assert (accepted.code, accepted.err.endswith(" is in force\n")) == (0, True)
    assert client.get("/readyz").json()["checks"]["policy"]["state"] == "ok"
    assert client.get("/admin/").status_code == 200


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Period]:
    """The retention in force each time the grants were put into force."""
    calls: list[Period] = []

    def sync_grants() -> int:
        calls.append(versions.current().retention_policies.activity_logs)
        return 0

    monkeypatch.setattr(interface, "sync_grants", sync_grants)
    return calls


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OperationalError("no server")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", unreachable)


def test_the_effective_policy_is_printed_and_can_be_loaded(no_database: None, file: Path) -> None:
    outcome = Outcome(str(file))
    assert outcome.code == 0
    assert "# every organization without rules of its own" in outcome.out
    assert "activity_logs: 6 months" in outcome.out
    assert load_policy(outcome.out.replace("regime: null\n", ""), name="out")


def test_each_organization_is_printed_with_what_it_inherits(no_database: None, file: Path) -> None:
    file.write_text(SIX_MONTHS + "organizations: {north: {regime: hipaa}}")
    own = Outcome().out.split("# organization north\n")[1]
    assert "activity_logs: 6 months" in own
    assert "regime: hipaa" in own


def test_what_a_regime_makes_of_the_policy_is_said(no_database: None, file: Path) -> None:
    file.write_text("organizations: {north: {regime: [gdpr, hipaa]}, south: {regime: hipaa}}")
    common, north, south = Outcome().out.split("# organization ")
    assert "regimes ask" not in common
    assert "# security_logs: the regimes ask for at least 6 years and for at most 3 years" in north
    assert "# security_logs: kept 6 years instead of 2 years" in south


def test_without_a_database_the_file_is_still_checked(no_database: None, file: Path) -> None:
    assert "only the file was checked" in Outcome().err
    assert Outcome("--accept").code == 1


def test_a_broken_file_is_refused_with_its_place(no_database: None, file: Path) -> None:
    file.write_text(BROKEN)
    outcome = Outcome(str(file))
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith(f"{file}:2:3: retention_policies.activity_log: unknown key")


@pytest.mark.parametrize("raw", [b"", b"a: \xff", b"\0"])
def test_a_file_that_is_no_text_is_refused_too(no_database: None, file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    outcome = Outcome()
    assert outcome.code == 1
    assert outcome.err.startswith(f"{file}:1:")


def test_a_missing_file_is_refused(no_database: None, tmp_path: Path) -> None:
    outcome = Outcome(str(tmp_path / "nowhere.yaml"))
    assert outcome.code == 1
    name = tmp_path / "nowhere.yaml"
    assert outcome.err == f"{name}:1:1: the file cannot be read: No such file or directory\n"


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_checking_loads_and_accepts_nothing(file: Path, synced: list[Period]) -> None:
    assert Outcome().code == 0
    assert versions.in_force() is None
    assert synced == []


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_what_waits_is_shown_with_its_consequences_and_diff(file: Path) -> None:
    versions.load_file(file)
    file.write_text(THREE_MONTHS)
    versions.load_file(file)
    outcome = Outcome()
    assert "activity_logs would be kept 3 months instead of 6 months" in outcome.out
    assert "-retention_policies: {activity_logs: 6 months}" in outcome.out
    assert "--accept" in outcome.err
    assert versions.waiting() is not None


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_what_a_file_would_change_is_shown_before_it_is_loaded(file: Path, tmp_path: Path) -> None:
    versions.load_file(file)
    other = tmp_path / "other.yaml"
    other.write_text(THREE_MONTHS)
    outcome = Outcome(str(other))
    assert "# loading this file would wait for a decision" in outcome.out
    assert "shortens_retention: activity_logs would be kept 3 months" in outcome.out
    assert versions.waiting() is None


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_accepting_loads_the_file_and_puts_it_into_force(
    file: Path, synced: list[Period], monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = SimpleNamespace(pw_name="operator")
    monkeypatch.setattr("orgo_audit.operators.pwd.getpwuid", lambda uid: operator)
    versions.load_file(file)
    file.write_text(THREE_MONTHS)
    outcome = Outcome("--accept")
    assert outcome.code == 0
    assert "3 months instead of 6 months" in outcome.out
    assert versions.current().retention_policies.activity_logs == Period(3, "month")
    accepted = versions.in_force()
    assert accepted is not None
    assert accepted.decided_by == "system:operator"
    assert synced == [Period(3, "month")]


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_accepting_twice_says_that_nothing_waits(file: Path, synced: list[Period]) -> None:
    assert "is in force" in Outcome("--accept").err
    again = Outcome("--accept")
    assert again.code == 0
    assert "nothing waits" in again.err


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_a_file_broken_meanwhile_is_refused(
    file: Path, synced: list[Period], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "load_policy", lambda _: _load(file, BROKEN))
    outcome = Outcome("--accept")
    assert outcome.code == 1
    assert "line 2, column 3" in outcome.err


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_a_broken_file_is_never_accepted(file: Path, synced: list[Period]) -> None:
    versions.load_file(file)
    file.write_text(BROKEN)
    assert Outcome("--accept").code == 1
    assert versions.current().retention_policies.activity_logs == Period(6, "month")
    assert synced == []


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_a_text_that_a_person_refused_is_said_to_be_refused(file: Path) -> None:
    _load(file, SIX_MONTHS)
    waits = _load(file, THREE_MONTHS)
    assert waits is not None
    versions.refuse(waits.pk, "ann")
    told = f"this text was refused as version {waits.pk} by ann"
    assert told in Outcome().out
    accepting = Outcome("--accept")
    assert (accepting.code, told in accepting.err) == (1, True)
    assert "is in force since" in Outcome().out


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker")
def test_what_would_be_destroyed_is_shown_by_segment_and_organization(
    file: Path, tmp_path: Path, synced: list[Period]
) -> None:
    versions.load_file(file)
    event = an_event(an_organization("north"))
    segment = f"activity-{event.recorded_at:%Y-%m}"
    ends = next_month(event.recorded_at)
    months = (Period(count, "month").after(ends) for count in (3, 6))
    becomes, was = (f"{instant:%Y-%m-%d}" for instant in months)
    told = f"{segment} of north: not yet counted, from {becomes} on; until now from {was} on"
    line = f"# would destroy earlier: {told}\n"
    other = tmp_path / "other.yaml"
    other.write_text(THREE_MONTHS)
    assert Outcome(str(other)).out.count(line) == 1
    _load(file, THREE_MONTHS)
    assert Outcome().out.count(line) == 1
    assert Outcome("--accept").out.count(line) == 1
    assert "would destroy" not in Outcome().out
