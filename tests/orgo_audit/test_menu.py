"""The menu: the same on every page of a person, those of errors and accounts included."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import give_role
from orgo_audit.admin import site
from orgo_audit.menu import RECORD
from tests.builders import a_user, an_organization, setting_the_scene

pytestmark = pytest.mark.django_db
RECORD_MENU = list(RECORD.values())


@pytest.fixture
def home() -> Organization:
    return an_organization()


def signed_in(organization: Organization, *roles: Role) -> Client:
    user = a_user(roles[0], organization)
    with setting_the_scene():
        for role in roles[1:]:
            give_role(user, role, organization)
    client = Client()
    client.force_login(user)
    return client


def menu_of(client: Client, path: str) -> dict[str, str]:
    """The words of the menu, each with what `aria-current` says of it."""
    body = client.get(path).content.decode()
    menu = body.partition('<nav aria-label="Main">')[2].partition("</nav>")[0]
    links = re.findall(r'<a href="[^"]*"(?: aria-current="(\w+)")?>([^<]*)<', menu)
    return {words: current for current, words in links}


@pytest.mark.parametrize(
    "path", ["/admin/", "/sessions/", "/password/", "/admin/nothing/", "/nothing/"]
)
def test_an_admin_has_it_everywhere_in_the_order_of_use(home: Organization, path: str) -> None:
    assert list(menu_of(signed_in(home, Role.ADMIN), path)) == RECORD_MENU


@pytest.mark.parametrize("path", ["/cases/access-log/", "/sessions/", "/cases/nothing/"])
def test_an_auditor_has_the_restricted_areas(home: Organization, path: str) -> None:
    menu = menu_of(signed_in(home, Role.AUDITOR), path)
    assert list(menu) == ["Reveal requests", "Access log", "Certificates"]


def test_every_admin_page_is_in_it() -> None:
    assert {model.__name__ for model in site._registry} == set(RECORD)


def test_it_marks_the_page_and_whatever_is_below_it(home: Organization) -> None:
    admin = signed_in(home, Role.ADMIN)
    listed = menu_of(admin, "/admin/logs/legalhold/")
    assert {words for words, current in listed.items() if current} == {"Legal holds"}
    assert listed["Legal holds"] == "page"
    assert menu_of(admin, "/admin/logs/legalhold/add/")["Legal holds"] == "true"
    assert not any(menu_of(admin, "/admin/").values())


def test_who_is_in_both_worlds_has_a_way_across(home: Organization) -> None:
    client = signed_in(home, Role.ADMIN, Role.AUDITOR)
    assert list(menu_of(client, "/admin/")) == [*RECORD_MENU, "Reveal requests"]
    area = list(menu_of(client, "/cases/access-log/"))
    assert area == ["Reveal requests", "Access log", "Certificates", "The record"]


def test_whoever_has_nothing_has_no_menu(home: Organization) -> None:
    assert not menu_of(signed_in(home, Role.USER), "/")
    assert not menu_of(Client(), "/sign-in/")
