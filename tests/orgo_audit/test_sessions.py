"""Sessions end by themselves and by their person's hand; each is known by where it came from."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from logs.record.models import Event
from orgo_audit.accounts.models import Role, Session, User
from orgo_audit.accounts.sessions import LONGEST, browser_of
from orgo_audit.tasks import forget_ended_sessions
from tests.builders import PASSWORD, a_user, an_organization, setting_the_scene

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@pytest.fixture(autouse=True)
def a_fast_hasher(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def anna() -> User:
    return a_user(Role.ADMIN, an_organization("north"), "anna")


def signed_in(agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    answer = client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_half_an_hour_without_a_request_ends_a_session(anna: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in()
        for _ in range(3):
            clock.shift(timedelta(minutes=29))
            assert is_in(client)
        clock.shift(timedelta(minutes=31))
        answer = client.get("/admin/logs/activitylog/?status=x")
    assert answer.headers["Location"].startswith("/sign-in/?next=/admin/logs/activitylog/")


def test_a_session_that_is_used_all_day_ends_all_the_same(anna: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client, began = signed_in(), timezone.now()
        while timezone.now() - began < LONGEST - timedelta(minutes=20):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)
        clock.shift(timedelta(minutes=20))
        assert not is_in(client)


def test_a_session_is_written_once_a_minute_not_with_each_request(anna: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in()
        clock.shift(timedelta(seconds=59))
        assert "orgo_session" not in client.get("/admin/").cookies
        clock.shift(timedelta(seconds=1))
        assert "orgo_session" in client.get("/admin/").cookies


def test_the_page_shows_each_session_and_never_its_key(anna: User) -> None:
    here = signed_in()
    signed_in(CHROME, "198.51.100.7")
    page = here.get("/sessions/").content.decode()
    assert "Firefox on Linux" in page
    assert "Chrome on Windows" in page
    assert "198.51.100.7" in page
    assert page.count("this one") == 1
    assert not any(session.session_key in page for session in Session.objects.all())


def test_one_other_session_can_be_ended(anna: User) -> None:
    here, there, third = signed_in(), signed_in(CHROME), signed_in(CHROME, "203.0.113.5")
    page = here.get("/sessions/").content.decode()
    name = re.findall(r'name="end" value="(\w{32})".*?from 203\.0\.113\.5', page)[0]
    assert here.post("/sessions/", {"end": name}).status_code == 302
    assert [is_in(client) for client in (here, there, third)] == [True, True, False]


@pytest.mark.parametrize(("end", "left"), [("others", [True, False]), ("all", [False, False])])
def test_everywhere_else_or_everywhere(anna: User, end: str, left: list[bool]) -> None:
    here, there = signed_in(), signed_in(CHROME)
    here.post("/sessions/", {"end": end})
    assert [is_in(client) for client in (here, there)] == left
    assert Event.objects.filter(action="Sessions Ended", actor="anna").exists()


def test_nobody_ends_a_session_of_somebody_else(anna: User) -> None:
    theirs = signed_in()
    name = re.findall(r'value="(\w{32})"', signed_in(CHROME).get("/sessions/").content.decode())[0]
    stranger = Client()
    stranger.force_login(a_user(Role.ADMIN, an_organization()))
    for end in (name, "others", "nonsense", ""):
        stranger.post("/sessions/", {"end": end})
    assert is_in(theirs)


def test_a_new_password_ends_all_other_sessions(anna: User) -> None:
    here, there = signed_in(), signed_in(CHROME)
    new = "another battery staple horse"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/password/", form).status_code == 302
    assert [is_in(client) for client in (here, there)] == [True, False]
    assert Session.objects.count() == 1


def test_the_form_says_what_a_new_password_needs(anna: User) -> None:
    page = signed_in().get("/password/").content.decode()
    told = page.partition('id="id_new_password1_helptext"')[2]
    assert "at least" in told
    assert 'aria-describedby="id_new_password1_helptext"' in page


def test_what_is_wrong_with_a_new_password_is_told_with_its_field(anna: User) -> None:
    form = {"old_password": PASSWORD, "new_password1": "x" * 20, "new_password2": "y" * 20}
    page = signed_in().post("/password/", form).content.decode()
    assert "id_new_password2_error" in page.partition('name="new_password2"')[2].partition(">")[0]
    assert 'id="id_new_password2_error"' in page


def test_ended_sessions_are_forgotten(anna: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        signed_in()
    kept = signed_in().session.session_key
    with setting_the_scene():
        forget_ended_sessions()
    assert [session.session_key for session in Session.objects.all()] == [kept]


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) Version/18 Safari/605", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "Another browser"),
        ("", "Another browser"),
        ("<script>alert(1)</script>", "Another browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, told: str) -> None:
    assert browser_of(agent) == told
