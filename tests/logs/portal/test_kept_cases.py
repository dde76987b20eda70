"""Until when a closed case is kept: with what the regimes make of it, and under a legal hold."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from logs.cases.models import Case, CaseState
from logs.retention import holds
from logs.retention.models import LegalHold
from orgo_audit.accounts.models import Organization
from tests.builders import an_organization, setting_the_scene
from tests.logs.portal.desk import Desk, a_report, cases_of, come_in
from tests.policies import in_force
from tests.retention import released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def desk(home: Organization) -> Desk:
    return Desk(home)


@pytest.fixture
def address(home: Organization, desk: Desk, vault_at_hand: VaultAtHand) -> str:
    come_in(vault_at_hand, home, a_report())
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2024, 12, 31))
    (case,) = cases_of(home)
    return f"/cases/{case.pk}/"


def place(home: Organization, code: str) -> LegalHold:
    with setting_the_scene():
        return holds.place(
            home,
            matter="Roe v. Doe",
            reason="a lawsuit",
            owner="Legal",
            scope_kind="case",
            scope_value=code,
            by="anna",
            now=timezone.now(),
        )


def test_the_page_says_until_when(desk: Desk, address: str) -> None:
    assert "Kept until 28 February 2025, then destroyed" in desk.page(address)


def test_a_default_that_nobody_has_confirmed_is_shown_as_one(desk: Desk, address: str) -> None:
    assert "2 months are a default that nobody has confirmed" in desk.page(address)
    in_force('sensitive_workflows: {harassment: {case_period: "2 months"}}')
    assert "nobody has confirmed" not in desk.page(address)


def test_a_held_case_says_so_and_tells_nothing_of_the_matter(
    home: Organization, desk: Desk, address: str
) -> None:
    hold = place(home, address.split("/")[2])
    page = desk.page(address)
    assert "Kept: legal hold." in page
    assert "Roe v. Doe" not in page
    released(hold, timezone.now())
    page = desk.page(address)
    assert "Kept: legal hold." not in page
    assert "Kept until 28 February 2025" in page


def test_a_hold_on_another_case_is_not_its_own(
    home: Organization, desk: Desk, address: str
) -> None:
    place(home, "00000000-0000-4000-8000-000000000000")
    assert "Kept: legal hold." not in desk.page(address)


def test_a_regimes_ceiling_is_the_day_that_is_shown(
    home: Organization, desk: Desk, address: str
) -> None:
    own = 'sensitive_workflows: {harassment: {case_period: "9 years"}}'
    in_force(f"organizations: {{{home.slug}: {{regime: whistleblowing, {own}}}}}")
    assert "Kept until 31 December 2027, then destroyed" in desk.page(address)
