"""list_tokens, rotate_token and revoke_token, as an operator types them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.accounts.tokens import find_token
from tests.builders import a_known_token, a_token, an_organization
from tests.commands import refused, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

DAY = timedelta(days=1)


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


# --- list_tokens ----------------------------------------------------------------------------------


def test_the_list_tells_each_token_with_its_state(north: Organization) -> None:
    a_token(north, Scope.INGEST, Scope.READ, name="router", lives=90 * DAY + timedelta(hours=1))
    used = a_token(north, name="parser", lives=6 * DAY + timedelta(hours=1))
    find_token(used)
    a_token(an_organization("south"), name="gone", lives=-DAY)
    lines = [re.split("  +", line) for line in run("list_tokens").splitlines()]
    assert [[line[1], line[2], line[3], line[5], line[6], line[7]] for line in lines] == [
        ["NAME", "ORGANIZATION", "SCOPES", "LAST USED", "EXPIRES", "STATE"],
        ["parser", "north", "ingest", "now", "in 6 days", "expiring"],
        ["router", "north", "ingest,read", "never", "in 90 days", "active"],
        ["gone", "south", "ingest", "never", "1 day ago", "expired"],
    ]


def test_the_list_is_of_one_organization_where_that_is_asked(north: Organization) -> None:
    a_token(north, name="router")
    a_token(an_organization("south"), name="parser")
    assert "parser" not in run("list_tokens", "--organization", "north")
    assert "nowhere" in refused("list_tokens", "--organization", "nowhere")


def test_the_json_list_has_exact_times_and_no_digest(north: Organization) -> None:
    token = a_known_token(north, name="router")
    run("revoke_token", "router")
    (told,) = json.loads(run("list_tokens", "--json"))
    assert set(told) == {
        *("id", "name", "organization", "scopes", "state"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    }
    assert (told["id"], told["state"], told["last_used_at"]) == (token.pk, "revoked", None)
    assert told["expires_at"] == token.expires_at.isoformat().replace("+00:00", "Z")


def test_an_empty_list_says_so_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("list_tokens")
    told = capsys.readouterr()
    assert told.out == ""
    assert "There is no service token" in told.err
    call_command("list_tokens", "--json")
    assert json.loads(capsys.readouterr().out) == []


# --- rotate_token ---------------------------------------------------------------------------------


def test_the_new_token_stands_alone_on_stdout(
    north: Organization, capfd: pytest.CaptureFixture[str]
) -> None:
    old = a_token(north, Scope.READ, name="router", lives=30 * DAY)
    call_command("rotate_token", "router")
    printed = capfd.readouterr()
    assert printed.err == ""
    assert re.fullmatch(r"orgo_[\w-]{43}\n", printed.out)
    new = find_token(printed.out.strip())
    assert new is not None
    assert (new.name, new.organization, new.scopes) == ("router", north, ["read"])
    kept = find_token(old)
    assert kept is not None
    assert kept.expires_at <= timezone.now() + DAY


@pytest.mark.parametrize("overlap", ["0h", "0", "0d"])
def test_an_overlap_of_nothing_ends_the_old_token(north: Organization, overlap: str) -> None:
    old = a_token(north, name="router")
    assert find_token(run("rotate_token", "router", "--overlap", overlap).strip())
    assert find_token(old) is None


def test_overlap_and_expiry_are_those_that_were_said(north: Organization) -> None:
    a_token(north, name="router", lives=90 * DAY)
    run("rotate_token", "router", "--overlap", "2d", "--expires", "8w")
    old, new = ServiceToken.objects.order_by("pk")
    now = timezone.now()
    assert timedelta(0) <= now + 2 * DAY - old.expires_at < timedelta(minutes=5)
    assert timedelta(0) <= now + 56 * DAY - new.expires_at < timedelta(minutes=5)


def test_a_second_rotation_ends_all_that_came_before(north: Organization) -> None:
    old = a_token(north, name="router")
    middle = run("rotate_token", "router").strip()
    last = run("rotate_token", "router", "--overlap", "0h").strip()
    assert [bool(find_token(token)) for token in (old, middle, last)] == [False, False, True]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nobody"], "'nobody' has no valid token: make one with create_token"),
        (["router"], "north, south"),
        (["router", "--organization", "nowhere"], "nowhere"),
        (["router", "--overlap", "-1h"], "argument --overlap"),
        (["router", "--overlap", "soon"], "argument --overlap"),
        (["router", "--expires", "0d"], "argument --expires"),
        (["ended"], "has no valid token"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_rotation_that_cannot_be_is_refused_without_printing_a_token(
    north: Organization, words: list[str], told: str
) -> None:
    a_token(north, name="router")
    a_token(an_organization("south"), name="router")
    a_token(north, name="ended", lives=-DAY)
    assert told in refused("rotate_token", *words)
    assert ServiceToken.objects.count() == 3


def test_a_named_organization_is_the_only_one_that_changes(north: Organization) -> None:
    a_token(north, name="router")
    other = a_token(an_organization("south"), name="router")
    run("rotate_token", "router", "--organization", "north", "--overlap", "0h")
    assert find_token(other)
    (event,) = Event.objects.filter(action="Token Rotated")
    assert event.organization == north
    assert event.actor is not None
    assert event.actor.startswith("system:")


# --- revoke_token ---------------------------------------------------------------------------------


def test_a_revoked_service_is_refused_with_its_next_request(north: Organization) -> None:
    tokens = [a_token(north, name="router") for _ in range(2)]
    other = a_token(north, name="parser")
    printed = run("revoke_token", "router")
    assert printed.count("revoked: router of north, id ") == 2
    assert [find_token(token) for token in tokens] == [None, None]
    assert find_token(other)


def test_one_of_several_tokens_is_revoked_by_its_id(north: Organization) -> None:
    first, second = a_token(north, name="router"), a_token(north, name="router")
    token_id = ServiceToken.objects.earliest("pk").pk
    run("revoke_token", "router", "--id", str(token_id))
    assert (find_token(first), bool(find_token(second))) == (None, True)
    assert "with the id" in refused("revoke_token", "router", "--id", str(token_id))


def test_revoking_again_says_that_nothing_was_left(north: Organization) -> None:
    a_token(north, name="router")
    run("revoke_token", "router")
    assert "nothing was left to revoke" in refused("revoke_token", "router")
    assert Event.objects.filter(action="Token Revoked").count() == 1
