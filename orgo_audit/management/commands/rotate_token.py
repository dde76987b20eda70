"""Replaces a service's token by a new one and prints it, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgo_audit import token_changes
from orgo_audit.errors import OrgoError
from orgo_audit.management import tokens
from orgo_audit.operators import recorded_operator
from orgo_audit.periods import Period


class Command(BaseCommand):
    help = (
        "Makes a new token with a service's name and scopes and prints it, and nothing else, on"
        " stdout. The older ones hold on for the overlap, so that the service is never cut off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        tokens.add_choice(parser)
        parser.add_argument(
            "--overlap",
            type=tokens.overlap,
            default="24h",
            metavar="24h",
            help="how long the older ones still hold; 0h ends them at once; default: 24h",
        )
        tokens.add_expires(parser)

    def handle(
        self,
        *args: Any,
        name: str,
        organization: str | None,
        token_id: int | None,
        overlap: Period | None,
        expires: Period,
        **options: Any,
    ) -> None:
        now = timezone.now()
        otherwise = "make one with create_token"
        try:
            old = tokens.chosen_tokens(name, organization, token_id, now=now, otherwise=otherwise)
            made = token_changes.rotate(
                old, overlap=overlap, lifetime=expires, by=recorded_operator(), now=now
            )
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(made.text)
