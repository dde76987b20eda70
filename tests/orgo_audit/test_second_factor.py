"""One-time passwords as second factor: asked for, given once, refused, recovered from, reset."""

from __future__ import annotations

import re
from base64 import b32decode
from binascii import unhexlify
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Role, Session, User
from orgo_audit.policy.schema import SECOND_FACTOR_ROLES
from tests.builders import PASSWORD, Caller, Service, a_user, an_organization, setting_the_scene
from tests.policies import in_force

pytestmark = pytest.mark.django_db

CODE, SET_UP, SETTINGS = "/second-factor/", "/second-factor/set-up/", "/second-factor/settings/"
NEW_CODES, REMOVE = "/second-factor/codes/", "/second-factor/remove/"
ON = "access_control: {second_factor: true}"
OFF = "access_control: {second_factor: false}"
HERE = "/admin/logs/securitylog/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


@pytest.fixture
def ada(north: Organization) -> User:
    return a_user(Role.ADMIN, north, "ada")


def signed_in(user: User) -> Client:
    """With the password alone."""
    client = Client()
    client.force_login(user)
    return client


def code_of(user: User, *, ahead: int = 0) -> str:
    key = unhexlify(TOTPDevice.objects.get(user=user).key)
    return f"{totp(key, drift=ahead):06}"


def wrong_code(user: User) -> str:
    right = {code_of(user, ahead=step) for step in range(-3, 4)}
    return next(f"{number:06}" for number in range(100) if f"{number:06}" not in right)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def shown_secret(answer: Any) -> bytes:
    (shown,) = re.findall(r'id="secret"[^>]*>([A-Z2-7 ]+)<', answer.content.decode())
    return b32decode(shown.replace(" ", ""))


def shown_codes(answer: Any) -> list[str]:
    return re.findall(r"\b\d{4} \d{4} \d{4}\b", text_of(answer))


def set_up(client: Client, **form: str) -> list[str]:
    """By the page, as a person does; the recovery codes it shows."""
    secret = shown_secret(client.get(SET_UP))
    codes = shown_codes(client.post(SET_UP, {"code": f"{totp(secret):06}", **form}))
    assert len(codes) == 10
    return codes


def with_second_factor(
    user: User, clock: time_machine.Traveller, *, verified: bool = False
) -> tuple[Client, list[str]]:
    """A new session after the password, of a person who has set up a second factor before."""
    codes = set_up(signed_in(user))
    clock.shift(60)
    client = signed_in(user)
    if verified:
        assert client.post(CODE, {"code": code_of(user)}).status_code == 302
        clock.shift(60)
    return client, codes


def events(action: str) -> list[Event]:
    return list(Event.objects.filter(action=action).order_by("id"))


# --- setting it up --------------------------------------------------------------------------------


def test_whoever_wants_sets_up_a_second_factor_and_is_asked_for_it_from_then_on(
    north: Organization, clock: time_machine.Traveller
) -> None:
    ada = a_user(Role.ADMIN, north, "ada", signs_in=True)
    client = signed_in(ada)
    assert "Off: your password alone" in text_of(client.get(SETTINGS))
    before = client.session.session_key
    codes = set_up(client)
    assert client.session.session_key != before
    assert client.get(HERE).status_code == 200
    assert "10 recovery codes left" in text_of(client.get(SETTINGS))
    (event,) = events("Second Factor Set Up")
    assert (event.actor, event.code, event.outcome) == ("ada", "second_factor.set_up", "success")
    clock.shift(60)
    other = Client()
    named = {"username": "ada", "password": PASSWORD, "next": f"{HERE}?status=x"}
    assert other.post("/sign-in/", named)["Location"] == f"{HERE}?status=x"
    answer = other.get(f"{HERE}?status=x")
    assert answer["Location"] == f"{CODE}?next={HERE}%3Fstatus%3Dx"
    page = other.get(answer["Location"])
    assert "Open your authenticator app" in text_of(page)
    assert 'autocomplete="one-time-code"' in page.content.decode()
    before = other.session.session_key
    done = other.post(CODE, {"code": code_of(ada), "next": f"{HERE}?status=x"})
    assert done["Location"] == f"{HERE}?status=x"
    assert other.session.session_key != before
    assert other.get(HERE).status_code == 200
    assert [event.outcome for event in events("Second Factor Verified")] == ["success"]
    assert len(set(codes)) == 10


