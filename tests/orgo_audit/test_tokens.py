"""A service token's life: made, rotated with an overlap, revoked, warned of; each on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from logs import interface
from logs.record.models import Event
from orgo_audit import token_changes
from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.accounts.token_states import (
    TokenState,
    ending_unreplaced,
    in_words,
    is_warning_due,
    state_of,
)
from orgo_audit.accounts.tokens import choose_tokens, find_token
from orgo_audit.errors import Conflict, NotFound, Unavailable
from orgo_audit.periods import Period
from orgo_audit.tasks import warn_of_expiring_tokens
from tests.builders import a_known_token, a_token, an_organization

DAY = timedelta(days=1)
NOW = timezone.now()


def a_row(**fields: object) -> ServiceToken:
    """A token that was never saved."""
    known = {"pk": 1, "name": "router", "organization_id": 1, "scopes": ["ingest"]}
    return ServiceToken(**{**known, "expires_at": NOW + 90 * DAY, **fields})


# --- what the dates say ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"expires_at": NOW + 15 * DAY}, TokenState.ACTIVE),
        ({"expires_at": NOW + 14 * DAY}, TokenState.EXPIRING),
        ({"expires_at": NOW + timedelta(microseconds=1)}, TokenState.EXPIRING),
        ({"expires_at": NOW}, TokenState.EXPIRED),
        ({"expires_at": NOW + 90 * DAY, "revoked_at": NOW}, TokenState.REVOKED),
        ({"expires_at": NOW - DAY, "revoked_at": NOW - 2 * DAY}, TokenState.REVOKED),
    ],
)
def test_a_token_is_active_expiring_expired_or_revoked(
    fields: dict[str, object], state: TokenState
) -> None:
    assert state_of(a_row(**fields), NOW) is state


@given(st.timedeltas(min_value=-400 * DAY, max_value=400 * DAY))
def test_a_listed_state_never_contradicts_what_the_door_does(left: timedelta) -> None:
    token = a_row(expires_at=NOW + left)
    assert token.is_valid_at(NOW) == (state_of(token, NOW) is not TokenState.EXPIRED)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (6 * DAY, "in 6 days"),
        (timedelta(hours=5, minutes=59), "in 5 hours"),
        (90 * DAY, "in 90 days"),
        (-3 * DAY, "3 days ago"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(seconds=30), "now"),
        (-timedelta(seconds=30), "now"),
    ],
)
def test_a_time_is_told_in_words(span: timedelta, words: str) -> None:
    assert in_words(NOW + span, NOW) == words


@pytest.mark.parametrize(
    ("left", "warned_before_end", "is_due"),
    [
        (20 * DAY, None, False),
        (14 * DAY, None, True),
        (10 * DAY, 14 * DAY, False),
        (DAY, 14 * DAY, True),
        (timedelta(hours=6), DAY, False),
        (timedelta(hours=6), None, True),
        (-DAY, None, False),
    ],
)
def test_a_token_is_warned_of_at_14_days_and_once_more_at_one(
    left: timedelta, warned_before_end: timedelta | None, is_due: bool
) -> None:
    end = NOW + left
    warned_at = end - warned_before_end if warned_before_end else None
    assert is_warning_due(a_row(expires_at=end, warned_at=warned_at), NOW) == is_due


@pytest.mark.parametrize(
    ("other", "is_told"),
    [
        ({"last_used_at": NOW}, False),
        ({}, True),  # made, and not yet in the service
        ({"last_used_at": NOW, "name": "parser"}, True),
        ({"last_used_at": NOW, "organization_id": 2}, True),
        ({"last_used_at": NOW, "scopes": ["read"]}, True),
        ({"last_used_at": NOW, "revoked_at": NOW}, True),
    ],
    ids=["used", "unused", "other service", "other organization", "may other things", "revoked"],
)
def test_a_token_whose_service_uses_a_longer_one_is_not_told(
    other: dict[str, object], is_told: bool
) -> None:
    ending = a_row(expires_at=NOW + DAY)
    assert ending_unreplaced([ending, a_row(pk=2, **other)], NOW) == [ending] * is_told


# --- rotation and revocation ----------------------------------------------------------------------


@pytest.fixture
def north(db: None) -> Organization:
    return an_organization("north")


def rotated(organization: Organization, overlap: Period | None, token_id: int | None = None) -> str:
    now = timezone.now()
    old = choose_tokens("email_parser", organization, token_id, now=now)
    period = Period(90, "day")
    return token_changes.rotate(old, overlap=overlap, lifetime=period, by="ada", now=now).text


def actions(organization: Organization) -> list[str | None]:
    return [event.action for event in Event.objects.filter(organization=organization)]


def test_after_a_rotation_both_tokens_open_until_the_overlap_ends(north: Organization) -> None:
    old = a_token(north, Scope.READ, Scope.INGEST, lives=30 * DAY)
    new = rotated(north, Period(24, "hour"))
    assert find_token(old)
    found = find_token(new)
    assert found is not None
    assert (found.name, found.scopes) == ("email_parser", ["ingest", "read"])
    ends = ServiceToken.objects.order_by("pk")[0].expires_at - timezone.now()
    assert timedelta(hours=23) < ends <= DAY


def test_without_an_overlap_the_old_token_ends_at_once(north: Organization) -> None:
    old = a_token(north)
    new = rotated(north, None)
    assert (find_token(old), bool(find_token(new))) == (None, True)


def test_no_rotation_makes_an_old_token_live_longer(north: Organization) -> None:
    a_token(north, lives=timedelta(hours=1))
    end = ServiceToken.objects.get().expires_at
    rotated(north, Period(7, "day"))
    assert ServiceToken.objects.order_by("pk")[0].expires_at == end


def test_tokens_of_different_scopes_are_rotated_one_by_one(north: Organization) -> None:
    ingest, read = a_known_token(north, Scope.INGEST), a_known_token(north, Scope.READ)
    with pytest.raises(Conflict, match=f"id {ingest.pk}: ingest; id {read.pk}: read"):
        rotated(north, None)
    found = find_token(rotated(north, None, read.pk))
    assert found is not None
    assert found.scopes == ["read"]
    ingest.refresh_from_db()
    assert ingest.is_valid_at(timezone.now())


def test_a_token_that_ended_meanwhile_is_neither_rotated_nor_revoked(north: Organization) -> None:
    token = a_known_token(north)
    now = timezone.now()
    token_changes.revoke([token], by="ada", now=now)
    with pytest.raises(Conflict, match="nothing was left"):
        token_changes.revoke([token], by="ada", now=now)
    with pytest.raises(Conflict, match="ended meanwhile"):
        token_changes.rotate([token], overlap=None, lifetime=Period(1, "day"), by="ada", now=now)
    assert ServiceToken.objects.count() == 1
    assert actions(north) == ["Token Revoked"]


def test_a_name_in_several_organizations_is_no_choice(north: Organization) -> None:
    a_token(north)
    a_token(an_organization("south"))
    with pytest.raises(Conflict, match="north, south"):
        choose_tokens("email_parser", None, None, now=timezone.now())
    with pytest.raises(NotFound, match="no valid token in north"):
        choose_tokens("nobody", north, None, now=timezone.now())


def test_another_spelling_of_a_service_is_refused_while_the_first_holds(
    north: Organization,
) -> None:
    token = a_known_token(north, name="router")
    with pytest.raises(Conflict, match="'router'"):
        a_token(north, name="Router")
    a_token(an_organization("south"), name="Router")
    token_changes.revoke([token], by="ada", now=timezone.now())
    a_token(north, name="Router")


def test_every_change_is_on_record_without_the_token_itself(north: Organization) -> None:
    now = timezone.now()
    lifetime = Period(90, "day")
    made = token_changes.create(
        "router", north, [Scope.READ], expires_at=lifetime.after(now), by="ada"
    )
    new = token_changes.rotate([made.token], overlap=None, lifetime=lifetime, by="ada", now=now)
    token_changes.revoke([new.token], by="ada", now=now)
    events = list(Event.objects.filter(organization=north).order_by("pk"))
    assert [(event.action, event.code, event.actor, event.outcome) for event in events] == [
        ("Token Created", "token.created", "ada", "success"),
        ("Token Rotated", "token.rotated", "ada", "success"),
        ("Token Revoked", "token.revoked", "ada", "success"),
    ]
    rotation = events[1].details
    assert rotation is not None
    assert (rotation["service"], rotation["token"]) == ("router", new.token.pk)
    assert rotation["replaced"] == [made.token.pk]
    told = str(list(Event.objects.values()))
    assert made.text not in told
    assert new.text not in told


def test_a_change_that_cannot_be_recorded_does_not_happen(
    north: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = a_known_token(north)

    def away(*words: object) -> None:
        raise Unavailable("the record is away")

    monkeypatch.setattr(interface, "report_administration", away)
    with pytest.raises(Unavailable):
        token_changes.revoke([token], by="ada", now=timezone.now())
    with pytest.raises(Unavailable):
        rotated(north, None)
    (kept,) = ServiceToken.objects.all()
    assert kept.is_valid_at(timezone.now())


# --- warnings -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_worker")
def test_an_expiring_token_is_told_once_and_again_on_its_last_day(north: Organization) -> None:
    a_token(north, name="lasting", lives=90 * DAY)
    token = a_known_token(north, name="ending", lives=10 * DAY)
    warn_of_expiring_tokens()
    warn_of_expiring_tokens()
    (event,) = Event.objects.filter(organization=north)
    assert (event.action, event.actor) == ("Token Expiring", "system:tokens")
    assert event.details is not None
    assert event.details["service"] == "ending"
    token_changes.warn_of_expiry(token.expires_at - timedelta(hours=20))
    token_changes.warn_of_expiry(token.expires_at - timedelta(hours=2))
    token_changes.warn_of_expiry(token.expires_at + DAY)
    assert actions(north) == ["Token Expiring"] * 2
