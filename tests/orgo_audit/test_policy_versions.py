"""Versions of the policy: what is accepted at once, what waits, and what is in force meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.utils import timezone

from orgo_audit.errors import Conflict, NotFound, PolicyError, Unavailable
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.schema import Policy

pytestmark = pytest.mark.usefixtures("as_worker")

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SIX_MONTHS = "retention_policies: {activity_logs: 6 months}\n"
SEVEN_MONTHS = "retention_policies: {activity_logs: 7 months}\n"
THREE_MONTHS = "retention_policies: {activity_logs: 3 months}\n"
ONE_MONTH = "retention_policies: {activity_logs: 1 month}\n"
BROKEN = "retention_policies: {activity_log: 6 months}\n"


class File:
    """A policy file that is written and loaded in one go."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, text: str | bytes) -> PolicyVersion | None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return versions.load_file(self.path, now=NOW)

    def make(self, text: str | bytes) -> PolicyVersion:
        version = self.load(text)
        assert version is not None
        return version


@pytest.fixture
def file(db: None, tmp_path: Path) -> Iterator[File]:
    versions.forget_cache()
    yield File(tmp_path / "policy.yaml")
    versions.forget_cache()


def kept() -> Period:
    return versions.current().retention_policies.activity_logs


def a_version(**fields: object) -> PolicyVersion:
    """An accepted one, written past all rules of ours."""
    accepted = {
        "text": SIX_MONTHS,
        "plain": {},
        "digest": "x",
        "state": "accepted",
        "author": "",
        "loaded_at": NOW,
        "decided_at": NOW,
    }
    return PolicyVersion.objects.create(**accepted | fields)


def states() -> list[str]:
    return list(PolicyVersion.objects.order_by("id").values_list("state", flat=True))


def test_without_any_version_the_shipped_defaults_hold(file: File) -> None:
    assert versions.current() == Policy()


def test_the_very_first_is_accepted_whatever_it_says(file: File) -> None:
    version = file.make(ONE_MONTH)
    assert version.state == PolicyState.ACCEPTED
    assert (version.loaded_at, version.decided_at, version.decided_by) == (NOW, NOW, "")
    assert version.author == file.path.owner()
    assert f"+{ONE_MONTH.strip()}" in version.diff
    assert kept() == Period(1, "month")


def test_each_version_holds_the_policy_it_makes_so_that_sql_can_read_it(file: File) -> None:
    file.make(SIX_MONTHS)
    waits = file.make(THREE_MONTHS + "organizations: {north: {regime: [gdpr, hipaa]}}")
    waits.refresh_from_db()
    plain = waits.plain
    assert plain is not None
    north = {"regime": ["gdpr", "hipaa"], "retention": {"approval": "automatic", "notice": "1 day"}}
    assert plain["retention_policies"]["activity_logs"] == "3 months"
    assert plain["organizations"]["north"].items() >= north.items()
    assert plain["organizations"]["north"]["retention_policies"] == {
        "activity_logs": "3 months",
        "error_logs": "1 year",
        "security_logs": "2 years",
    }


def test_a_broken_text_makes_no_policy(file: File) -> None:
    file.make(SIX_MONTHS)
    assert file.make(BROKEN).plain is None


def test_an_unchanged_file_makes_no_version(file: File) -> None:
    file.make(SIX_MONTHS)
    assert file.load(SIX_MONTHS) is None
    assert states() == ["accepted"]


def test_a_change_without_consequences_is_accepted_at_once(file: File) -> None:
    file.make(SIX_MONTHS)
    version = file.make(SEVEN_MONTHS)
    assert version.state == PolicyState.ACCEPTED
    assert version.consequences == []
    assert "-retention_policies: {activity_logs: 6 months}" in version.diff
    assert "+retention_policies: {activity_logs: 7 months}" in version.diff
    assert kept() == Period(7, "month")


def test_a_change_with_consequences_waits_and_says_them(file: File) -> None:
    file.make(SIX_MONTHS)
    version = file.make(THREE_MONTHS)
    assert (version.state, version.decided_at) == (PolicyState.WAITING, None)
    [consequence] = version.consequences
    assert consequence["kind"] == "shortens_retention"
    assert "3 months instead of 6 months" in consequence["sentence"]
    assert versions.waiting() == version
    assert kept() == Period(6, "month")
    assert file.load(THREE_MONTHS) is None


