"""Sign-in under attack: wrong passwords close an account and an address for a while."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Role, User
from tests.builders import PASSWORD, a_user, an_organization, setting_the_scene

pytestmark = pytest.mark.django_db
LIMIT = settings.AXES_FAILURE_LIMIT


@pytest.fixture
def organization() -> Organization:
    return an_organization("north")


@pytest.fixture(autouse=True)
def a_fast_hasher(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def anna(organization: Organization) -> User:
    return a_user(Role.ADMIN, organization, "anna")


def sign_in(name: str, password: str = PASSWORD, address: str = "192.0.2.1") -> int:
    form = {"username": name, "password": password}
    return Client().post("/sign-in/", form, REMOTE_ADDR=address).status_code


def fail(name: str, times: int = LIMIT, *, addresses: bool = False) -> list[int]:
    return [
        sign_in(name, "wrong", f"198.51.100.{number}" if addresses else "192.0.2.1")
        for number in range(times)
    ]


def told(action: str) -> list[Event]:
    return list(Event.objects.filter(action=action))


def test_an_account_is_closed_for_a_while_from_wherever_it_is_tried(anna: User) -> None:
    assert fail("anna", addresses=True) == [200] * (LIMIT - 1) + [429]
    assert sign_in("anna", address="203.0.113.9") == 429
    with time_machine.travel(timezone.now() + settings.AXES_COOLOFF_TIME + timedelta(seconds=1)):
        assert sign_in("anna", address="203.0.113.9") == 302


def test_an_address_is_closed_whatever_names_it_tries(anna: User) -> None:
    for number in range(LIMIT):
        sign_in(f"somebody-{number}", "wrong")
    assert sign_in("anna") == 429
    assert sign_in("anna", address="203.0.113.9") == 302


def test_one_try_less_closes_nothing_and_a_success_begins_anew(anna: User) -> None:
    for _ in range(2):
        fail("anna", LIMIT - 1)
        assert sign_in("anna") == 302


def test_a_success_forgets_no_failures_of_another_account(
    anna: User, organization: Organization
) -> None:
    a_user(Role.USER, organization, "bob")
    fail("anna", LIMIT - 1)
    assert sign_in("bob") == 302
    assert sign_in("anna", "wrong") == 429
    assert sign_in("anna", address="203.0.113.9") == 429
    assert sign_in("bob") == 429, "the address has had its wrong tries too"


def test_a_name_that_nobody_has_is_closed_alike(anna: User) -> None:
    def answers(name: str, address: str) -> list[tuple[int, int]]:
        form = {"username": name, "password": "wrong"}
        got = [Client().post("/sign-in/", form, REMOTE_ADDR=address) for _ in range(LIMIT + 1)]
        return [(one.status_code, len(one.content.replace(name.encode(), b""))) for one in got]

    assert answers("anna", "198.51.100.1") == answers("nobody", "198.51.100.2")


def test_the_page_says_calmly_for_how_long(anna: User) -> None:
    fail("anna")
    form = {"username": "anna", "password": PASSWORD, "next": "/admin/"}
    answer = Client().post("/sign-in/", form, REMOTE_ADDR="192.0.2.1")
    assert answer.headers["Retry-After"] == "900"
    page = answer.content.decode()
    assert "Too many wrong tries" in page
    assert "15 minutes" in page
    assert 'value="/admin/"' in page


def test_a_lockout_is_one_event_and_tries_against_it_are_none(anna: User) -> None:
    fail("anna", LIMIT + 5)
    [locked] = told("Sign-in Locked")
    assert (locked.actor, locked.outcome, locked.ip_address) == ("anna", "denied", "192.0.2.1")
    assert len(told("Failed Login Attempt")) == LIMIT


@pytest.mark.parametrize("typed", [" anna ", "\N{FULLWIDTH LATIN SMALL LETTER A}nna"])
def test_a_name_typed_in_another_way_is_the_same_account(anna: User, typed: str) -> None:
    fail(typed, addresses=True)
    assert sign_in("anna", address="203.0.113.9") == 429
    assert [event.actor for event in told("Sign-in Locked")] == ["anna"]


def test_what_was_typed_as_a_name_that_nobody_has_is_kept_nowhere(
    organization: Organization,
) -> None:
    fail("my secret password", LIMIT + 1)
    kept = repr(list(AccessAttempt.objects.values())) + repr(list(Event.objects.values()))
    assert "my secret" not in kept
    assert [event.actor for event in told("Sign-in Locked")] == [None]


def test_an_address_opens_with_the_account_that_closed_it_and_no_sooner(anna: User) -> None:
    fail("anna")
    assert sign_in("somebody") == 429
    with setting_the_scene():
        call_command("unlock", "anna", stdout=StringIO())
    assert sign_in("somebody") == 200
    for number in range(LIMIT):
        sign_in(f"somebody-{number}", "wrong")
    with setting_the_scene():
        call_command("unlock", "anna", stdout=StringIO())
    assert sign_in("anna") == 429


def test_an_operator_opens_an_account_again(anna: User) -> None:
    fail("anna", addresses=True)
    out = StringIO()
    with setting_the_scene():
        call_command("unlock", "anna", stdout=out)
    assert out.getvalue() == "anna can sign in again\n"
    assert sign_in("anna", address="203.0.113.9") == 302
    [event] = told("Sign-in Unlocked")
    assert event.details == {"person": "anna"}
    call_command("unlock", "anna", stdout=out)
    assert out.getvalue().endswith("nothing was counted against anna\n")
    with pytest.raises(CommandError, match="there is no user 'bob'"):
        call_command("unlock", "bob")


def test_a_second_sign_in_form_leads_on_once_another_tab_has_signed_in(anna: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    answer = client.post("/sign-in/?next=/sessions/", {"username": "anna", "password": PASSWORD})
    assert answer.headers["Location"] == "/sign-in/?next=/sessions/"
    leads_to = client.get("/sign-in/?next=/sessions/").headers["Location"]
    assert leads_to == "/sessions/"


def test_an_address_says_which_methods_it_takes() -> None:
    answer = Client().get("/sign-out/")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert "it takes POST, OPTIONS alone" in answer.content.decode()
    assert Client().post("/api/v1/docs/").json()["detail"].endswith("it takes GET, HEAD alone.")
