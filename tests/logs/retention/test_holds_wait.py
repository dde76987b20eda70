"""While a destruction locks the holds, nobody waits for ever, at any door."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.contrib.messages import get_messages
from django.db import connections
from django.test import Client

from logs.retention import holds
from logs.retention.models import LegalHold
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.api import RETRY_AFTER_SECONDS
from orgo_audit.errors import Unavailable
from tests.builders import API, Caller, a_user, an_organization
from tests.commands import refused
from tests.database import login_of_default
from tests.logs.test_quarantine_pages import text_of
from tests.retention import HOLD_WISH, a_hold

pytestmark = pytest.mark.usefixtures("committed")

TOLD = "a destruction is under way; try again in a moment"
PAGE = "/admin/logs/legalhold/"
WISH = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "owner": "counsel",
    "organization": "north",
    "scope_kind": "task",
    "scope": "T1",
}


@pytest.fixture
def north(committed: None) -> Organization:
    return an_organization("north")


@pytest.fixture
def anna(north: Organization) -> User:
    return a_user(Role.ADMIN, north, "anna")


@pytest.fixture
def hold(north: Organization) -> LegalHold:
    return a_hold(north)


@pytest.fixture
def destruction(
    anna: User, hold: LegalHold, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    """What a destruction does first, and then takes its time."""
    monkeypatch.setattr(holds, "PATIENCE", "100ms")
    with psycopg.connect(**connections["owner"].get_connection_params()) as running:
        running.execute("LOCK TABLE logs_legalhold IN SHARE MODE")
        yield running


@pytest.mark.usefixtures("destruction")
def test_the_api_says_when_to_ask_again(anna: User, hold: LegalHold) -> None:
    caller = Caller(user=anna)
    for path, body in (("", HOLD_WISH), (f"{hold.pk}/release/", {})):
        answer = caller.post(f"{API}/legal-holds/{path}", body)
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert answer.json["detail"] == TOLD
        assert answer.headers["Retry-After"] == RETRY_AFTER_SECONDS
    nothing_was_done(hold)


def nothing_was_done(hold: LegalHold) -> None:
    [left] = LegalHold.objects.all()
    assert (left.pk, left.release_asked_by) == (hold.pk, "")


@pytest.mark.usefixtures("destruction")
def test_the_page_keeps_what_was_written(anna: User, hold: LegalHold) -> None:
    client = Client()
    client.force_login(anna)
    answer = client.post(f"{PAGE}add/", WISH)
    assert "A destruction is under way; try again in a moment." in text_of(answer)
    assert 'value="Roe against the organization"' in answer.content.decode()
    answer = client.post(f"{PAGE}{hold.pk}/release/", {"step": "ask"}, follow=True)
    (message,) = get_messages(answer.wsgi_request)
    assert str(message) == f"{TOLD.capitalize()}. Nothing was done."
    nothing_was_done(hold)


@pytest.mark.usefixtures("destruction")
def test_the_command_says_so_and_fails(hold: LegalHold) -> None:
    place = ("place", "--matter", "M", "--reason", "r", "--owner", "o", "--task", "T1")
    with login_of_default("worker"):
        for words in (place, ("release", str(hold.pk))):
            assert refused("hold", "--organization", "north", *words) == TOLD
    nothing_was_done(hold)


def test_who_tries_again_places_it(destruction: psycopg.Connection, north: Organization) -> None:
    with pytest.raises(Unavailable):
        a_hold(north)
    destruction.commit()
    a_hold(north)
    assert LegalHold.objects.count() == 2


@pytest.mark.usefixtures("destruction")
def test_looking_needs_no_wait(anna: User, hold: LegalHold) -> None:
    answer = Caller(user=anna).get(f"{API}/legal-holds/")
    assert [one["id"] for one in answer.json["results"]] == [str(hold.pk)]
    assert holds.rows_of(hold) == 0
