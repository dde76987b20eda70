"""Makes a tenant."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from logs import interface
from orgo_audit.accounts.people import create_organization
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = "Makes an organization: a tenant whose events, people and tokens nobody else sees."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its short name, such as north-campus")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        try:
            create_organization(slug)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        interface.sync_grants()
        self.stdout.write(f"organization {slug}")
