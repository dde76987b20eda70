"""HR's list of cases and one case as a timeline: what they show, to whom, and never whom."""

from __future__ import annotations

import json
from datetime import date
from uuid import uuid4

import pytest
from django.test import Client

from logs.cases.models import Case, CaseEvent
from logs.portal import cases
from orgo_audit.accounts.models import Organization, Role
from tests.builders import an_organization
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
from tests.policies import in_force
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
TWO_KINDS = """
sensitive_workflows:
  harassment: {mailboxes: [harassment@organization.com]}
  fraud_report: {actions: [Fraud Reported]}
access_control:
  roles:
    hr_manager: {view: [anonymized_harassment_logs, anonymized_fraud_report_logs]}
"""
NAMES = (REPORTER, REPORTED, "jane", "john", "H-2024-17", "16:10")


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def desk(home: Organization) -> Desk:
    return Desk(home)


@pytest.fixture
def case(home: Organization, desk: Desk, vault_at_hand: VaultAtHand) -> Case:
    come_in(
        vault_at_hand,
        home,
        a_report(status="Filed"),
        a_report(timestamp="2024-11-26T09:00:00Z", action="Report Reviewed", identities={}),
    )
    (case,) = cases_of(home)
    return case


def address(case: Case, rest: str = "") -> str:
    return f"/cases/{case.pk}/{rest}"


# --- the list -------------------------------------------------------------------------------------


def test_what_is_due_first_comes_first_on_the_page_and_in_the_file(
    desk: Desk, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    days = ("2024-11-03", "2024-11-01", "2024-11-02")
    come_in(vault_at_hand, home, *(a_report(case_id=d, timestamp=f"{d}T00:00:00Z") for d in days))
    desk.post(address(cases_of(home)[0], "steps/closed/"))
    in_order = ["2024-11-02", "2024-11-03", "2024-11-01"]
    page, file = desk.page("/cases/"), desk.get("/cases/export/?format=csv").content.decode()
    for told in (page, file):
        assert sorted(in_order, key=told.index) == in_order
    assert "what is due first comes first" in page


def test_a_wrong_filter_keeps_the_form(desk: Desk) -> None:
    answer = desk.get("/cases/?state=open&since=2024-05-05&until=2024-01-01")
    body = answer.content.decode()
    assert answer.status_code == 400
    assert "This filter cannot be used." in words_of(answer)
    assert "<option selected>open</option>" in body
    assert 'value="2024-05-05"' in body
    assert 'id="filter-until" aria-invalid="true"' in body


def test_the_list_tells_kind_day_age_state_and_what_is_due(
    desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "today", lambda: date(2024, 11, 30))
    answer = desk.get("/cases/")
    page = words_of(answer)
    row = f"{str(case.pk)[:8]} Harassment 2024-11-24 6 days open Acknowledge receipt by 2024-12-01"
    assert row in page
    assert f"{row} late" not in page
    assert f'title="{case.pk}"' in answer.content.decode()


def test_a_missed_deadline_is_marked(
    desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "today", lambda: date(2024, 12, 2))
    assert "Acknowledge receipt by 2024-12-01 late" in desk.page("/cases/")


def test_an_empty_list_explains_itself(desk: Desk) -> None:
    page = desk.page("/cases/")
    assert "No case is assigned to you" in page
    assert "Export" not in page


def test_the_filters_narrow_by_kind_state_and_day(vault_at_hand: VaultAtHand) -> None:
    in_force(TWO_KINDS)
    home = an_organization()
    desk = Desk(home)
    come_in(vault_at_hand, home, a_report())
    fraud = a_report(workflow="fraud_report", case_id="F", timestamp="2025-02-01T00:00:00Z")
    come_in(vault_at_hand, home, fraud)
    harassment, other = (str(case.pk)[:8] for case in cases_of(home))
    shown = {
        "workflow=harassment": {harassment},
        "workflow=fraud_report": {other},
        "state=open": {harassment, other},
        "state=closed": set(),
        "since=2025-01-01": {other},
        "until=2024-11-24": set(),
        "until=2024-11-25": {harassment},
        "since=2024-11-24&until=2025-02-02&state=open": {harassment, other},
    }
    for query, codes in shown.items():
        page = desk.page(f"/cases/?{query}")
        assert {code for code in (harassment, other) if code in page} == codes, query
        if not codes:
            assert "No case matches" in page


def test_a_kind_that_the_policy_does_not_show_is_not_listed(vault_at_hand: VaultAtHand) -> None:
    in_force(TWO_KINDS.replace(", anonymized_fraud_report_logs", ""))
    home = an_organization()
    desk = Desk(home)
    come_in(vault_at_hand, home, a_report(workflow="fraud_report", case_id="F"))
    (case,) = cases_of(home)
    assert "No case is assigned" in desk.page("/cases/")
    assert desk.get(address(case)).status_code == 404
    unknown = desk.get("/cases/?workflow=nothing")
    hidden = desk.get("/cases/?workflow=fraud_report")
    assert unknown.status_code == hidden.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "state=lost",
        "state=open&state=closed",
        "workflow=%00",
        "since=yesterday",
        "since=2024-13-01",
        "since=2025-01-01&until=2024-01-01",
        "cursor=x",
        "page=2",
    ],
)
def test_an_unknown_or_broken_filter_is_refused_with_a_reason(desk: Desk, query: str) -> None:
    for path in ("/cases/", "/cases/export/"):
        answer = desk.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert "cannot be used" in words_of(answer)


