"""The data protection officer's page of cases that nobody works on, and what it never tells."""

from __future__ import annotations

import pytest

from logs.cases.models import Case
from logs.cases.unassigned import PURPOSE, REFUSED
from logs.portal.unassigned import NOT_ACCEPTED
from orgo_audit.accounts.models import Organization, Role, User
from tests.builders import a_user, an_organization, setting_the_scene
from tests.logs.portal.desk import (
    REPORTED,
    REPORTER,
    Desk,
    a_report,
    cases_of,
    come_in,
    looks_of,
    take,
    words_of,
)
from tests.vault_at_hand import VaultAtHand

pytestmark = pytest.mark.django_db
PAGE = "/cases/unassigned/"


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def hr(home: Organization) -> Desk:
    return Desk(home, name="carol")


@pytest.fixture
def officer(home: Organization) -> Desk:
    return Desk(home, Role.DPO)


@pytest.fixture
def case(home: Organization, hr: Desk, vault_at_hand: VaultAtHand) -> Case:
    """Of nobody."""
    come_in(vault_at_hand, home, a_report())
    (case,) = cases_of(home)
    take(case, hr.user)
    return case


def form(case: Case, user: str) -> dict[str, str]:
    return {"case": str(case.pk), "user": user}


def test_the_page_lists_code_kind_and_day_and_nothing_else(officer: Desk, case: Case) -> None:
    answer = officer.get(PAGE)
    page = words_of(answer)
    assert f"{str(case.pk)[:8]} Harassment 2024-11-24" in page
    body = answer.content.decode().casefold()
    hidden = ("report filed", "anon1", "h-2024-17", "16:10", REPORTER, REPORTED, "carol")
    assert [word for word in hidden if word in body] == []


def test_a_case_is_given_to_an_hr_manager_who_then_has_it(
    officer: Desk, hr: Desk, case: Case, home: Organization
) -> None:
    assert hr.get(f"/cases/{case.pk}/").status_code == 404
    answer = officer.post(PAGE, form(case, "carol"))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert hr.get(f"/cases/{case.pk}/").status_code == 200
    page = officer.page(PAGE)
    assert "The case is given" in page
    assert "Every case is with somebody" in page
    assert officer.get(f"/cases/{case.pk}/").status_code == 404


def test_each_look_and_each_try_is_on_record(
    officer: Desk, hr: Desk, case: Case, home: Organization
) -> None:
    officer.get(PAGE)
    officer.post(PAGE, form(case, "nobody-of-that-name"))
    officer.post(PAGE, form(case, "carol"))
    code = str(case.pk)
    assert looks_of(home) == [
        ("list", "", PURPOSE),
        ("assignment", code, REFUSED),
        ("list", "", PURPOSE),
        ("assignment", code, "given to carol"),
    ]


def test_a_participant_is_refused_like_a_name_that_nobody_has(
    officer: Desk, case: Case, home: Organization
) -> None:
    a_user(Role.HR_MANAGER, home, REPORTED)
    left = a_user(Role.HR_MANAGER, home, "left")
    with setting_the_scene():
        User.objects.filter(pk=left.pk).update(is_active=False)
    a_user(Role.AUDITOR, home, "auditor")
    a_user(Role.HR_MANAGER, an_organization(), "elsewhere")
    told = set()
    for name in (REPORTED, "left", "auditor", "elsewhere", "nobody-of-that-name"):
        answer = officer.post(PAGE, form(case, name))
        assert NOT_ACCEPTED in words_of(answer)
        assert f'value="{name}"' in answer.content.decode()
        told.add((answer.status_code, words_of(answer)))
    assert len(told) == 1
    lines = {line for line in looks_of(home) if line[0] == "assignment"}
    assert lines == {("assignment", str(case.pk), REFUSED)}


def test_a_case_that_somebody_has_cannot_be_chosen(
    officer: Desk, hr: Desk, case: Case, home: Organization
) -> None:
    officer.post(PAGE, form(case, "carol"))
    a_user(Role.HR_MANAGER, home, "dave")
    assert officer.post(PAGE, form(case, "dave")).status_code == 400


def test_an_officer_who_takes_part_in_the_case_sees_no_case(home: Organization, case: Case) -> None:
    partaker = Desk(home, Role.DPO, name=REPORTER)
    assert "Every case is with somebody" in partaker.page(PAGE)
    assert partaker.post(PAGE, form(case, "carol")).status_code == 400


def test_another_organizations_case_is_not_there(case: Case) -> None:
    elsewhere = Desk(an_organization(), Role.DPO)
    assert "Every case is with somebody" in elsewhere.page(PAGE)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DPO])
def test_nobody_but_the_officer_finds_the_page(home: Organization, case: Case, role: Role) -> None:
    other = Desk(home, role)
    assert other.get(PAGE).status_code == 404
    assert other.post(PAGE, form(case, "carol")).status_code == 404


def test_while_the_vault_is_away_the_page_says_so(
    officer: Desk, case: Case, vault_at_hand: VaultAtHand
) -> None:
    vault_at_hand.is_away = True
    answer = officer.get(PAGE)
    assert answer.status_code == 503
    assert "The vault is away for a moment" in words_of(answer)


def test_the_menu_leads_the_officer_there(officer: Desk, hr: Desk) -> None:
    link = f'href="{PAGE}"'
    assert link in officer.get("/cases/access-log/").content.decode()
    assert link not in hr.get("/cases/").content.decode()


def test_events_in_no_case_are_counted_with_their_reason(
    officer: Desk, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    assert "In no case at all" not in officer.page(PAGE)
    come_in(vault_at_hand, home, a_report(workflow="harrassment"), a_report(workflow="mobbing"))
    assert "In no case at all 2 events: no sensitive workflow" in words_of(officer.get(PAGE))
