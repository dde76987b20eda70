"""The restricted access log as a page: for those who oversee, of their own organizations alone."""

from __future__ import annotations

import pytest

from logs.cases.models import Case
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import give_role
from tests.builders import an_organization, setting_the_scene
from tests.logs.portal.desk import Desk, a_report, cases_of, come_in, looks_of, words_of
from tests.vault_at_hand import VaultAtHand

pytestmark = pytest.mark.django_db
LOG = "/cases/access-log/"
OVERSEERS = (Role.DPO, Role.AUDITOR)


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def hr(home: Organization) -> Desk:
    return Desk(home, name="hanna")


@pytest.fixture
def case(home: Organization, hr: Desk, vault_at_hand: VaultAtHand) -> Case:
    come_in(vault_at_hand, home, a_report())
    (case,) = cases_of(home)
    return case


@pytest.mark.parametrize("role", OVERSEERS)
def test_overseers_read_who_looked_at_which_case_and_why(
    home: Organization, hr: Desk, case: Case, role: Role
) -> None:
    hr.get("/cases/")
    hr.get(f"/cases/{case.pk}/")
    page = Desk(home, role).page(LOG)
    code = str(case.pk)[:8]
    assert f"hanna one case {code} Work on a case" in page
    assert "hanna list of cases 1 Work on a case" in page
    assert page.index("one case") < page.index("list of cases")


@pytest.mark.parametrize("role", [role for role in Role if role not in OVERSEERS])
def test_nobody_else_finds_it(home: Organization, role: Role) -> None:
    assert Desk(home, role).get(LOG).status_code == 404


def test_reading_it_leaves_a_line_in_it(home: Organization) -> None:
    dpo = Desk(home, Role.DPO, name="dora")
    assert "Nobody has looked yet" in dpo.page(LOG)
    assert looks_of(home) == [("access_log", "", "oversight")]
    assert "dora restricted access log 0 oversight" in dpo.page(LOG)


def test_another_organizations_lines_are_not_in_it(
    home: Organization, hr: Desk, case: Case
) -> None:
    hr.get(f"/cases/{case.pk}/")
    assert "Nobody has looked yet" in Desk(an_organization(), Role.DPO).page(LOG)


def test_whoever_oversees_two_organizations_is_told_which(
    home: Organization, hr: Desk, case: Case
) -> None:
    south = an_organization("south")
    dpo = Desk(home, Role.DPO)
    with setting_the_scene():
        give_role(dpo.user, Role.AUDITOR, south)
    hr.get(f"/cases/{case.pk}/")
    assert f"Work on a case {home.slug}" in dpo.page(LOG)


def test_it_turns_pages_without_losing_a_line(
    home: Organization, hr: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        hr.get("/cases/")
    hr.get("/cases/counts/")
    monkeypatch.setattr("logs.portal.access_log.PAGE_SIZE", 4)
    dpo = Desk(home, Role.DPO)
    first = dpo.get(LOG)
    older = first.content.decode().partition('rel="next" href="')[2].partition('"')[0]
    second = dpo.page(LOG + older)
    assert words_of(first).count("hanna") == 4
    assert second.count("hanna") == 2
    assert "counts" in words_of(first)
    assert "These are the oldest." in second


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=0", f"before={10**30}", "a=1"])
def test_a_broken_place_is_refused(home: Organization, query: str) -> None:
    assert Desk(home, Role.DPO).get(f"{LOG}?{query}").status_code == 400


def test_a_line_of_another_organization_is_no_place_to_begin(
    home: Organization, hr: Desk, case: Case
) -> None:
    hr.get("/cases/")
    other = Desk(an_organization(), Role.DPO)
    body = Desk(home, Role.DPO)
    body.get(LOG)
    known = [other.get(f"{LOG}?before={number}").status_code for number in range(1, 400)]
    assert set(known) == {400}


@pytest.mark.parametrize("role", OVERSEERS)
def test_overseers_begin_at_it(home: Organization, role: Role) -> None:
    assert Desk(home, role).get("/")["Location"] == LOG
