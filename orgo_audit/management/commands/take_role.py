"""Takes a role in one organization from a person there is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from logs import interface
from orgo_audit.accounts.models import Role
from orgo_audit.accounts.people import get_organization, get_user, take_role
from orgo_audit.errors import OrgoError
from orgo_audit.management.operators import recorded_operator


class Command(BaseCommand):
    help = "Takes a role in one organization from a person there is; on record at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name the person signs in with")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--organization", required=True, metavar="SLUG")

    def handle(self, *args: Any, name: str, role: str, organization: str, **options: Any) -> None:
        try:
            tenant = get_organization(organization)
            with transaction.atomic():
                take_role(get_user(name), Role(role), tenant)
                told = {"person": name, "role": role}
                interface.report_administration("Role Taken", tenant, recorded_operator(), told)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"{role} {name} of {organization}: taken")
