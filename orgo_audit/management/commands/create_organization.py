"""Makes a tenant."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from logs import interface
from orgo_audit.accounts.people import create_organization
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = "Makes an organization: a tenant whose events, people and tokens nobody else sees."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its short name, such as north-campus")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        try:
            with transaction.atomic():
                tenant = create_organization(slug)
                interface.sync_grants()
                interface.report_administration(
                    "Organization Created", tenant, recorded_operator(), {}
                )
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"organization {slug}")
