"""Makes a tenant."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgo_audit import people_changes
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = "Makes an organization: a tenant whose events, people and tokens nobody else sees."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its short name, such as north-campus")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        try:
            people_changes.create_organization(slug, by=recorded_operator())
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"organization {slug}")