def test_the_picture_holds_what_an_app_needs_and_stays_within_the_page(ada: User) -> None:
    answer = signed_in(ada).get(SET_UP)
    assert 'src="data:image/svg+xml' in answer.content.decode()
    assert "img-src 'self' data:" in answer["Content-Security-Policy"]
    assert "otpauth" not in answer.content.decode()


def test_a_wrong_code_sets_nothing_up_and_keeps_the_secret_on_the_page(ada: User) -> None:
    client = signed_in(ada)
    secret = shown_secret(client.get(SET_UP))
    wrong = f"{(totp(secret) + 1) % 1000000:06}"
    answer = client.post(SET_UP, {"code": wrong})
    assert "clock" in text_of(answer)
    assert shown_secret(answer) == secret
    assert not TOTPDevice.objects.exists()
    assert shown_secret(signed_in(ada).get(SET_UP)) != secret, "another session has another one"


def test_a_second_factor_is_not_replaced_with_the_password_alone(
    ada: User, clock: time_machine.Traveller
) -> None:
    early = signed_in(ada)
    secret = shown_secret(early.get(SET_UP))
    client, _ = with_second_factor(ada, clock)
    device = TOTPDevice.objects.get()
    for session in (client, early):
        assert session.get(SET_UP).status_code == 302
        assert session.post(SET_UP, {"code": f"{totp(secret):06}"}).status_code == 302
        assert session.get(HERE).status_code == 302
    assert TOTPDevice.objects.get().key == device.key


def test_what_sets_up_opens_nothing_again(ada: User) -> None:
    set_up(signed_in(ada))
    assert "wrong, or was used" in text_of(signed_in(ada).post(CODE, {"code": code_of(ada)}))


# --- the code -------------------------------------------------------------------------------------


def test_a_code_opens_once(ada: User, clock: time_machine.Traveller) -> None:
    client, _ = with_second_factor(ada, clock)
    code = code_of(ada)
    assert client.post(CODE, {"code": f" {code[:3]} {code[3:]} "}).status_code == 302
    assert client.get(HERE).status_code == 200
    replaying = signed_in(ada)
    assert "wrong, or was used" in text_of(replaying.post(CODE, {"code": code}))
    assert replaying.get(HERE).status_code == 302


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(
    ada: User, clock: time_machine.Traveller, steps: int, opens: bool
) -> None:
    client, _ = with_second_factor(ada, clock)
    clock.shift(300)
    client.post(CODE, {"code": code_of(ada, ahead=steps)})
    assert (client.get(HERE).status_code == 200) is opens


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "+12345", "１２３４５６", "abcdef", "1" * 41]
)
def test_what_is_no_code_is_told_so_and_not_counted(
    ada: User, clock: time_machine.Traveller, typed: str
) -> None:
    client, _ = with_second_factor(ada, clock)
    assert 'role="alert"' in client.post(CODE, {"code": typed}).content.decode()
    assert client.get(HERE).status_code == 302
    assert events("Second Factor Refused") == []
    assert client.post(CODE, {"code": code_of(ada)}).status_code == 302


