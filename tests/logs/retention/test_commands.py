"""`plan_retention`, `apply_retention` and `hold`, as an operator types them."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from logs.retention import destroying
from logs.retention.models import LegalHold, PlannedDestruction, RetentionRun
from orgo_audit.accounts.models import Organization
from orgo_audit.operators import recorded_operator
from tests.builders import an_organization
from tests.commands import refused, run
from tests.old_events import age_plans, an_old_event, months_ago, segment_of, stored_ids
from tests.policies import in_force

pytestmark = pytest.mark.usefixtures("as_worker", "committed")

PLACE = ("hold", "--organization", "home", "place", "--matter", "M-1", "--reason", "a claim")
RELEASE = ("hold", "--organization", "home", "release")


@pytest.fixture
def home(committed: None) -> Organization:
    in_force('retention_policies: {activity_logs: "6 months"}')
    home = an_organization("home")
    an_old_event(home, months_ago(8), task_id="T1")
    an_old_event(home, months_ago(8), task_id="T2")
    return home


@pytest.mark.usefixtures("home")
def test_the_plan_says_what_goes_and_when_and_touches_nothing() -> None:
    before = stored_ids()
    name = segment_of(months_ago(8))
    plan = run("plan_retention")
    assert f"{name}: " in plan
    assert "due: the next run counts the month and publishes what goes" in plan
    done = run("apply_retention")
    assert f"closed: {name}" in done
    assert f"published: {name}" in done
    plan = run("plan_retention")
    assert f"{segment_of(months_ago(8))}: 2 events" in plan
    assert "goes as a whole from" in plan
    assert "earliest next deletion: 20" in plan
    assert stored_ids() == before


@pytest.mark.usefixtures("home")
def test_the_plan_as_json() -> None:
    run("apply_retention")
    run(*PLACE, "--owner", "lawyer", "--task", "T1")
    plan = json.loads(run("plan_retention", "--json"))
    (segment,) = [one for one in plan["results"] if one["segment"] == segment_of(months_ago(8))]
    assert [decision["what"] for decision in segment["decisions"]] == ["held", "remove"]
    assert segment["rows"] == 2
    assert plan["earliest"] > segment["decisions"][1]["at"]  # it has to be published first


@pytest.mark.usefixtures("home")
def test_a_dry_run_says_what_a_run_would_do_and_does_nothing() -> None:
    name = segment_of(months_ago(8))
    run("plan_retention")
    would = run("apply_retention", "--dry-run")
    assert f"would close: {name}, and publish what goes of it" in would
    run("apply_retention")
    runs = RetentionRun.objects.count()
    age_plans(timedelta(days=2))
    assert f"would destroy: {name}, 2 events" in run("apply_retention", "--dry-run")
    run(*PLACE, "--owner", "lawyer", "--segment", name)
    assert f"would give up: {name}" in run("apply_retention", "--dry-run")
    assert RetentionRun.objects.count() == runs
    assert PlannedDestruction.objects.get().state == "planned"
    assert len(stored_ids()) == 2


@pytest.mark.usefixtures("home")
def test_a_run_by_hand_destroys_what_is_due() -> None:
    assert "nothing is to be destroyed now" in run("apply_retention")
    age_plans(timedelta(days=2))
    assert f"{segment_of(months_ago(8))}: 2 events destroyed" in run("apply_retention")
    assert stored_ids() == set()


@pytest.mark.usefixtures("home")
def test_what_has_to_wait_is_told_by_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    run("apply_retention")
    age_plans(timedelta(days=2))
    monkeypatch.setattr(destroying, "_drop", lambda row, rules: None)
    out = StringIO()
    with pytest.raises(CommandError, match="not everything"):
        call_command("apply_retention", stdout=out)
    assert "waits for the next run" in out.getvalue()


def test_a_hold_from_its_placing_to_its_release(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "holds 1 event now" in run(*PLACE, "--owner", "lawyer", "--task", "T1")
    hold = LegalHold.objects.get()
    listed = run("hold", "--organization", "home", "list")
    assert f"{hold.pk}  M-1  task T1  lawyer  review on" in listed
    assert "asked for" in run(*RELEASE, str(hold.pk))
    assert "second person" in refused(*RELEASE, str(hold.pk))
    monkeypatch.setattr("orgo_audit.operators.operator_name", lambda: "somebody-else")
    assert "released" in run(*RELEASE, str(hold.pk))
    assert "no holds" in run("hold", "--organization", "home", "list")
    told = json.loads(run("hold", "--organization", "home", "list", "--all", "--json"))
    assert [(one["id"], one["scope"]) for one in told] == [(str(hold.pk), {"task_id": "T1"})]


def test_a_person_is_named_on_stdin_alone(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_old_event(home, months_ago(8), actor="jane.roe@organization.com")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Jane.Roe@organization.com\n")))
    assert "holds 1 event now" in run(*PLACE, "--owner", "lawyer", "--user")
    assert LegalHold.objects.get().scope_value == "Jane.Roe@organization.com"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Jane Roe\nJohn Doe\n")))
    why = refused(*PLACE, "--owner", "lawyer", "--user")
    assert why == "expected the person's address or name on stdin: one line of UTF-8"
    assert LegalHold.objects.count() == 1


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (("--task", "T9"), "nothing matches yet; what comes is held too"),
        (("--case", "2f1c4dd6-9a5b-4a58-8f63-5a3f1c0a7b11"), "holds the case, if there is one"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_hold_on_what_nobody_has_counted_says_so(scope: tuple[str, str], told: str) -> None:
    assert run(*PLACE, "--owner", "lawyer", *scope).rstrip().endswith(f": {told}")


def test_a_list_steers_no_terminal(home: Organization) -> None:
    now = timezone.now()
    LegalHold.objects.create(
        organization=home,
        matter="M\x1b[2J\n\u202e",
        reason="x",
        owner="counsel\x9b",
        scope_kind="task",
        scope_value="T1",
        placed_at=now,
        placed_by="anna",
        review_on=now.date(),
    )
    listed = run("hold", "--organization", "home", "list")
    assert "  M\\x1b[2J\\n\\u202e  task T1  counsel\\x9b  " in listed


@pytest.mark.usefixtures("home")
def test_who_places_a_hold_answers_for_it_unless_somebody_else_is_named() -> None:
    run(*PLACE, "--task", "T1")
    assert LegalHold.objects.get().owner == recorded_operator()


@pytest.mark.usefixtures("home")
def test_a_hold_that_cannot_be_is_refused_with_its_reason() -> None:
    wrong = refused(*PLACE, "--owner", "lawyer", "--segment", "activity-2026-13")
    assert "scope: expected a segment such as" in wrong
    assert "scope: expected a text" in refused(*PLACE, "--owner", "lawyer", "--segment", "")
    assert "has no hold" in refused(*RELEASE, str(uuid4()))
    assert "nobody" in refused("hold", "--organization", "nobody", "list")
