"""The certificates of cases: for those who oversee, of their own organizations, each on record."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from orgo_audit.accounts.models import Organization, Role
from tests.builders import an_organization
from tests.logs.portal.desk import Desk, looks_of, words_of
from tests.retention import a_certificate, a_certificate_of_case

pytestmark = pytest.mark.django_db
LIST = "/cases/certificates/"
OVERSEERS = (Role.DPO, Role.AUDITOR)


@pytest.fixture
def home() -> Organization:
    return an_organization()


@pytest.mark.parametrize("role", OVERSEERS)
def test_overseers_read_them_the_newest_first(home: Organization, role: Role) -> None:
    older, newer = a_certificate_of_case(home), a_certificate_of_case(home)
    a_certificate(home)
    page = Desk(home, role).page(LIST)
    assert page.index(str(newer.case_code)) < page.index(str(older.case_code))
    assert page.count("2 months") == 2
    assert "6 months" not in page


@pytest.mark.parametrize("role", OVERSEERS)
def test_the_menu_leads_to_them(home: Organization, role: Role) -> None:
    assert f'href="{LIST}"' in Desk(home, role).get("/cases/access-log/").content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role not in OVERSEERS])
def test_nobody_else_finds_them(home: Organization, role: Role) -> None:
    one = a_certificate_of_case(home)
    desk = Desk(home, role)
    paths = [LIST, f"{LIST}{one.pk}/json/", f"{LIST}{one.pk}/pdf/"]
    assert [desk.get(path).status_code for path in paths] == [404, 404, 404]


@pytest.mark.parametrize("form", ["json", "pdf"])
def test_another_organizations_and_another_kind_are_not_there(
    home: Organization, form: str
) -> None:
    dpo = Desk(home, Role.DPO)
    others = [a_certificate_of_case(an_organization()).pk, a_certificate(home).pk, uuid4()]
    assert [dpo.get(f"{LIST}{pk}/{form}/").status_code for pk in others] == [404, 404, 404]
    assert "No case was destroyed yet" in dpo.page(LIST)


def test_one_is_a_file(home: Organization) -> None:
    one, dpo = a_certificate_of_case(home), Desk(home, Role.DPO)
    told = json.loads(dpo.get(f"{LIST}{one.pk}/json/").content)
    assert (told["id"], told["case"]) == (str(one.pk), str(one.case_code))
    answer = dpo.get(f"{LIST}{one.pk}/pdf/")
    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"] == f'attachment; filename="certificate-{one.pk}.pdf"'


def test_each_look_is_in_the_access_log(home: Organization) -> None:
    one, dpo = a_certificate_of_case(home), Desk(home, Role.DPO)
    dpo.get(LIST)
    dpo.get(f"{LIST}{one.pk}/json/")
    dpo.get(f"{LIST}{one.pk}/pdf/")
    code = str(one.case_code)
    assert looks_of(home) == [
        ("certified", "", "oversight"),
        ("certified", code, "oversight"),
        ("certified", code, "oversight"),
    ]


def test_it_turns_pages_without_losing_one(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [str(a_certificate_of_case(home).case_code) for _ in range(3)]
    monkeypatch.setattr("logs.portal.case_certificates.PAGE_SIZE", 2)
    dpo = Desk(home, Role.DPO)
    first = dpo.get(LIST)
    older = first.content.decode().partition('rel="next" href="')[2].partition('"')[0]
    second = dpo.page(LIST + older)
    assert [code in words_of(first) for code in codes] == [False, True, True]
    assert [code in second for code in codes] == [True, False, False]


@pytest.mark.parametrize("query", ["cursor=x", "a=1"])
def test_a_broken_place_is_refused(home: Organization, query: str) -> None:
    assert Desk(home, Role.DPO).get(f"{LIST}?{query}").status_code == 400
