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


def queries(caller: Caller, path: str) -> int:
    """Of a second look: the first one also leaves its record, and fills what is remembered."""
    versions.current()
    assert caller.get(path).status == 200
    with CaptureQueriesContext(connection) as captured:
        assert caller.get(path).status == 200
    return len(captured)


@pytest.mark.parametrize("count", [1, 120])
@pytest.mark.parametrize("path", BUDGETS)
def test_a_page_costs_what_its_budget_says_whatever_it_shows(path: str, count: int) -> None:
    organization = an_organization()
    fill(organization, count)
    address = path.partition(" ")[2]
    if path.startswith("token"):
        caller: Caller = Service(organization, Scope.READ)
    else:
        caller = Caller(user=a_user(Role.ADMIN, organization))
    estimate = 1 if path.startswith("page") and count > 100 and "log/" in path else 0
    assert queries(caller, address) - estimate == BUDGETS[path]