def test_what_was_accepted_is_in_force(file: File) -> None:
    file.make(SIX_MONTHS)
    version = versions.accept(file.make(THREE_MONTHS).pk, "op")
    assert (version.state, version.decided_by) == (PolicyState.ACCEPTED, "op")
    assert version.decided_at is not None
    assert timezone.now() - version.decided_at < timedelta(minutes=5)  # the database's own clock
    assert kept() == Period(3, "month")
    assert versions.in_force() == version
    assert versions.waiting() is None


def test_what_was_refused_is_not_and_does_not_wait_again(file: File) -> None:
    file.make(SIX_MONTHS)
    version = versions.refuse(file.make(THREE_MONTHS).pk, "op")
    assert (version.state, version.decided_by) == (PolicyState.REFUSED, "op")
    assert kept() == Period(6, "month")
    assert file.load(THREE_MONTHS) is None


def test_a_newer_load_replaces_what_waits(file: File) -> None:
    file.make(SIX_MONTHS)
    older, newer = file.make(THREE_MONTHS), file.make(ONE_MONTH)
    assert states() == ["accepted", "superseded", "waiting"]
    with pytest.raises(Conflict, match="superseded"):
        versions.accept(older.pk, "op")
    assert "6 months" in newer.consequences[0]["sentence"]


def test_a_harmless_load_replaces_what_waits_too(file: File) -> None:
    file.make(SIX_MONTHS)
    file.make(THREE_MONTHS)
    file.make(SEVEN_MONTHS)
    assert states() == ["accepted", "superseded", "accepted"]


def test_going_back_to_the_text_in_force_withdraws_what_waits(file: File) -> None:
    file.make(SIX_MONTHS)
    file.make(THREE_MONTHS)
    assert file.load(SIX_MONTHS) is None
    assert states() == ["accepted", "superseded"]
    assert file.load(SIX_MONTHS) is None


@pytest.mark.parametrize("decision", ["none", "refused"])
def test_the_same_change_made_again_after_going_back_waits_again(file: File, decision: str) -> None:
    file.make(SIX_MONTHS)
    version = file.make(THREE_MONTHS)
    if decision == "refused":
        versions.refuse(version.pk, "op")
    file.load(SIX_MONTHS)
    assert file.make(THREE_MONTHS).state == PolicyState.WAITING


def test_a_broken_file_is_refused_and_the_old_policy_stays(file: File) -> None:
    file.make(SEVEN_MONTHS)
    version = file.make(BROKEN)
    assert version.state == PolicyState.REFUSED
    assert version.problem.startswith("line 1, column 22: retention_policies.activity_log: ")
    assert kept() == Period(7, "month")
    assert file.load(BROKEN) is None
    assert file.load(SEVEN_MONTHS) is None
    assert file.make(BROKEN).state == PolicyState.REFUSED


def test_a_broken_file_replaces_what_waits(file: File) -> None:
    file.make(SIX_MONTHS)
    file.make(THREE_MONTHS)
    file.make(BROKEN)
    assert states() == ["accepted", "superseded", "refused"]


def test_the_first_usable_text_after_a_broken_one_is_accepted(file: File) -> None:
    assert file.make(BROKEN).state == PolicyState.REFUSED
    assert versions.current() == Policy()
    assert file.make(ONE_MONTH).state == PolicyState.ACCEPTED


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xff\xfe", b"a: \xc3", b"#" * 300_000])
def test_bytes_of_any_kind_are_kept_as_a_refused_version(file: File, raw: bytes) -> None:
    version = file.make(raw)
    assert version.state == PolicyState.REFUSED
    assert version.problem
    version.refresh_from_db()
    assert file.load(raw) is None


def test_a_missing_file_changes_nothing(file: File) -> None:
    file.make(SIX_MONTHS)
    file.path.unlink()
    with pytest.raises(PolicyError, match="cannot be read"):
        versions.load_file(file.path)
    assert states() == ["accepted"]


def test_only_what_waits_can_be_decided(file: File) -> None:
    version = file.make(SIX_MONTHS)
    with pytest.raises(Conflict, match="accepted"):
        versions.accept(version.pk, "op")
    with pytest.raises(Conflict, match="accepted"):
        versions.refuse(version.pk, "op")
    with pytest.raises(NotFound):
        versions.accept(version.pk + 1000, "op")


