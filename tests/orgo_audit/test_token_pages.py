"""Service tokens in Django admin: an admin's own, shown once, changed on record."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken
from orgo_audit.accounts.tokens import find_token
from tests.builders import Service, a_known_token, a_token, a_user, an_organization

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/servicetoken/"
DAY = timedelta(days=1)
CREATED = {
    "name": "router",
    "organization": "north",
    "scopes": ["ingest", "read"],
    "lifetime": "30 days",
}
ROTATED = {"overlap": "24 hours", "lifetime": "90 days"}


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


@pytest.fixture
def admin(north: Organization) -> Client:
    client = Client()
    client.force_login(a_user(Role.ADMIN, north, "ada"))
    return client


def text_of(answer: Any) -> str:
    """The page's words as a person reads them, between single spaces."""
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def shown_token(answer: Any) -> str:
    found = re.findall(r"orgo_[\w-]{43}", text_of(answer))
    assert len(found) == 1, "a new token is shown once"
    return str(found[0])


def where(token: ServiceToken, change: str) -> str:
    return f"{LIST}{token.pk}/{change}/"


# --- the list -------------------------------------------------------------------------------------


def test_the_list_says_how_each_token_stands(admin: Client, north: Organization) -> None:
    find_token(a_token(north, name="parser", lives=6 * DAY + timedelta(hours=1)))
    a_token(north, name="router", lives=90 * DAY)
    a_token(north, name="ancient", lives=-DAY)
    page = text_of(admin.get(LIST))
    assert "2 valid tokens" in page
    assert re.search(r"parser id \d+ expiring in 6 days .* now ", page)
    assert re.search(r"router id \d+ active in 90 days .* never ", page)
    assert page.index("Ended tokens") < page.index("ancient")


def test_an_empty_list_leads_to_the_first_token(admin: Client) -> None:
    page = admin.get(LIST)
    assert "No service has a valid token" in text_of(page)
    assert f'href="{LIST}add/"' in page.content.decode()


def test_a_long_list_asks_no_more_than_a_short_one(admin: Client, north: Organization) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(LIST).status_code == 200
        return len(captured)

    a_token(north)
    few = queries()
    for number in range(30):
        a_token(north, name=f"service-{number}")
    assert queries() == few


def test_nobody_sees_or_changes_another_organizations_tokens(
    admin: Client, north: Organization
) -> None:
    south = an_organization("south")
    token = a_known_token(south, name="southern")
    assert "southern" not in text_of(admin.get(LIST))
    for change in ("rotate", "revoke"):
        assert admin.get(where(token, change)).status_code == 404
        assert admin.post(where(token, change), ROTATED).status_code == 404
    answer = admin.post(f"{LIST}add/", CREATED | {"organization": "south"})
    assert "Select a valid choice" in text_of(answer)
    assert ServiceToken.objects.get().is_valid_at(timezone.now())


# --- changes --------------------------------------------------------------------------------------


def test_a_new_token_is_shown_once_and_opens_the_api(admin: Client, north: Organization) -> None:
    answer = admin.post(f"{LIST}add/", CREATED)
    assert "no-store" in answer["Cache-Control"]
    token = find_token(shown_token(answer))
    assert token is not None
    assert (token.name, token.organization, token.scopes) == ("router", north, ["ingest", "read"])
    assert timedelta(days=29) < token.expires_at - timezone.now() <= 30 * DAY
    (event,) = Event.objects.filter(organization=north, action="Token Created")
    assert event.actor == "ada"
    for page in (admin.get(LIST), admin.get(f"{LIST}add/"), admin.get("/admin/")):
        assert "orgo_" not in text_of(page).replace("orgo_session", "")
    assert "orgo_" not in str(dict(admin.session))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": ""}, "required"),
        ({"name": "an na"}, "is no service name"),
        ({"name": "portal"}, "is the source of the"),
        ({"name": "ROUTER"}, "'router'; write it the same"),
        ({"scopes": []}, "required"),
        ({"scopes": ["admin"]}, "Select a valid choice"),
        ({"lifetime": "for ever"}, "Select a valid choice"),
        ({"lifetime": ""}, "required"),
    ],
    ids=str,
)
def test_a_form_that_cannot_be_used_says_why(
    admin: Client, north: Organization, wrong: dict[str, Any], told: str
) -> None:
    a_token(north, name="router")
    answer = admin.post(f"{LIST}add/", CREATED | wrong)
    assert told in text_of(answer)
    assert 'role="alert"' in answer.content.decode()
    assert ServiceToken.objects.count() == 1


