"""Roles are given and taken by hand, each on record, and take effect at once."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from logs.record.access import readable
from logs.record.models import Event
from orgo_audit.accounts.models import Role, User
from tests.builders import PASSWORD, a_user, an_organization

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


def reads(name: str) -> bool:
    return bool(readable(User.objects.get(username=name)))


def test_a_role_is_given_and_taken_and_both_are_events() -> None:
    organization = an_organization("north")
    a_user(Role.USER, organization, "ann")
    call_command("give_role", "ann", role="admin", organization="north")
    assert reads("ann")
    call_command("take_role", "ann", role="admin", organization="north")
    assert not reads("ann")
    events = Event.objects.filter(organization=organization, details__isnull=False).order_by("id")
    assert [event.action for event in events] == ["Role Given", "Role Taken"]
    assert all(event.actor and event.actor.startswith("system:") for event in events)


def test_nobody_becomes_admin_and_hr_manager_of_one_organization() -> None:
    a_user(Role.ADMIN, an_organization("north"), "ann")
    with pytest.raises(CommandError, match="cannot be admin and hr_manager"):
        call_command("give_role", "ann", role="hr_manager", organization="north")


@pytest.mark.parametrize(
    ("name", "sentence"), [("ann", "is no dpo"), ("nobody", "there is no user 'nobody'")]
)
def test_a_role_that_nobody_holds_cannot_be_taken(name: str, sentence: str) -> None:
    a_user(Role.ADMIN, an_organization("north"), "ann")
    with pytest.raises(CommandError, match=sentence):
        call_command("take_role", name, role="dpo", organization="north")


def test_people_tokens_and_organizations_are_made_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORGO_PASSWORD", PASSWORD)
    call_command("create_organization", "north")
    call_command("create_user", "ann", role="admin", organization="north")
    call_command("create_token", "router", "--organization", "north", "--scope", "ingest")
    events = Event.objects.filter(organization__slug="north").order_by("id")
    assert [event.action for event in events] == [
        "Organization Created",
        "User Created",
        "Token Created",
    ]
    assert PASSWORD not in str(list(events.values()))
