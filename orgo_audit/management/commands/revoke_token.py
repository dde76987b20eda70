"""Ends a service's tokens at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgo_audit import token_changes
from orgo_audit.errors import OrgoError
from orgo_audit.management import tokens
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Ends all valid tokens of a service, or one of them: the next request with it is refused."
        " Exit code 1 where nothing was left to revoke."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        tokens.add_choice(parser)

    def handle(
        self, *args: Any, name: str, organization: str | None, token_id: int | None, **options: Any
    ) -> None:
        now = timezone.now()
        otherwise = "nothing was left to revoke"
        try:
            old = tokens.chosen_tokens(name, organization, token_id, now=now, otherwise=otherwise)
            ended = token_changes.revoke(old, by=recorded_operator(), now=now)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        for token in ended:
            self.stdout.write(f"revoked: {name} of {token.organization}, id {token.pk}")
