"""Each list says how long its events are kept, in the periods of those who read it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from logs.admin.retention import in_words
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import give_role
from orgo_audit.periods import Period
from orgo_audit.policy.regimes import Kept
from tests.builders import Caller, a_user, an_event, an_organization, setting_the_scene
from tests.policies import in_force

pytestmark = pytest.mark.django_db

MONTHS, YEAR = Kept(Period(6, "month")), Kept(Period(1, "year"))


def text_of(caller: Caller, path: str) -> str:
    page = caller.get(path).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_one_period_needs_no_names() -> None:
    assert in_words({LogType.ACTIVITY: {"north": MONTHS, "south": MONTHS}}) == (
        "Activity events are kept 6 months; older ones are withheld or have been destroyed under"
        " the policy."
    )


def test_the_usual_period_comes_first_and_the_others_are_named() -> None:
    held = {"north": MONTHS, "east": YEAR, "south": MONTHS, "west": Kept(Period(1, "month"))}
    assert in_words({LogType.ERROR: held}) == (
        "Error events are kept 6 months (east: 1 year; west: 1 month);"
        " older ones are withheld or have been destroyed under the policy."
    )


def test_several_logs_make_one_sentence() -> None:
    held = {LogType.ACTIVITY: {"north": MONTHS}, LogType.ERROR: {"north": YEAR}}
    assert in_words(held) == (
        "Activity events are kept 6 months, error events 1 year;"
        " older ones are withheld or have been destroyed under the policy."
    )


def test_who_may_read_nothing_is_told_nothing() -> None:
    assert in_words({}) == ""


# --- the pages ----------------------------------------------------------------------------------


@pytest.fixture
def north() -> Organization:
    in_force(
        "organizations: {north: {retention_policies: {activity_logs: 3 months}},"
        " south: {regime: [gdpr, hipaa]}}"
    )
    return an_organization("north")


@pytest.fixture
def admin(north: Organization) -> Caller:
    return Caller(user=a_user(Role.ADMIN, north))


@pytest.mark.parametrize(
    ("log", "period"),
    [("activity", "3 months"), ("security", "2 years"), ("error", "1 year")],
)
def test_a_list_names_the_period_of_its_log(admin: Caller, log: str, period: str) -> None:
    told = f"{log.capitalize()} events are kept {period}; older ones are withheld"
    assert told in text_of(admin, f"/admin/logs/{log}log/")
    assert told in text_of(admin, f"/admin/logs/{log}log/?source=nobody"), "an empty one too"


def test_an_organization_of_others_is_not_told(north: Organization) -> None:
    both, south = a_user(Role.ADMIN, north), an_organization("south")
    with setting_the_scene():
        give_role(both, Role.ADMIN, south)
    told = "kept 3 months (south: 6 months);"
    assert told in text_of(Caller(user=both), "/admin/logs/activitylog/")
    one = text_of(Caller(user=a_user(Role.ADMIN, north)), "/admin/logs/securitylog/")
    assert "south" not in one


def test_a_trace_says_why_a_stage_may_be_missing(admin: Caller, north: Organization) -> None:
    an_event(north, task_id="T-1")
    told = "Activity events are kept 3 months, security events 2 years, error events 1 year;"
    for task in ("T-1", "T-2"):
        assert told in text_of(admin, f"/admin/logs/activitylog/trace/{task}/")