def test_a_rotation_shows_the_new_token_and_says_when_the_old_one_ends(
    admin: Client, north: Organization
) -> None:
    old = Service(north, name="router")
    (token,) = ServiceToken.objects.all()
    assert "router" in text_of(admin.get(where(token, "rotate")))
    answer = admin.post(where(token, "rotate"), ROTATED | {"overlap": "1 hour"})
    new = find_token(shown_token(answer))
    assert new is not None
    assert new.scopes == token.scopes
    assert re.search(f"The old token, id {token.pk}, ends in (1 hour|59 minutes)", text_of(answer))
    assert old.get("/api/v1/logs/").status == 200
    token.refresh_from_db()
    assert token.expires_at <= timezone.now() + timedelta(hours=1)


def test_a_rotation_without_an_overlap_says_that_the_old_one_has_ended(
    admin: Client, north: Organization
) -> None:
    token = a_known_token(north)
    answer = admin.post(where(token, "rotate"), ROTATED | {"overlap": "none"})
    assert "has ended" in text_of(answer)
    again = admin.post(where(token, "rotate"), ROTATED)
    assert "This token has ended meanwhile" in text_of(again)


def test_a_revocation_is_asked_about_and_takes_effect_at_once(
    admin: Client, north: Organization
) -> None:
    service = Service(north, name="router")
    (token,) = ServiceToken.objects.all()
    assert "Revoke the token of router?" in text_of(admin.get(where(token, "revoke")))
    assert service.get("/api/v1/logs/").status == 200
    answer = admin.post(where(token, "revoke"), follow=True)
    assert f"The token {token.pk} of router is revoked." in text_of(answer)
    assert service.get("/api/v1/logs/").status == 401
    again = admin.post(where(token, "revoke"), follow=True)
    assert "Nothing was left to revoke." in text_of(again)


@pytest.mark.parametrize("change", ["add/", "1/rotate/", "1/revoke/"])
def test_no_change_is_made_without_the_forms_secret(admin: Client, change: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(f"{LIST}{change}", CREATED).status_code == 403


# --- the front page -------------------------------------------------------------------------------


def test_the_front_page_names_tokens_that_are_about_to_be_lost(
    admin: Client, north: Organization
) -> None:
    token = a_known_token(north, name="router", lives=3 * DAY + timedelta(hours=1))
    a_token(north, name="lasting", lives=90 * DAY)
    a_token(an_organization("south"), name="southern", lives=DAY)
    page = text_of(admin.get("/admin/"))
    assert "1 service token expires soon." in page
    assert "router of north, in 3 days" in page
    assert "2 tokens open the API" in page
    assert "southern" not in page
    new = shown_token(admin.post(where(token, "rotate"), ROTATED))
    assert "router of north" in text_of(admin.get("/admin/")), "the service has not got it yet"
    find_token(new)
    assert "expires soon" not in text_of(admin.get("/admin/"))


def test_the_curl_example_is_one_that_the_token_may_run(admin: Client, north: Organization) -> None:
    writing = text_of(admin.post(f"{LIST}add/", CREATED))
    assert "/api/v1/activity-logs/" in writing
    reading = text_of(admin.post(f"{LIST}add/", CREATED | {"scopes": [Scope.READ.value]}))
    assert "/api/v1/logs/?page_size=1" in reading
    assert "Try it" not in text_of(admin.post(f"{LIST}add/", CREATED | {"scopes": ["alerts"]}))
