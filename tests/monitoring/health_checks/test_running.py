"""How checks are run: one at a time, a broken one is a finding, history ends after two years."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from monitoring import tasks
from monitoring.health_checks import registry, running
from monitoring.health_checks.base import Finding, Outcome, outcome_of
from monitoring.health_checks.models import CheckState, HealthCheckResult
from orgo_audit.errors import NotFound
from tests.database import login_of_default
from tests.monitoring.health_checks.conftest import Kept

WAIT_SECONDS = 30.0


class Scripted:
    """A check that does what a test says."""

    name, verifies = "clock", "nothing"

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        self.outcome = Outcome(CheckState.OK, "well", {"number": 1})
        self.error: Exception | None = None

    def run(self, now: datetime) -> Outcome:
        self.begun.set()
        assert self.may_end.wait(WAIT_SECONDS)
        if self.error:
            raise self.error
        return self.outcome


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    check = Scripted()
    monkeypatch.setitem(registry.CHECKS, "clock", check)
    return check


@pytest.mark.django_db
def test_what_was_found_is_kept(as_worker: None, check: Scripted) -> None:
    before = timezone.now()
    tasks.run_health_check("clock", True)
    (result,) = HealthCheckResult.objects.all()
    assert (result.name, result.state, result.detail) == ("clock", "ok", "well")
    assert (result.facts, result.asked_by) == ({"number": 1}, "by hand")
    assert before <= result.started_at <= timezone.now()


@pytest.mark.django_db
@pytest.mark.parametrize("error", [RuntimeError("ann@example.org"), MemoryError(), OSError()])
def test_a_check_that_breaks_is_a_failed_one(
    as_worker: None, check: Scripted, error: Exception
) -> None:
    check.error = error
    result = running.run("clock")
    assert result is not None
    expected = f"the check itself broke ({type(error).__name__})"
    assert (result.state, result.detail) == ("failed", expected)
    assert running.failed_checks() == [result]


@pytest.mark.django_db
def test_a_detail_without_end_is_cut(as_worker: None, check: Scripted) -> None:
    check.outcome = Outcome(CheckState.FAILED, "x" * 5000)
    result = running.run("clock")
    assert result is not None
    result.refresh_from_db()
    assert len(result.detail) == 1000


@pytest.mark.django_db
def test_an_unknown_name_is_not_found(as_worker: None) -> None:
    with pytest.raises(NotFound):
        running.run("nothing")
    assert not HealthCheckResult.objects.exists()


def test_one_at_a_time(as_worker: None, committed: None, check: Scripted) -> None:
    def first() -> None:
        with login_of_default("worker"):
            running.run("clock", asked_by="first")
        connection.close()

    check.may_end.clear()
    thread = threading.Thread(target=first)
    thread.start()
    assert check.begun.wait(WAIT_SECONDS)
    busy, other = running.run("clock", asked_by="second"), running.run("disk")
    check.may_end.set()
    thread.join(WAIT_SECONDS)
    assert busy is None
    assert other is not None, "another check may be made meanwhile"
    asked = HealthCheckResult.objects.filter(name="clock").values_list("asked_by", flat=True)
    assert list(asked) == ["first"]
    assert running.run("clock") is not None, "the first has let go"


def test_a_broken_check_lets_go(as_worker: None, committed: None, check: Scripted) -> None:
    check.error = RuntimeError()
    running.run("clock")

    found = []

    def second() -> None:
        with login_of_default("worker"):
            found.append(running.run("clock"))
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(WAIT_SECONDS)
    assert found[0] is not None


@pytest.mark.django_db
def test_history_ends_after_two_years(as_worker: None, kept: Kept) -> None:
    now = timezone.now()
    kept("clock", now - running.KEPT_FOR - timedelta(seconds=1))
    young = kept("clock", now - running.KEPT_FOR)
    running.forget(now)
    assert list(HealthCheckResult.objects.all()) == [young]
    assert timedelta(days=2 * 365) <= running.KEPT_FOR


@pytest.mark.django_db
def test_the_latest_of_each(as_worker: None, kept: Kept) -> None:
    now = timezone.now()
    kept("clock", now - timedelta(hours=1), "failed")
    well = kept("clock", now)
    failed = kept("restore_drill", now, "failed")
    kept("mail", now, "skipped")
    assert running.latest()["clock"] == well
    assert running.failed_checks() == [failed]


# --- what several findings come to --------------------------------------------------------------

WELL, WRONG, UNSEEN = Finding("a"), Finding("b", is_well=False), Finding("c", None)


@pytest.mark.parametrize(
    ("findings", "state", "detail"),
    [
        ([WELL, WRONG, UNSEEN], CheckState.FAILED, "b; a; c"),
        ([UNSEEN, WRONG], CheckState.FAILED, "b; c"),
        ([WELL, UNSEEN], CheckState.OK, "a; c"),
        ([UNSEEN], CheckState.SKIPPED, "c"),
        ([], CheckState.SKIPPED, ""),
    ],
)
def test_one_wrong_part_fails_the_whole(
    findings: list[Finding], state: CheckState, detail: str
) -> None:
    assert outcome_of(findings) == Outcome(state, detail)