def test_a_wrong_code_is_on_record_and_makes_the_next_one_wait(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, _ = with_second_factor(ada, clock)
    wrong = wrong_code(ada)
    assert "wrong, or was used" in text_of(client.post(CODE, {"code": wrong}))
    (event,) = events("Second Factor Refused")
    assert (event.actor, event.code, event.outcome) == ("ada", "second_factor.refused", "failure")
    assert wrong not in str(Event.objects.filter(pk=event.pk).values("details").get())
    assert "Wait 1 second," in text_of(client.post(CODE, {"code": code_of(ada)}))
    clock.shift(2)
    assert client.post(CODE, {"code": code_of(ada)}).status_code == 302


def test_five_wrong_codes_in_a_row_lead_back_to_the_password(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, _ = with_second_factor(ada, clock)
    key = client.session.session_key
    for _ in range(4):
        assert client.post(CODE, {"code": wrong_code(ada)}).status_code == 200
        clock.shift(60)
    answer = client.post(CODE, {"code": wrong_code(ada), "next": HERE})
    assert answer["Location"] == f"/sign-in/?next={HERE}"
    assert not Session.objects.filter(session_key=key).exists()
    assert "Too many wrong codes" in text_of(client.get("/sign-in/"))
    assert len(events("Second Factor Refused")) == 5


@pytest.mark.parametrize(
    "hostile",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example", ""],
)
def test_nobody_is_led_out_of_the_portal(
    ada: User, clock: time_machine.Traveller, hostile: str
) -> None:
    client, _ = with_second_factor(ada, clock)
    assert "evil" not in text_of(client.get(CODE, {"next": hostile}))
    answer = client.post(CODE, {"code": code_of(ada), "next": hostile})
    assert answer["Location"] == "/"
    assert client.get(CODE, {"next": hostile})["Location"] == "/"


# --- recovery codes -------------------------------------------------------------------------------


def test_a_recovery_code_opens_once(ada: User, clock: time_machine.Traveller) -> None:
    client, codes = with_second_factor(ada, clock)
    assert client.post(CODE, {"code": codes[0]}).status_code == 302
    assert "9 recovery codes left" in text_of(client.get("/", follow=True))
    (event,) = events("Recovery Code Used")
    assert (event.code, event.details) == ("recovery_code.used", {"left": 9})
    other = signed_in(ada)
    assert "wrong, or was used" in text_of(other.post(CODE, {"code": codes[0]}))
    clock.shift(2)
    assert other.post(CODE, {"code": codes[1].replace(" ", "-")}).status_code == 302


def test_a_recovery_code_is_kept_nowhere_and_is_its_persons_alone(
    ada: User, north: Organization, clock: time_machine.Traveller
) -> None:
    _, codes = with_second_factor(ada, clock)
    kept = " ".join(StaticToken.objects.values_list("token", flat=True))
    assert not any(code.replace(" ", "") in kept for code in codes)
    bob = a_user(Role.ADMIN, north, "bob")
    client, _ = with_second_factor(bob, clock)
    assert client.post(CODE, {"code": codes[0]}).status_code == 200
    assert client.post(CODE, {"code": kept[:12]}).status_code == 200


def test_new_recovery_codes_cost_a_fresh_code_and_end_the_old_ones(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, old = with_second_factor(ada, clock, verified=True)
    assert shown_codes(client.get(NEW_CODES)) == []
    assert shown_codes(client.post(NEW_CODES, {"code": wrong_code(ada)})) == []
    clock.shift(60)
    new = shown_codes(client.post(NEW_CODES, {"code": code_of(ada)}))
    assert len(set(new) - set(old)) == 10
    assert len(events("Recovery Codes Replaced")) == 1
    other = signed_in(ada)
    assert other.post(CODE, {"code": old[0]}).status_code == 200
    clock.shift(2)
    assert other.post(CODE, {"code": new[0]}).status_code == 302


# --- removing and resetting -----------------------------------------------------------------------


def test_a_second_factor_is_removed_against_a_fresh_code(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, _ = with_second_factor(ada, clock, verified=True)
    assert "Remove the second factor?" in text_of(client.get(REMOVE))
    assert "wrong, or was used" in text_of(client.post(REMOVE, {"code": wrong_code(ada)}))
    clock.shift(60)
    page = text_of(client.post(REMOVE, {"code": code_of(ada)}, follow=True))
    assert "Your second factor is removed" in page
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert len(events("Second Factor Removed")) == 1
    assert signed_in(ada).get(HERE).status_code == 200


def test_where_the_policy_asks_for_it_nobody_removes_it(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, _ = with_second_factor(ada, clock, verified=True)
    in_force(ON)
    assert "Remove the second factor" not in text_of(client.get(SETTINGS))
    page = text_of(client.post(REMOVE, {"code": code_of(ada)}, follow=True))
    assert "policy asks for a second factor" in page
    assert TOTPDevice.objects.exists()


def test_a_removal_or_new_codes_are_not_had_before_the_code(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, codes = with_second_factor(ada, clock)
    for path in (REMOVE, NEW_CODES, SETTINGS):
        assert client.get(path)["Location"] == f"{CODE}?next={path}"
        assert client.post(path, {"code": codes[0]})["Location"] == f"{CODE}?next=/"
    assert TOTPDevice.objects.exists()
    assert StaticToken.objects.count() == 10


def test_an_operator_resets_a_lost_phone(ada: User, clock: time_machine.Traveller) -> None:
    client, _ = with_second_factor(ada, clock, verified=True)
    with setting_the_scene():
        call_command("reset_second_factor", "ada")
    assert client.get(HERE)["Location"].startswith("/sign-in/")
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    (event,) = events("Second Factor Reset")
    assert event.actor is not None
    assert event.actor.startswith("system:")
    assert event.details is not None
    assert event.details["person"] == "ada"
    with setting_the_scene(), pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", "ada")
    with setting_the_scene(), pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("reset_second_factor", "nobody")


# --- what the policy asks for ---------------------------------------------------------------------


@pytest.mark.usefixtures("vault_at_hand")  # a custodian is led to what the vault lists
@pytest.mark.parametrize("role", Role)
def test_the_policy_asks_all_who_may_read_and_no_others(north: Organization, role: Role) -> None:
    client = Caller(user=a_user(role, north)).client
    in_force(ON)
    answer = client.get("/", follow=True)
    is_asked = role.value in SECOND_FACTOR_ROLES
    assert ("Set up your second factor" in text_of(answer)) is is_asked
    in_force(OFF)
    assert "second factor" not in text_of(client.get("/", follow=True)).replace("Second", "")


def test_the_policy_of_one_organization_asks_its_own_people_only(north: Organization) -> None:
    page, south = "/password/", an_organization("south")
    of_north, of_south = (a_user(Role.AUDITOR, place) for place in (north, south))
    in_force("organizations: {south: {access_control: {second_factor: true}}}")
    assert Caller(user=of_north).get(page).status == 200
    assert Caller(user=of_south).get(page).headers["Location"] == f"{SET_UP}?next={page}"
    in_force(f"{ON}\norganizations: {{north: {{{OFF}}}}}")
    assert Caller(user=of_north).get(page).status == 200
    assert Caller(user=of_south).get(page).status == 302


def test_whoever_must_have_one_sets_it_up_before_anything_else(ada: User) -> None:
    in_force(ON)
    client = signed_in(ada)
    for path in (HERE, "/", "/password/", "/sessions/", "/nothing-at-all/", "/admin/nothing/"):
        assert client.get(path)["Location"] == f"{SET_UP}?next={path}"
    assert client.get(f"{CODE}?next={HERE}")["Location"] == f"{SET_UP}?next={HERE}"
    assert "Your organization's policy asks" in text_of(client.get(SET_UP))
    set_up(client, next=HERE)
    assert client.get(HERE).status_code == 200


# --- what is closed -------------------------------------------------------------------------------


def test_until_the_code_all_is_closed_but_the_way_in_and_out(
    ada: User, clock: time_machine.Traveller
) -> None:
    client, _ = with_second_factor(ada, clock)
    for path in ("/", "/admin/", "/nothing-at-all/", "/password/", "/sessions/", SETTINGS):
        assert client.get(path)["Location"] == f"{CODE}?next={path}"
        assert client.post(path)["Location"] == f"{CODE}?next=/"
    bearing = client.get("/admin/", headers={"Authorization": "Bearer nothing"})
    assert bearing.status_code == 302, "a page asks the session, whatever else is sent"
    for path in ("/healthz", "/metrics", "/api/v1/schema/", "/api/v1/docs/"):
        assert client.get(path).status_code == 200
    assert client.get("/sign-in/", follow=True).redirect_chain[-1][0] == f"{CODE}?next=/"
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("path", ["/api/v1/logs/", "/api/v1/nothing/", "/api", "/api/"])
def test_the_api_is_closed_to_the_session_too(
    ada: User, clock: time_machine.Traveller, path: str
) -> None:
    client, _ = with_second_factor(ada, clock)
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_needed")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"
    client.post(CODE, {"code": code_of(ada)})
    assert client.get(path).status_code == (200 if path == "/api/v1/logs/" else 404)


def test_a_service_with_a_token_is_not_concerned(
    ada: User, north: Organization, clock: time_machine.Traveller
) -> None:
    in_force(ON)
    service = Service(north)
    assert service.get("/api/v1/logs/").status == 200
    client, _ = with_second_factor(ada, clock)
    service.client.cookies = client.cookies
    assert service.get("/api/v1/logs/").status == 200
    for header in ("Bearer nothing", "bearer", "Basic YTpi", ""):
        answer = client.get("/api/v1/logs/", headers={"Authorization": header})
        assert answer.status_code == 401


def test_whoever_is_nobody_costs_no_query_and_a_person_one(
    ada: User, north: Organization, clock: time_machine.Traveller
) -> None:
    def asked(client: Client, path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        return sum("otp_" in query["sql"] for query in captured)

    client, _ = with_second_factor(ada, clock, verified=True)
    assert asked(client, HERE) == 1
    assert asked(Client(), HERE) == 0
    assert asked(client, "/healthz") == 0


def test_no_code_and_no_secret_gets_into_the_record_or_the_log(
    ada: User, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        client, codes = with_second_factor(ada, clock, verified=True)
        client.post(CODE, {"code": codes[0]})
    device = TOTPDevice.objects.get()
    kept = str(list(Event.objects.values())) + caplog.text
    secrets = [device.key, *codes, *(code.replace(" ", "") for code in codes)]
    assert not any(secret in kept for secret in secrets)
    assert device.key not in str(dict(client.session))
