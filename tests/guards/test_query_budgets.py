"""How many queries each list page costs, pinned in a file: the same for one row and for many."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from logs.cases import looks
from logs.cases.models import Case, LookedAt
from logs.cases.role import as_hr
from logs.record.vocabulary import LogType
from orgo_audit.accounts import secret_key
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.policy import versions
from tests.alerts import an_alert
from tests.builders import Caller, Service, a_user, an_organization, stored, wire_event
from tests.retention import a_certificate, a_certificate_of_case, a_hold
from tests.vault_at_hand import VaultAtHand

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


def reported(organization: Organization, count: int, vault: VaultAtHand) -> None:
    """As many cases, and one more with as many events."""
    sent = [wire_event(workflow="harassment", case_id=str(n)) for n in range(count)]
    long = [wire_event(workflow="harassment", case_id="long") for _ in range(count)]
    stored(organization, *sent, *long)
    vault.drain()


def kept(organization: Organization, count: int) -> None:
    """As many holds and certificates, the holds of nothing that is stored."""
    for number in range(count):
        a_hold(organization, value=f"unknown-{number}")
        a_certificate(organization)
        a_certificate_of_case(organization)


def longest_case() -> UUID:
    with as_hr():
        case = Case.objects.annotate(size=Count("events")).order_by("-size").first()
    assert case is not None
    return case.pk


def looked(person: User, organization: Organization, count: int) -> None:
    for _ in range(count):
        looks.record(looks.Overseer(person), organization, LookedAt.LIST)


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
    page: str, count: int, monkeypatch: pytest.MonkeyPatch, vault_at_hand: VaultAtHand
) -> None:
    monkeypatch.setattr(versions, "RECHECK_SECONDS", 3600.0)
    monkeypatch.setattr(secret_key, "RECHECK_SECONDS", 3600.0)
    versions.forget_cache()
    secret_key.forget_check()
    organization = an_organization()
    kind, path = page.split(" ")
    if kind not in ("hr", "dpo"):
        fill(organization, count)
    caller: Caller = Service(organization, Scope.READ)
    if any(word in path for word in ("legal", "certificate", "retention", "planned")):
        kept(organization, count)
    for _ in range(count if "alert" in path or "watchmark" in path else 0):
        an_alert(organization)
    if kind in ("person", "page"):
        caller = Caller(user=a_user(Role.ADMIN, organization))
    if kind in ("hr", "dpo"):
        person = a_user(Role.HR_MANAGER, organization)
        caller = Caller(user=person)
        caller.client.post("/cases/purpose/", {"purpose": "work"})
        reported(organization, count, vault_at_hand)
        path = path.format(case=longest_case())
    if kind == "dpo":
        looked(person, organization, count)
        caller = Caller(user=a_user(Role.DPO, organization))
    is_estimated = kind == "page" and count > 100 and path.endswith("log/")
    estimate = ESTIMATE if is_estimated else 0
    assert queries(caller, path) == BUDGETS[page] + estimate
