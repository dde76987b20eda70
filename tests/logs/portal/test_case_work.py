"""What HR does with a case by its pages, and what it can never find out by doing it."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from logs.cases.models import ApprovalRequest, Case, CaseGrant
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, an_organization
from tests.logs.portal.desk import (
    REPORTED,
    Desk,
    a_report,
    cases_of,
    come_in,
    give,
    looks_of,
    take,
    words_of,
)
from tests.vault_at_hand import VaultAtHand

pytestmark = pytest.mark.django_db
REVEAL = {
    "label": "Anon1",
    "field": "email",
    "minutes": "5",
    "views": "1",
    "reason": "To invite them to a hearing.",
}


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def desk(home: Organization) -> Desk:
    return Desk(home)


@pytest.fixture
def case(home: Organization, desk: Desk, vault_at_hand: VaultAtHand) -> Case:
    come_in(vault_at_hand, home, a_report())
    (case,) = cases_of(home)
    return case


def address(case: Case, rest: str = "") -> str:
    return f"/cases/{case.pk}/{rest}"


def today() -> date:
    return timezone.now().date()


def again(case: Case) -> Case:
    with as_hr():
        return Case.objects.get(pk=case.pk)


# --- steps --------------------------------------------------------------------------------------


def test_steps_are_taken_and_noted_with_the_day(desk: Desk, case: Case) -> None:
    for step in ("acknowledged", "answered"):
        answer = desk.post(address(case, f"steps/{step}/"))
        assert (answer.status_code, answer["Location"]) == (302, address(case))
    assert again(case).acknowledged_on == again(case).answered_on == today()
    page = desk.page(address(case))
    assert "The receipt is noted as acknowledged." in page
    assert "Receipt is acknowledged" not in page


def test_each_step_asks_first(desk: Desk, case: Case) -> None:
    body = desk.get(address(case)).content.decode()
    assert 'method="post" action="/cases/' not in body.partition("Notes")[0].partition("<main")[2]
    for step, asked in {
        "acknowledged": "Is the receipt acknowledged?",
        "answered": "Is the feed",
    }.items():
        assert address(case, f"steps/{step}/") in body
        assert asked in desk.page(address(case, f"steps/{step}/"))
    assert again(case).acknowledged_on is None


def test_closing_asks_first_and_says_until_when_the_case_is_kept(desk: Desk, case: Case) -> None:
    page = desk.page(address(case, "steps/closed/"))
    assert "Close this case?" in page
    assert "then destroyed for good" in page
    assert again(case).state == "open"
    desk.post(address(case, "steps/closed/"))
    assert (again(case).state, again(case).closed_on) == ("closed", today())
    page = desk.page(address(case))
    assert "then destroyed, unless it is reopened" in page
    assert "Close the case" not in page
    desk.post(address(case, "steps/reopened/"))
    assert (again(case).state, again(case).closed_on) == ("open", None)


def test_a_step_that_somebody_else_took_meanwhile_changes_nothing(desk: Desk, case: Case) -> None:
    for _ in range(2):
        desk.post(address(case, "steps/closed/"))
    assert "Nothing was changed" in desk.page(address(case))
    assert desk.get(address(case, "steps/closed/")).status_code == 302


def test_an_unknown_step_is_not_there(desk: Desk, case: Case) -> None:
    for answer in (desk.get(address(case, "steps/x/")), desk.post(address(case, "steps/x/"))):
        assert answer.status_code == 404


def test_a_step_leaves_one_line(desk: Desk, case: Case, home: Organization) -> None:
    desk.post(address(case, "steps/acknowledged/"))
    assert looks_of(home) == [("step", str(case.pk), "Work on a case")]


# --- notes --------------------------------------------------------------------------------------


def test_a_note_is_kept_under_its_authors_name_and_escaped(desk: Desk, case: Case) -> None:
    desk.post(address(case, "notes/"), {"text": "Spoke with Anon1.\n<script>x</script>"})
    answer = desk.get(address(case))
    assert f"{desk.user.username} , {today():%-d %B %Y}" in words_of(answer)
    assert "Spoke with Anon1.<br>&lt;script&gt;x&lt;/script&gt;" in answer.content.decode()


@pytest.mark.parametrize("text", ["", " \n ", "\0", "x" * 10_001])
def test_a_note_without_or_with_too_many_words_is_refused(
    desk: Desk, case: Case, text: str
) -> None:
    answer = desk.post(address(case, "notes/"), {"text": text})
    assert answer.status_code == 400
    assert "The note is not kept yet" in words_of(answer)
    assert "No notes yet" in desk.page(address(case))


def test_a_note_that_is_too_long_comes_back_as_it_was_typed(desk: Desk, case: Case) -> None:
    answer = desk.post(address(case, "notes/"), {"text": "y" * 10_001})
    assert "y" * 10_001 in answer.content.decode()


def test_a_note_with_an_address_in_it_asks_first(desk: Desk, case: Case) -> None:
    told = {"text": f"Spoke with <{REPORTED}>, who denies it."}
    answer = desk.post(address(case, "notes/"), told)
    assert answer.status_code == 400
    assert f"“ {REPORTED} ” looks like an e-mail address" in words_of(answer)
    assert "No notes yet" in desk.page(address(case))
    desk.post(address(case, "notes/"), told | {"as_it_is": "1"})
    assert "who denies it." in desk.page(address(case))


@pytest.mark.parametrize(
    "text", ["Anon1 @ 10.30", "5@home", "a@b", "." * 9_000, "x@" + ".1" * 4_000]
)
def test_a_note_without_an_address_is_kept_at_once(desk: Desk, case: Case, text: str) -> None:
    assert desk.post(address(case, "notes/"), {"text": text}).status_code == 302


def test_a_notes_time_names_its_zone(desk: Desk, case: Case) -> None:
    desk.client.cookies["orgo_time_zone"] = "Europe/Berlin"
    desk.post(address(case, "notes/"), {"text": "Anon1 called."})
    assert "Times in Europe/Berlin" in desk.page(address(case))


def test_a_blank_note_says_what_it_lacks_and_its_field_has_the_focus(
    desk: Desk, case: Case
) -> None:
    answer = desk.post(address(case, "notes/"), {"text": "   "})
    assert "A note needs words." in words_of(answer)
    assert 'aria-describedby="problem note-hint" aria-invalid="true" autofocus>' in (
        answer.content.decode()
    )


def test_the_first_wrong_field_of_a_form_has_the_focus(desk: Desk, case: Case) -> None:
    wish = {"label": "Anon1", "field": "name", "minutes": "", "views": "", "reason": ""}
    page = desk.post(address(case, "reveal-request/"), wish).content.decode()
    (tag,) = (part for part in page.split("<") if "autofocus" in part)
    assert 'name="minutes"' in tag


def test_a_notes_address_leads_to_the_case(desk: Desk, case: Case) -> None:
    assert desk.get(address(case, "notes/")).headers["Location"] == address(case)


def test_a_note_after_the_session_is_not_kept_and_the_sign_in_says_so(
    desk: Desk, case: Case
) -> None:
    desk.client.logout()
    answer = desk.post(address(case, "notes/"), {"text": "Anon1 called."})
    sign_in = words_of(desk.get(answer.headers["Location"]))
    assert "Your session has ended. What you sent was not kept." in sign_in
    assert "session has ended" not in words_of(desk.get(answer.headers["Location"]))


# --- assignment ---------------------------------------------------------------------------------


def test_a_case_is_opened_to_a_colleague_and_closed_again(
    desk: Desk, case: Case, home: Organization
) -> None:
    colleague = Desk(home)
    assert colleague.get(address(case)).status_code == 404
    form = {"user": colleague.user.pk, "assigned": "yes"}
    assert desk.post(address(case, "assignment/"), form)["Location"] == address(case)
    assert colleague.get(address(case)).status_code == 200
    desk.post(address(case, "assignment/"), form | {"assigned": "no"})
    assert colleague.get(address(case)).status_code == 404


def test_nobody_learns_whether_a_colleague_takes_part_in_the_case(
    desk: Desk, case: Case, home: Organization
) -> None:
    """The reported person is an HR manager: the case stays closed to them, and looks alike."""
    answers = []
    for name in (REPORTED, "somebody.else"):
        colleague = Desk(home, name=name)
        form = {"user": colleague.user.pk, "assigned": "yes"}
        answer = desk.post(address(case, "assignment/"), form)
        answers.append((answer.status_code, answer["Location"], desk.page(address(case))))
        is_open = colleague.get(address(case)).status_code == 200
        assert is_open is (name != REPORTED)
    assert answers[0] == answers[1]
    assert "It is done, unless that person takes part in the case." in answers[0][2]


def test_no_page_says_to_whom_a_case_is_assigned(
    desk: Desk, case: Case, home: Organization
) -> None:
    """Whoever is missing from such a list would be taken for somebody in the case."""
    colleague = a_user(Role.HR_MANAGER, home, "carol")
    before = [desk.page(address(case, rest)) for rest in ("", "assignment/")]
    give(case, colleague)
    assert [desk.page(address(case, rest)) for rest in ("", "assignment/")] == before


def test_only_hr_managers_of_the_cases_organization_can_be_chosen(
    desk: Desk, case: Case, home: Organization
) -> None:
    others = [a_user(Role.ADMIN, home), a_user(Role.HR_MANAGER, an_organization())]
    for other in others:
        answer = desk.post(address(case, "assignment/"), {"user": other.pk, "assigned": "yes"})
        assert answer.status_code == 400
        assert other.username not in words_of(answer)
    with as_hr():
        assert CaseGrant.objects.filter(user__in=[o.pk for o in others]).count() == 0


def test_whoever_closes_a_case_to_oneself_is_led_to_the_list(desk: Desk, case: Case) -> None:
    form = {"user": desk.user.pk, "assigned": "no"}
    assert desk.post(address(case, "assignment/"), form)["Location"] == "/cases/"
    assert desk.get(address(case)).status_code == 404


# --- a reveal -----------------------------------------------------------------------------------


def test_a_reveal_is_asked_for_and_leads_to_its_page(
    desk: Desk, case: Case, home: Organization
) -> None:
    answer = desk.post(address(case, "reveal-request/"), REVEAL)
    with as_hr():
        (request,) = ApprovalRequest.objects.all()
    assert answer["Location"] == f"/cases/reveals/{request.pk}/"
    assert (request.case_code, request.label, request.field) == (case.pk, "Anon1", "email")
    assert (request.minutes, request.views, request.requester_id) == (5, 1, desk.user.pk)
    assert [what for what, _, _ in looks_of(home)] == ["request"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": "Jane"}, "Give a label of this case"),
        ({"label": "Anon99"}, "Give a label of this case"),
        ({"field": "salary"}, "Select a valid choice"),
        ({"minutes": "16"}, "less than or equal to 15"),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"views": "4"}, "less than or equal to 3"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_a_reveal_that_cannot_be_asked_for_comes_back_as_it_was_typed(
    desk: Desk, case: Case, change: dict[str, str], complaint: str
) -> None:
    answer = desk.post(address(case, "reveal-request/"), REVEAL | change)
    assert answer.status_code == 400
    assert complaint in words_of(answer)
    if "reason" not in change:
        assert REVEAL["reason"] in answer.content.decode()
    with as_hr():
        assert ApprovalRequest.objects.count() == 0


def test_while_the_vault_is_away_nothing_that_was_typed_is_lost(
    desk: Desk, case: Case, vault_at_hand: VaultAtHand
) -> None:
    vault_at_hand.is_away = True
    answer = desk.post(address(case, "reveal-request/"), REVEAL)
    assert answer.status_code == 503
    page = answer.content.decode()
    assert "The vault does not answer; nothing was done, try again later." in words_of(answer)
    assert REVEAL["reason"] in page
    assert 'value="Anon1"' in page
    form = {"user": desk.user.pk, "assigned": "yes"}
    assert desk.post(address(case, "assignment/"), form).status_code == 503
    assert desk.get(address(case)).status_code == 200
    vault_at_hand.is_away = False
    assert desk.post(address(case, "reveal-request/"), REVEAL).status_code == 302


def test_whoever_lost_the_case_asks_for_nothing(desk: Desk, case: Case) -> None:
    take(case, desk.user)
    assert desk.post(address(case, "reveal-request/"), REVEAL).status_code == 404
    with as_hr():
        assert ApprovalRequest.objects.count() == 0
