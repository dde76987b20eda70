"""The restricted access log as a page: for those who oversee, of their own organizations alone."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.utils import timezone

from logs.cases.models import Case, Look, LookedAt
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import give_role
from tests.builders import an_organization, setting_the_scene
from tests.logs.portal.desk import Desk, a_report, cases_of, come_in, looks_of, words_of
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

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
    assert page.rindex("one case") < page.rindex("list of cases")


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


# --- filters --------------------------------------------------------------------------------------


def lines_in(page: str) -> str:
    """What the table says."""
    return page.partition("Purpose")[2]


def test_it_is_narrowed_by_person_deed_case_and_day(
    home: Organization, hr: Desk, case: Case
) -> None:
    hr.get("/cases/")
    hr.get(f"/cases/{case.pk}/")
    Desk(home, name="hugo").get("/cases/")
    dpo, code = Desk(home, Role.DPO), str(case.pk)
    assert "hanna" in lines_in(dpo.page(f"{LOG}?who=hanna"))
    assert "hugo" not in lines_in(dpo.page(f"{LOG}?who=hanna"))
    assert "one case" not in lines_in(dpo.page(f"{LOG}?what=list"))
    for known in (code, code[:8], code[:8].upper()):
        lines = lines_in(dpo.page(f"{LOG}?case={known}"))
        assert "one case" in lines
        assert "list of cases" not in lines
    today = timezone.now().date()
    assert "hanna" in lines_in(dpo.page(f"{LOG}?since={today}"))
    assert "No line matches" in dpo.page(f"{LOG}?until={today}")
    assert "No line matches" in dpo.page(f"{LOG}?who=nobody")


def field_with_focus(answer: HttpResponse) -> str:
    tags = answer.content.decode().split("<")
    return next((tag for tag in tags if " autofocus" in tag), "")


@pytest.mark.parametrize("query", ["what=x", "case=abc", "case=x2345678", "since=x", "until=13"])
def test_a_wrong_filter_keeps_what_was_typed(home: Organization, query: str) -> None:
    answer = Desk(home, Role.DPO).get(f"{LOG}?who=hanna&{query}")
    assert answer.status_code == 400
    assert "This filter cannot be used." in words_of(answer)
    assert 'id="filter-who" value="hanna"' in answer.content.decode()
    name = query.partition("=")[0]
    is_typed = name != "what"
    assert (f'name="{name}"' in field_with_focus(answer)) is is_typed


def test_a_file_has_the_lines_of_the_filter_and_is_itself_in_the_log(
    home: Organization, hr: Desk, case: Case
) -> None:
    hr.get("/cases/")
    hr.get(f"/cases/{case.pk}/")
    dpo = Desk(home, Role.DPO, name="dora")
    file = dpo.get(f"{LOG}export/?format=csv&what=case").content.decode("utf-8-sig").splitlines()
    assert file[0] == "time,who,what,case,rows,purpose,organization"
    assert file[1].endswith(f"hanna,one case,{case.pk},,Work on a case,{home.slug}")
    assert file[2].startswith("# count: 1")
    assert "dora restricted access log 1 oversight, export" in dpo.page(LOG)


def test_nobody_else_takes_a_file_of_it(home: Organization, hr: Desk) -> None:
    assert hr.get(f"{LOG}export/?format=csv").status_code == 404


def test_a_line_leads_to_the_request_that_it_is_about(home: Organization, hr: Desk) -> None:
    request = uuid4()
    with as_hr():
        Look(
            organization=home,
            user_id=hr.user.pk,
            what=LookedAt.REQUEST,
            purpose=f"reveal request {request}",
        ).save()
        Look(organization=home, user_id=hr.user.pk, what=LookedAt.REQUESTS).save()
        Look(organization=home, user_id=hr.user.pk, what=LookedAt.TEXT).save()
    answer = Desk(home, Role.DPO).get(LOG)
    assert f'href="/cases/reveals/{request}/">reveal request<' in answer.content.decode()
    # A look at one request has no number of rows.
    assert "hanna one request not stated" in words_of(answer)
    assert "hanna list of texts not stated" in words_of(answer)


def test_a_line_of_another_organization_is_no_place_to_begin(
    home: Organization, hr: Desk, case: Case
) -> None:
    hr.get("/cases/")
    other = Desk(an_organization(), Role.DPO)
    body = Desk(home, Role.DPO)
    body.get(LOG)
    with the_vaults_rights():
        known = list(Look.objects.filter(organization=home).values_list("pk", flat=True))
    assert len(known) > 1
    assert {other.get(f"{LOG}?before={number}").status_code for number in known} == {400}


@pytest.mark.parametrize("role", OVERSEERS)
def test_overseers_begin_at_it(home: Organization, role: Role) -> None:
    assert Desk(home, role).get("/")["Location"] == LOG
