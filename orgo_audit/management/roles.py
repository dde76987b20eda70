"""What `give_role` and `take_role` share: one change of one person's role, on record at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar, Protocol

from django.core.management.base import BaseCommand, CommandError

from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import get_organization, get_user
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Change(Protocol):
    def __call__(self, user: User, role: Role, organization: Organization, *, by: str) -> None: ...


class RoleCommand(BaseCommand):
    """A command that changes a role by `change`, and says what is `done`."""

    change: ClassVar[Change]
    done: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name the person signs in with")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--organization", required=True, metavar="SLUG")

    def handle(self, *args: Any, name: str, role: str, organization: str, **options: Any) -> None:
        try:
            tenant = get_organization(organization)
            self.change(get_user(name), Role(role), tenant, by=recorded_operator())
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"{self.done}: {role} {name} of {organization}")