def test_a_text_in_force_that_a_new_release_cannot_read_can_be_replaced_by_a_person(
    file: File,
) -> None:
    file.make(SIX_MONTHS)
    a_version(text=BROKEN)
    versions.forget_cache()
    with pytest.raises(Unavailable):
        versions.current()
    waits = file.make(SEVEN_MONTHS)
    assert waits.state == PolicyState.WAITING
    versions.accept(waits.pk, "somebody")
    assert kept() == Period(7, "month")


def test_another_process_learns_of_a_new_version_in_time(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(versions, "monotonic", lambda: clock[0])
    file.make(SIX_MONTHS)
    assert kept() == Period(6, "month")
    a_version(text=SEVEN_MONTHS)
    clock[0] += versions.RECHECK_SECONDS - 0.1
    assert kept() == Period(6, "month")
    clock[0] += 0.2
    assert kept() == Period(7, "month")


def test_the_policy_is_parsed_once_a_version(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(versions, "monotonic", lambda: clock[0])
    file.make(SIX_MONTHS)
    first = versions.current()
    clock[0] += 60
    assert versions.current() is first


# --- what the database itself refuses -----------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "lost"}, "policy_version_state_known"),
        ({"state": "waiting"}, "policy_version_decided_unless_waiting"),
        ({"decided_at": None}, "policy_version_decided_unless_waiting"),
        ({"problem": "broken"}, "policy_version_problem_refused"),
        ({"plain": None}, "policy_version_plain_unless_problem"),
    ],
)
def test_the_database_refuses_a_version_that_cannot_be(
    file: File, change: dict[str, object], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        a_version(**change)


DECIDED = "this policy version is decided, and stays so"
REWRITTEN = "a policy version is not rewritten"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"state": "refused"}, DECIDED),
        ({"state": "waiting", "decided_at": None}, DECIDED),
        ({"decided_at": NOW - timedelta(days=90)}, DECIDED),
        ({"decided_by": "somebody else"}, DECIDED),
        ({"text": SEVEN_MONTHS}, REWRITTEN),
        ({"plain": {}}, REWRITTEN),
    ],
)
def test_the_database_keeps_what_was_decided(
    file: File, change: dict[str, object], refusal: str
) -> None:
    version = file.make(SIX_MONTHS)
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(**change)


def test_nobody_chooses_the_instant_of_a_decision(file: File) -> None:
    file.make(SIX_MONTHS)
    waits = PolicyVersion.objects.filter(pk=file.make(THREE_MONTHS).pk)
    waits.update(state="accepted", decided_at=NOW - timedelta(days=90))
    decided_at = waits.get().decided_at
    assert decided_at is not None
    assert timezone.now() - decided_at < timedelta(minutes=5)


def test_the_database_lets_one_version_wait(file: File) -> None:
    file.make(SIX_MONTHS)
    file.make(THREE_MONTHS)
    with pytest.raises(IntegrityError, match="policy_version_one_waits"), transaction.atomic():
        PolicyVersion.objects.create(text="", plain={}, digest="", state="waiting", loaded_at=NOW)


# --- several processes at once ------------------------------------------------------------------

TIMES = 6


@pytest.fixture
def shared_file(committed: None, tmp_path: Path) -> Iterator[File]:
    versions.forget_cache()
    yield File(tmp_path / "policy.yaml")
    versions.forget_cache()


def at_once(work: Callable[[], PolicyVersion | None]) -> list[PolicyVersion | None]:
    """The results of doing it in TIMES threads, each with a connection of its own."""

    def in_thread(_: int) -> PolicyVersion | None:
        try:
            return work()
        except Conflict:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(in_thread, range(TIMES)))


def test_a_file_loaded_at_once_by_many_makes_one_version(shared_file: File) -> None:
    shared_file.path.write_text(SIX_MONTHS)
    made = at_once(lambda: versions.load_file(shared_file.path, now=NOW))
    assert len([version for version in made if version]) == 1
    assert states() == ["accepted"]


def test_of_many_decisions_at_once_one_counts(shared_file: File) -> None:
    shared_file.make(SIX_MONTHS)
    waits = shared_file.make(THREE_MONTHS).pk
    made = at_once(lambda: versions.accept(waits, "op"))
    assert len([version for version in made if version]) == 1
    assert states() == ["accepted", "accepted"]
