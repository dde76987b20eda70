"""How many queries each list page costs, pinned in a file: the same for one row and for many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.policy import versions
from tests.builders import Caller, Service, a_user, an_organization, stored, wire_event

BUDGETS: dict[str, int] = json.loads(
    Path(__file__).with_name("query_budgets.json").read_text(encoding="utf-8")
)

pytestmark = pytest.mark.django_db


def fill(organization: Organization, count: int) -> None:
    for log_type in LogType:
        sent = [wire_event(log_type, task_id="T1", user=f"user-{n}") for n in range(count)]
        stored(organization, *sent, log_type=log_type)
        refused = [wire_event(log_type, task_id=n) for n in range(count)]
        stored(organization, *refused, log_type=log_type)


# Above one page the admin says "about N": two more queries ask who may read and the planner.
ESTIMATE = 2


def queries(caller: Caller, path: str) -> int:
    """Of a second look: the first also leaves its record, and what it learns is remembered."""
    assert caller.get(path).status == 200
    with CaptureQueriesContext(connection) as captured:
        assert caller.get(path).status == 200
    return len(captured)


@pytest.mark.parametrize("count", [1, 120])
@pytest.mark.parametrize("page", BUDGETS)
def test_a_page_costs_what_its_budget_says_whatever_it_shows(
    page: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "RECHECK_SECONDS", 3600.0)
    versions.forget_cache()
    organization = an_organization()
    fill(organization, count)
    kind, path = page.split(" ")
    caller: Caller = Service(organization, Scope.READ)
    if kind != "token":
        caller = Caller(user=a_user(Role.ADMIN, organization))
    estimate = ESTIMATE if count > 100 and path.endswith("log/") else 0
    assert queries(caller, path) == BUDGETS[page] + estimate
