"""Releasing a hold: a leaver's request is none, and a button does what it says or nothing."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from logs.record.models import Event
from logs.retention import holds
from logs.retention.models import LegalHold
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import create_user, give_role, take_role
from orgo_audit.errors import BadInput, Conflict
from tests.builders import API, Caller, a_user, an_event, an_organization, setting_the_scene
from tests.logs.test_quarantine_pages import text_of
from tests.policies import in_force
from tests.retention import a_hold

pytestmark = pytest.mark.django_db

HOLDS = "/admin/logs/legalhold/"
CODE = "2f1c4dd6-9a5b-4a58-8f63-5a3f1c0a7b11"


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


@pytest.fixture
def anna(north: Organization) -> User:
    return a_user(Role.ADMIN, north, "anna")


@pytest.fixture
def ben(north: Organization) -> User:
    return a_user(Role.ADMIN, north, "ben")


@pytest.fixture
def asked(north: Organization, anna: User) -> LegalHold:
    """A hold whose release anna has asked for."""
    return ask(a_hold(north), "anna")


def ask(hold: LegalHold, by: str) -> LegalHold:
    return holds.ask_release(hold.organization, hold.pk, by=by, now=timezone.now())


def release(hold: LegalHold, by: str) -> LegalHold:
    return holds.release(hold.organization, hold.pk, by=by, now=timezone.now())


def leaves(user: User, organization: Organization, how: str) -> None:
    with setting_the_scene():
        if how == "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        else:
            take_role(user, Role.ADMIN, organization)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pressed(user: User, hold: LegalHold, step: str) -> str:
    """What the page says after a button was pressed."""
    data = {"step": step} if step else {}
    answer = signed_in(user).post(f"{HOLDS}{hold.pk}/release/", data, follow=True)
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def page_of(user: User, hold: LegalHold) -> str:
    return text_of(signed_in(user).get(f"{HOLDS}{hold.pk}/change/"))


def state_of(hold: LegalHold) -> tuple[str, str]:
    hold.refresh_from_db()
    return hold.release_asked_by, hold.released_by


# --- who left -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deactivated", "no admin"])
def test_who_left_has_asked_for_nothing(
    asked: LegalHold, north: Organization, anna: User, ben: User, how: str
) -> None:
    leaves(anna, north, how)
    with pytest.raises(Conflict, match="not asked for"):
        release(asked, "ben")
    holds.advance_release(north, asked.pk, by="ben", now=timezone.now())
    assert state_of(asked) == ("ben", "")
    told = Event.objects.filter(code="hold.release_asked").order_by("id")
    assert list(told.values_list("actor", flat=True)) == ["anna", "ben"]
    with pytest.raises(Conflict, match="second person"):
        release(asked, "ben")
    carl = a_user(Role.ADMIN, north, "carl")
    assert release(asked, carl.username).released_by == "carl"


def test_an_admin_of_another_organization_has_asked_for_nothing(
    asked: LegalHold, north: Organization, anna: User
) -> None:
    leaves(anna, north, "no admin")
    south = an_organization("south")
    with setting_the_scene():
        give_role(anna, Role.ADMIN, south)
        give_role(anna, Role.AUDITOR, north)
    with pytest.raises(Conflict, match="not asked for"):
        release(asked, "ben")
    assert state_of(asked) == ("anna", "")


def test_a_command_counts_as_a_person(north: Organization) -> None:
    hold = ask(a_hold(north), "system:root")
    assert release(hold, "ben").released_by == "ben"
    with pytest.raises(BadInput):
        create_user("system:root", role=Role.ADMIN, organization=north, password="x" * 40)


def test_what_a_leaver_did_before_stays_told(
    asked: LegalHold, north: Organization, anna: User, ben: User
) -> None:
    release(asked, "ben")
    leaves(anna, north, "deactivated")
    assert "by anna" in page_of(ben, asked)
    [told] = Caller(user=ben).get(f"{API}/legal-holds/").json["results"]
    assert (told["release_asked_by"], told["released_by"]) == ("anna", "ben")


def test_every_door_shows_that_nobody_asks_any_more(
    asked: LegalHold, north: Organization, anna: User, ben: User
) -> None:
    assert "release asked" in text_of(signed_in(ben).get(HOLDS))
    leaves(anna, north, "deactivated")
    listed = text_of(signed_in(ben).get(HOLDS))
    assert "release asked" not in listed
    assert "holds" in listed
    page = page_of(ben, asked)
    assert "You ask, and a second person releases" in page
    assert "anna has asked" not in page
    [told] = Caller(user=ben).get(f"{API}/legal-holds/").json["results"]
    assert (told["state"], told["release_asked_by"], told["release_asked_at"]) == (
        "active",
        None,
        None,
    )
    answer = Caller(user=ben).post(f"{API}/legal-holds/{asked.pk}/release/", {}).json
    assert (answer["state"], answer["release_asked_by"]) == ("release_asked", "ben")


# --- what a button means ------------------------------------------------------------------------


def test_asking_releases_nothing_that_somebody_else_asked_for_meanwhile(
    asked: LegalHold, ben: User
) -> None:
    told = pressed(ben, asked, "ask")
    assert told == "The release was already asked for, by anna. Nothing was done."
    assert state_of(asked) == ("anna", "")
    assert not Event.objects.filter(code="hold.released").exists()


def test_releasing_asks_for_nothing(
    asked: LegalHold, north: Organization, anna: User, ben: User
) -> None:
    leaves(anna, north, "deactivated")
    told = pressed(ben, asked, "release")
    assert "The release is not asked for" in told
    assert "Nothing was done." in told
    assert state_of(asked) == ("anna", "")


def test_what_was_released_meanwhile_stays_so(asked: LegalHold, anna: User, ben: User) -> None:
    release(asked, "ben")
    for step in ("ask", "release"):
        assert "was released before. Nothing was done." in pressed(anna, asked, step)


@pytest.mark.parametrize("step", ["", "both"])
def test_a_form_that_says_no_step_does_nothing(asked: LegalHold, ben: User, step: str) -> None:
    assert "Nothing was done." in pressed(ben, asked, step)
    assert state_of(asked) == ("anna", "")


def test_the_form_says_which_step_it_means(
    asked: LegalHold, north: Organization, ben: User
) -> None:
    other = a_hold(north)
    for hold, step in ((asked, "release"), (other, "ask")):
        page = signed_in(ben).get(f"{HOLDS}{hold.pk}/change/").content.decode()
        assert f'<input type="hidden" name="step" value="{step}">' in page


# --- what follows -------------------------------------------------------------------------------


def test_a_case_that_is_over_goes_after_the_notice(
    north: Organization, anna: User, ben: User
) -> None:
    hold = ask(a_hold(north, "case", CODE), "anna")
    assert "Once you release it, the case, if it is over, goes 1 day later" in page_of(ben, hold)
    in_force('retention: {notice: "2 days"}')
    told = pressed(ben, hold, "release")
    assert told == (
        "The hold is released; the case, if it is over, goes 2 days later, the policy's notice."
    )


# --- a new hold ---------------------------------------------------------------------------------

WISH = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "owner": "counsel",
    "organization": "north",
    "scope_kind": "task",
    "scope": "T1",
}


@pytest.mark.usefixtures("north")
@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"owner": "", "scope": ""}, "owner"),
        ({"scope_kind": "segment", "scope": "activity"}, "scope"),
        ({"matter": "M\x1b[2J"}, "matter"),
        ({"reason": "a claim\u202e"}, "reason"),
        ({"scope": "\u200b\u200b"}, "scope"),
    ],
)
def test_the_first_field_that_is_wrong_has_the_focus(
    anna: User, change: dict[str, str], first: str
) -> None:
    page = signed_in(anna).post(f"{HOLDS}add/", WISH | change).content.decode()
    assert page.count("autofocus") == 1
    (tag,) = (part for part in page.split("<") if "autofocus" in part)
    assert f'name="{first}"' in tag
    assert not LegalHold.objects.exists()


def test_a_form_that_is_right_or_new_leads_nowhere(anna: User) -> None:
    page = signed_in(anna).get(f"{HOLDS}add/").content.decode()
    assert "autofocus" not in page
    assert "Such as 12345 for a task" in page


def test_the_lines_of_a_reason_are_shown(anna: User, north: Organization) -> None:
    an_event(north, task_id="T1")
    answer = signed_in(anna).post(f"{HOLDS}add/", WISH | {"reason": "one\r\n<two>"}, follow=True)
    assert "one<br>&lt;two&gt;" in answer.content.decode()


def test_holds_of_one_day_of_review_stand_as_they_were_placed(
    anna: User, north: Organization
) -> None:
    placed = [a_hold(north, value=f"T{number}") for number in range(5)]
    page = signed_in(anna).get(HOLDS).content.decode()
    places = [page.index(f"{hold.pk}/change/") for hold in placed]
    assert places == sorted(places)