def test_empty_fields_of_the_form_leave_the_address(desk: Desk) -> None:
    answer = desk.get("/cases/?workflow=&state=open&since=&until=")
    assert (answer.status_code, answer["Location"]) == (302, "?state=open")


def test_the_list_turns_pages_in_both_directions(
    desk: Desk, home: Organization, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.portal.listing.PAGE_SIZE", 2)
    come_in(
        vault_at_hand,
        home,
        *(a_report(case_id=f"C{n}", timestamp=f"2024-11-0{n}T00:00:00Z") for n in range(1, 6)),
    )
    codes = [str(case.pk)[:8] for case in reversed(cases_of(home))]
    seen, path = [], "/cases/"
    for _ in range(3):
        answer = desk.get(path)
        body = answer.content.decode()
        seen += [code for code in codes if f">{code}<" in body]
        path = "/cases/" + _href(body, "next") if 'rel="next"' in body else path
    assert seen == codes
    back = desk.get("/cases/" + _href(body, "prev")).content.decode()
    assert [code for code in codes if f">{code}<" in back] == codes[2:4]


def _href(body: str, rel: str) -> str:
    return body.partition(f'rel="{rel}" href="')[2].partition('"')[0].replace("&amp;", "&")


# --- one case -------------------------------------------------------------------------------------


def test_the_timeline_shows_days_actions_and_labels(desk: Desk, case: Case) -> None:
    page = desk.page(address(case))
    assert "Sunday 24 November 2024 Report Filed Filed reporter Anon1 , reported user Anon2" in page
    assert "Tuesday 26 November 2024 Report Reviewed" in page
    assert page.index("Report Filed") < page.index("Report Reviewed")


def test_days_do_not_move_with_the_viewers_zone(desk: Desk, case: Case) -> None:
    desk.client.cookies["orgo_time_zone"] = "America/New_York"
    assert "Sunday 24 November 2024" in desk.page(address(case))


def test_the_hour_is_shown_where_the_policy_lets_hr_know_it(vault_at_hand: VaultAtHand) -> None:
    in_force("sensitive_workflows: {harassment: {time_grain: hour}}")
    home = an_organization()
    desk = Desk(home)
    come_in(vault_at_hand, home, a_report())
    (case,) = cases_of(home)
    page = desk.page(address(case))
    assert "16:00 UTC" in page
    assert "16:10" not in page


def test_a_released_text_is_quoted_and_escaped(desk: Desk, case: Case) -> None:
    with the_vaults_rights():
        CaseEvent.objects.filter(case=case, place=1).update(released_text="<b>It</b>\nhappened")
    body = desk.get(address(case)).content.decode()
    assert "<blockquote><bdi>&lt;b&gt;It&lt;/b&gt;<br>happened</bdi></blockquote>" in body


def test_the_clock_names_the_directives_days(
    desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "today", lambda: date(2024, 11, 25))
    page = desk.page(address(case))
    assert "Acknowledge receipt due by 1 December 2024" in page
    assert "Give feedback due by 1 March 2025" in page
    assert "Directive (EU) 2019/1937" in page


def test_a_long_case_turns_pages_by_place(
    desk: Desk, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    hours = (f"2024-11-{24 + n // 24}T{n % 24:02}:00:00Z" for n in range(120))
    come_in(vault_at_hand, home, *(a_report(timestamp=time) for time in hours))
    (case,) = cases_of(home)
    first = desk.get(address(case))
    assert "1 to 50 of 120" in words_of(first)
    assert first.content.decode().count('class="happening"') == 50
    assert 'href="?after=100">To the latest' in first.content.decode()
    last = desk.get(address(case, "?after=100"))
    assert "101 to 120 of 120" in words_of(last)
    assert 'href="?after=50"' in last.content.decode()
    assert "There is no event behind this place" in desk.page(address(case, "?after=5000"))


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=9999999999", "after=1&x=2", "y=1"])
def test_a_broken_place_or_parameter_is_refused(desk: Desk, case: Case, query: str) -> None:
    assert desk.get(address(case, f"?{query}")).status_code == 400


def test_no_page_and_no_file_names_the_people(desk: Desk, case: Case) -> None:
    paths = [
        "/cases/",
        "/cases/counts/",
        "/cases/purpose/",
        "/cases/export/?format=csv",
        "/cases/export/?format=ndjson",
        *(
            address(case, rest)
            for rest in (
                "",
                "steps/closed/",
                "assignment/",
                "reveal-request/",
                "export/?format=csv",
                "export/?format=ndjson",
            )
        ),
    ]
    for path in paths:
        answer = desk.get(path)
        assert answer.status_code == 200, path
        told = (answer.content.decode() + str(dict(answer.headers))).casefold()
        assert [name for name in NAMES if name.casefold() in told] == [], path


# --- files ----------------------------------------------------------------------------------------


def test_the_files_hold_exactly_what_the_filter_shows(
    desk: Desk, case: Case, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    come_in(vault_at_hand, home, a_report(case_id="later", timestamp="2025-06-01T00:00:00Z"))
    answer = desk.get("/cases/export/?format=ndjson&until=2025-01-01")
    (told,) = [json.loads(line) for line in answer.content.splitlines()]
    assert (told["code"], told["opened"]) == (str(case.pk), "2024-11-24")
    lines = desk.get("/cases/export/?format=csv&until=2025-01-01").content.decode("utf-8-sig")
    head, row, end = lines.splitlines()
    assert head.startswith("code,workflow,organization,opened,state")
    assert row.startswith(f"{case.pk},harassment,{home.slug},2024-11-24,open")
    assert end == "# count: 1; time zone: UTC"


def test_a_cases_file_holds_its_events_in_order(desk: Desk, case: Case) -> None:
    answer = desk.get(address(case, "export/?format=ndjson"))
    events = [json.loads(line) for line in answer.content.splitlines()]
    assert [event["action"] for event in events] == ["Report Filed", "Report Reviewed"]
    assert events[0]["timestamp"] == "2024-11-24T00:00:00Z"
    assert events[0]["anonymized_fields"] == {"reporter": "Anon1", "reported_user": "Anon2"}


def test_no_cell_is_a_formula(desk: Desk, case: Case) -> None:
    with the_vaults_rights():
        CaseEvent.objects.filter(case=case, place=1).update(released_text='=HYPERLINK("x")')
    text = desk.get(address(case, "export/?format=csv")).content.decode()
    assert '"\'=HYPERLINK(""x"")"' in text


def test_the_files_names_tell_nothing(desk: Desk, case: Case) -> None:
    for path in ("/cases/export/?format=csv", address(case, "export/?format=ndjson")):
        told = desk.get(path)["Content-Disposition"]
        assert told.startswith('attachment; filename="export-2')
        assert str(case.pk)[:8] not in told


def test_an_unknown_form_is_refused(desk: Desk, case: Case) -> None:
    for path in ("/cases/export/?format=xlsx", address(case, "export/?format=xlsx")):
        assert desk.get(path).status_code == 400


# --- who ------------------------------------------------------------------------------------------


def test_a_case_of_others_an_unassigned_and_an_unknown_one_are_the_same_404(
    desk: Desk, case: Case, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    south = an_organization()
    Desk(south)
    come_in(vault_at_hand, south, a_report())
    (foreign,) = cases_of(south)
    take(case, desk.user)
    rests = ("", "export/", "steps/closed/", "assignment/", "reveal-request/")
    for rest in rests:
        answers = [desk.get(f"/cases/{code}/{rest}") for code in (foreign.pk, case.pk, uuid4())]
        assert [answer.status_code for answer in answers] == [404] * 3, rest
        assert len({words_of(answer) for answer in answers}) == 1
    for rest in ("notes/", "steps/closed/", "assignment/", "reveal-request/"):
        answers = [desk.post(f"/cases/{code}/{rest}") for code in (foreign.pk, case.pk, uuid4())]
        assert [answer.status_code for answer in answers] == [404] * 3, rest
    assert str(case.pk)[:8] not in desk.page("/cases/")


def test_nobody_is_led_to_the_sign_in_form(case: Case) -> None:
    for path in ("/cases/", address(case), "/cases/counts/", "/cases/access-log/"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HR_MANAGER])
def test_nobody_but_hr_finds_the_cases(home: Organization, case: Case, role: Role) -> None:
    other = Desk(home, role)
    for path in ("/cases/", address(case), "/cases/counts/", "/cases/purpose/", "/cases/export/"):
        assert other.get(path).status_code == 404
    assert other.post(address(case, "notes/"), {"text": "x"}).status_code == 404


def test_each_look_is_on_record_with_its_purpose(
    desk: Desk, case: Case, home: Organization
) -> None:
    for path in ("/cases/", address(case), "/cases/counts/", "/cases/export/"):
        assert desk.get(path).status_code == 200
    desk.get(address(case, "export/"))
    code, purpose = str(case.pk), "Work on a case"
    assert looks_of(home) == [
        ("list", "", purpose),
        ("case", code, purpose),
        ("counts", "", purpose),
        ("export", "", purpose),
        ("export", code, purpose),
    ]


def test_an_hr_manager_begins_at_the_cases(desk: Desk) -> None:
    assert desk.get("/")["Location"] == "/cases/"


def test_an_hr_manager_whom_the_policy_shows_nothing_is_told_so(home: Organization) -> None:
    in_force("access_control: {roles: {hr_manager: {view: []}}}")
    elsewhere = an_organization()
    desk = Desk(elsewhere, purpose="")
    assert "Nothing here for you yet" in desk.page("/")
    assert desk.get("/cases/").status_code == 404


def test_the_pages_are_kept_nowhere_and_tell_no_other_site(desk: Desk, case: Case) -> None:
    answer = desk.get(address(case))
    assert answer["Cache-Control"] == "no-store"
    # Not no-referrer: browsers then send `Origin: null` with our own forms, which are refused.
    assert answer["Referrer-Policy"] == "same-origin"
