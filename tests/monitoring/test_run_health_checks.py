"""`run_health_checks`: one line a check, exit code 1 if one failed."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from monitoring.health_checks import registry, running
from monitoring.health_checks.base import Outcome
from monitoring.health_checks.models import CheckState, HealthCheckResult
from tests.commands import refused, run
from tests.policies import in_force

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


class Scripted:
    verifies = "nothing"

    def __init__(self, name: str) -> None:
        self.name, self.state = name, CheckState.OK

    def run(self, now: object) -> Outcome:
        return Outcome(self.state, f"{self.name} said so")


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted]:
    checks = {name: Scripted(name) for name in registry.CHECKS}
    for name, check in checks.items():
        monkeypatch.setitem(registry.CHECKS, name, check)
    return checks


def names(out: str) -> list[str]:
    return [line.split("\t")[1] for line in out.splitlines()]


def test_all_of_them_one_line_each() -> None:
    out = run("run_health_checks")
    assert names(out) == list(registry.CHECKS)
    state, name, seconds, detail = out.splitlines()[0].split("\t")
    assert (state, name, detail) == ("ok", "mail", "mail said so")
    assert seconds.endswith(" s")
    asked = HealthCheckResult.objects.values_list("asked_by", flat=True).distinct()
    assert [name.startswith("system:") for name in asked] == [True]


def test_one_that_fails_is_exit_code_1_and_the_others_are_made(
    scripted: dict[str, Scripted],
) -> None:
    scripted["queue"].state = CheckState.FAILED
    scripted["cache"].state = CheckState.SKIPPED
    out = StringIO()
    with pytest.raises(CommandError, match="failed: queue") as caught:
        call_command("run_health_checks", stdout=out)
    assert caught.value.returncode == 1
    assert names(out.getvalue()) == list(registry.CHECKS)


def test_those_of_one_period() -> None:
    in_force("health_checks: {mail: monthly, clock: weekly}\n")
    assert names(run("run_health_checks", "--every", "monthly")) == ["mail", "database"]
    assert names(run("run_health_checks", "--every", "weekly")) == ["cache", "clock"]


def test_those_that_are_named() -> None:
    assert names(run("run_health_checks", "disk", "mail")) == ["disk", "mail"]


@pytest.mark.parametrize("words", [["nothing"], ["mail", "nothing"], ["--every", "hour"]])
def test_unknown_names_and_periods_are_refused_with_the_choices(words: list[str]) -> None:
    said = refused("run_health_checks", *words)
    assert "mail" in said or "monthly" in said
    assert not HealthCheckResult.objects.exists()


def test_a_busy_check_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "run", lambda *_, **__: None)
    assert run("run_health_checks", "mail") == "busy\tmail\t-\tthis check is just being made\n"


@pytest.mark.parametrize(
    ("command", "word"),
    [("run_health_checks", "Exit code 1"), ("backup", "--keys"), ("restore", "--drill")],
)
def test_help(command: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--help")
    assert ended.value.code == 0
    assert word in " ".join(capsys.readouterr().out.split())
