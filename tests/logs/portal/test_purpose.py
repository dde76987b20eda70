"""Whoever looks at cases has said what for: asked once a session, carried by every look."""

from __future__ import annotations

from uuid import uuid4

import pytest

from orgo_audit.accounts.models import Organization
from tests.builders import an_organization
from tests.logs.portal.desk import Desk, looks_of, words_of
from tests.vault_at_hand import VaultAtHand

pytestmark = pytest.mark.django_db
ASK = "/cases/purpose/"


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def desk(home: Organization) -> Desk:
    """Somebody who has not said anything yet."""
    return Desk(home, purpose="")


def test_no_page_shows_anything_before_a_purpose_is_given(desk: Desk, home: Organization) -> None:
    code = uuid4()
    for path in (
        "/cases/",
        "/cases/counts/",
        "/cases/export/",
        f"/cases/{code}/",
        f"/cases/{code}/export/",
        f"/cases/{code}/reveal-request/",
    ):
        assert "What are you here for?" in desk.page(path)
    assert looks_of(home) == []


def test_the_wanted_address_is_kept(desk: Desk) -> None:
    body = desk.get("/cases/?state=open").content.decode()
    assert '<input type="hidden" name="next" value="/cases/?state=open">' in body
    answer = desk.post(ASK, {"purpose": "reporting", "next": "/cases/?state=open"})
    assert (answer.status_code, answer["Location"]) == (302, "/cases/?state=open")


def test_the_purpose_stands_on_the_page_and_in_the_log(desk: Desk, home: Organization) -> None:
    desk.post(ASK, {"purpose": "other", "words": "Yearly <report>"})
    assert "Purpose: Yearly <report> · change" in desk.page("/cases/")
    assert looks_of(home) == [("list", "", "Yearly <report>")]


def test_a_purpose_can_be_changed_and_leads_back(desk: Desk, home: Organization) -> None:
    desk.post(ASK, {"purpose": "work"})
    page = desk.client.get(ASK, headers={"Referer": "http://testserver/cases/counts/"})
    assert 'value="/cases/counts/"' in page.content.decode()
    answer = desk.post(ASK, {"purpose": "handover", "next": "/cases/counts/"})
    assert answer["Location"] == "/cases/counts/"
    desk.get("/cases/counts/")
    assert looks_of(home) == [("counts", "", "Handover")]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({}, "Choose what you are here for."),
        ({"purpose": "curiosity"}, "Choose one of these."),
        ({"purpose": "other"}, "Say in a few words"),
        ({"purpose": "other", "words": " \t "}, "Say in a few words"),
        ({"purpose": "other", "words": "x" * 151}, "at most 150 characters"),
        ({"purpose": "other", "words": "a\0b"}, "Null characters"),
    ],
)
def test_what_is_no_purpose_is_refused_and_what_was_typed_stays(
    desk: Desk, told: dict[str, str], complaint: str
) -> None:
    answer = desk.post(ASK, {**told, "next": "/cases/counts/"})
    assert answer.status_code == 400
    assert complaint in words_of(answer)
    assert 'value="/cases/counts/"' in answer.content.decode()
    assert "What are you here for?" in desk.page("/cases/")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/cases/",
        "/admin/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/cases/\nx",
        "cases/",
    ],
)
def test_no_address_leads_out_of_the_area(desk: Desk, address: str) -> None:
    answer = desk.post(ASK, {"purpose": "work", "next": address})
    assert answer["Location"].startswith("/cases/")


def test_a_page_of_another_site_is_not_led_back_to(desk: Desk) -> None:
    answer = desk.client.get(ASK, headers={"Referer": "https://evil.example/cases/counts/"})
    assert 'name="next" value="/cases/"' in answer.content.decode()


def test_a_new_session_is_asked_again(desk: Desk, home: Organization) -> None:
    desk.post(ASK, {"purpose": "work"})
    again = Desk(home, user=desk.user, purpose="")
    assert "What are you here for?" in again.page("/cases/")
    desk.client.post("/sign-out/")
    desk.client.force_login(desk.user)
    assert "What are you here for?" in desk.page("/cases/")
