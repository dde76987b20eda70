"""Makes organizations and people, gives and takes roles. Never without an event beside the change.

What is refused, and why, `accounts.people` says.
"""

from __future__ import annotations

from django.db import transaction

from logs import interface
from orgo_audit.accounts import people
from orgo_audit.accounts.models import Organization, Role, User


@transaction.atomic
def create_organization(slug: str, *, by: str) -> Organization:
    """A new tenant whose people may read at once what the policy lets them."""
    organization = people.create_organization(slug)
    interface.sync_grants()
    interface.report_administration("Organization Created", organization, by, {})
    return organization


@transaction.atomic
def create_user(
    name: str, *, role: Role, organization: Organization, password: str, by: str, email: str = ""
) -> None:
    """A new person with one role."""
    people.create_user(name, role=role, organization=organization, password=password, email=email)
    told = {"created": name, "role": role.value}
    interface.report_administration("User Created", organization, by, told)


@transaction.atomic
def give_role(user: User, role: Role, organization: Organization, *, by: str) -> None:
    """Adds a role to a person."""
    people.give_role(user, role, organization)
    _report("Role Given", user, role, organization, by)


@transaction.atomic
def take_role(user: User, role: Role, organization: Organization, *, by: str) -> None:
    """Takes a role away from a person."""
    people.take_role(user, role, organization)
    _report("Role Taken", user, role, organization, by)


def _report(action: str, user: User, role: Role, organization: Organization, by: str) -> None:
    told = {"person": user.get_username(), "role": role.value}
    interface.report_administration(action, organization, by, told)
