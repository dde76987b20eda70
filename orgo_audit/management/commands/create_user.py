"""Makes a person with a role."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgo_audit import people_changes
from orgo_audit.accounts.models import Role
from orgo_audit.accounts.people import get_organization
from orgo_audit.errors import OrgoError
from orgo_audit.management.passwords import new_password
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Makes a person with one role in one organization. The password comes from ORGO_PASSWORD,"
        " else it is asked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--email", default="", metavar="ADDRESS", help="where to write to; default: the name"
        )

    def handle(
        self, *args: Any, name: str, role: str, organization: str, email: str, **options: Any
    ) -> None:
        try:
            tenant = get_organization(organization)
            password = new_password(name)
            people_changes.create_user(
                name,
                role=Role(role),
                organization=tenant,
                password=password,
                email=email,
                by=recorded_operator(),
            )
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"{role} {name} of {organization}")
