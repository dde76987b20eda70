"""Makes organizations and people and gives them roles. Never decides what a role may read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from orgo_audit.accounts.models import Membership, Organization, Role, ServiceToken, User
from orgo_audit.errors import BadInput, Conflict, NotFound
from orgo_audit.policy.schema import SLUG_PATTERN

# Whatever a request may come from.
Identity = User | ServiceToken | AnonymousUser


def group_name(organization: Organization, role: Role) -> str:
    """The Django group that holds a role's grants in one organization."""
    return f"{organization.slug}:{role.value}"


def role_of_group(group: Group) -> Role:
    """The role whose grants a group of `group_name` holds."""
    return Role(group.name.rpartition(":")[2])


def get_organization(slug: str) -> Organization:
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist:
        known = ", ".join(Organization.objects.order_by("slug").values_list("slug", flat=True)[:10])
        raise NotFound(f"there is no organization {slug!r}; known: {known or 'none'}") from None


@transaction.atomic
def create_organization(slug: str) -> Organization:
    """A new tenant with one group per role; Conflict if the slug is taken."""
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise BadInput(f"{slug!r} is no slug: small letters, digits, hyphens and underscores")
    organization, made = Organization.objects.get_or_create(slug=slug)
    if not made:
        raise Conflict(f"organization {slug!r} exists already")
    for role in Role:
        Group.objects.get_or_create(name=group_name(organization, role))
    return organization


@transaction.atomic
def create_user(
    name: str, *, role: Role, organization: Organization, password: str, email: str = ""
) -> User:
    """A new person with one role; Conflict if the name is taken."""
    if User.objects.filter(username=name).exists():
        raise Conflict(f"user {name!r} exists already")
    try:
        User(username=name, email=email).clean_fields(exclude=["password"])
    except ValidationError as error:
        wrong = "address" if "email" in error.message_dict else "user name"
        told = email if wrong == "address" else name
        raise BadInput(f"{told!r} is no {wrong}: {' '.join(error.messages)}") from None
    user = User.objects.create_user(username=name, password=password, email=email)
    give_role(user, role, organization)
    return user


def give_role(user: User, role: Role, organization: Organization) -> None:
    """Adds a role; Conflict where somebody would be admin and HR manager of one organization."""
    try:
        with transaction.atomic():
            Membership.objects.get_or_create(user=user, organization=organization, role=role)
    except IntegrityError:
        raise Conflict("one person cannot be admin and hr_manager of one organization") from None
    group, _ = Group.objects.get_or_create(name=group_name(organization, role))
    user.groups.add(group)
    user.__dict__.pop("held_memberships", None)


def take_role(user: User, role: Role, organization: Organization) -> None:
    """Takes a role away; NotFound where the person does not hold it."""
    taken, _ = Membership.objects.filter(user=user, organization=organization, role=role).delete()
    if not taken:
        raise NotFound(f"{user} is no {role.value} of {organization}")
    user.groups.remove(*Group.objects.filter(name=group_name(organization, role)))
    user.__dict__.pop("held_memberships", None)


def get_user(name: str) -> User:
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise NotFound(f"there is no user {name!r}") from None


def names_of(users: Iterable[int | None]) -> dict[int | None, str]:
    """The names of these accounts, by their ids; of nobody where there is none."""
    known = [pk for pk in users if pk is not None]
    return dict(User.objects.filter(pk__in=known).values_list("pk", "username"))


def organizations_with_role(identity: Identity, *roles: Role) -> list[Organization]:
    """Where an active person holds one of these roles. A leaver is nobody, and so is a token."""
    if not isinstance(identity, User) or not identity.is_active:
        return []
    held = {held.organization for held in identity.held_memberships if held.role in roles}
    return sorted(held, key=lambda organization: organization.slug)
