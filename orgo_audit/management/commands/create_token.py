"""Makes a service's token and prints it, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgo_audit import token_changes
from orgo_audit.accounts.models import Scope
from orgo_audit.accounts.people import get_organization
from orgo_audit.errors import OrgoError
from orgo_audit.management import tokens
from orgo_audit.operators import recorded_operator
from orgo_audit.periods import Period


class Command(BaseCommand):
    help = (
        "Makes a token for a service and prints it, and nothing else, on stdout. It is shown only"
        " this once; NAME becomes the `source` of the service's events."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the service, such as email_parser")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--scope",
            required=True,
            type=tokens.scopes,
            metavar="ingest[,read,alerts]",
            dest="scopes",
        )
        tokens.add_expires(parser)

    def handle(
        self,
        *args: Any,
        name: str,
        organization: str,
        scopes: list[Scope],
        expires: Period,
        **options: Any,
    ) -> None:
        try:
            made = token_changes.create(
                name,
                get_organization(organization),
                scopes,
                expires_at=expires.after(timezone.now()),
                by=recorded_operator(),
            )
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(made.text)
