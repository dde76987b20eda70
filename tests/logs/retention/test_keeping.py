"""What a person decides where regimes contradict each other: recorded, shown, acted upon."""

from __future__ import annotations

import pytest

from logs.record.models import Event
from logs.retention import keeping
from logs.retention.keeping import KeptByPolicy
from logs.retention.models import RetentionResolution
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict
from tests.builders import an_organization
from tests.policies import in_force
from tests.retention import CONFLICT

pytestmark = pytest.mark.django_db

SAID = {"kept": "security_logs", "decision": "keep_to_floor", "basis": "advice of 3 March"}


@pytest.fixture
def home() -> Organization:
    in_force(CONFLICT % "home")
    return an_organization("home")


def resolve(organization: Organization, **said: str) -> None:
    keeping.resolve(organization, **(SAID | said), by="anna")


def of_the_log(organization: Organization, kept: str = "security_logs") -> KeptByPolicy:
    [found] = [one for one in keeping.kept_by([organization]) if one.kept == kept]
    return found


@pytest.mark.parametrize(
    ("decision", "period"), [("keep_to_floor", "6 years"), ("destroy_at_ceiling", "3 years")]
)
def test_what_was_decided_holds(home: Organization, decision: str, period: str) -> None:
    assert of_the_log(home).waits
    assert keeping.rules()["home", "security"].period is None
    resolve(home, decision=decision)
    assert str(of_the_log(home).destroyed_after) == period
    assert str(keeping.rules()["home", "security"].period) == period


def test_the_newest_decision_counts(home: Organization) -> None:
    resolve(home)
    resolve(home, decision="destroy_at_ceiling")
    assert str(of_the_log(home).destroyed_after) == "3 years"
    assert RetentionResolution.objects.count() == 2


def test_who_decided_is_on_record_and_the_ground_is_not(home: Organization) -> None:
    resolve(home, basis="  advice about Jane Roe ")
    event = Event.objects.get(code="retention.resolved")
    assert (event.actor, event.organization) == ("anna", home)
    assert event.details == {"kept": "security_logs", "decision": "keep_to_floor"}
    assert RetentionResolution.objects.get().basis == "advice about Jane Roe"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"decision": "keep"}, "decision"),
        ({"basis": " "}, "basis"),
        ({"basis": "x" * 2001}, "basis"),
        ({"basis": "x\0"}, "basis"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(
    home: Organization, said: dict[str, str], path: str
) -> None:
    with pytest.raises(BadInput) as caught:
        resolve(home, **said)
    assert caught.value.path == path


@pytest.mark.parametrize("kept", ["activity_logs", "cases", "unknown"])
def test_there_is_nothing_to_decide_where_nothing_contradicts(
    home: Organization, kept: str
) -> None:
    with pytest.raises(Conflict):
        resolve(home, kept=kept)
    with pytest.raises(Conflict):
        resolve(an_organization("north"))
    assert not RetentionResolution.objects.exists()


def test_all_that_is_kept_is_told(home: Organization) -> None:
    in_force("sensitive_workflows: {harassment: {case_period: 2 months}}")
    told = {one.what: str(one.destroyed_after) for one in keeping.kept_by([home])}
    assert told == {
        "activity events": "6 months",
        "security events": "2 years",
        "error events": "1 year",
        "closed harassment cases": "2 months",
    }
