"""`apply_retention`: the nightly run, by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.retention import applying
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Closes months that are over, publishes what is to be destroyed, and destroys what was"
        " published long enough ago and is due: what the worker does each night. Safe to repeat."
        " With --dry-run, says what it would do and changes nothing. Exit code 1: something that"
        " is due has to wait for the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say it")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["dry_run"]:
                self._say(applying.intend(now))
                return
            destroyed = applying.run(now)
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        for line in applying.described(destroyed):
            self.stdout.write(line)
        if not destroyed:
            self.stdout.write("nothing is to be destroyed now")
        if any(one.rows is None for one in destroyed):
            raise CommandError("not everything that is due could be destroyed")

    def _say(self, intended: applying.Intent) -> None:
        for (segment, organization), _ in intended.to_publish.items():
            self.stdout.write(f"would publish: {segment}{_whose(organization)}")
        for row in intended.to_give_up:
            slug = row.organization.slug if row.organization else None
            self.stdout.write(f"would give up: {row.segment}{_whose(slug)}")
        for row in intended.to_destroy:
            slug = row.organization.slug if row.organization else None
            told = f"would destroy: {row.segment}{_whose(slug)}, {row.rows} events"
            self.stdout.write(told)
        if not (intended.to_publish or intended.to_give_up or intended.to_destroy):
            self.stdout.write("nothing would change")


def _whose(organization: str | None) -> str:
    return f", {organization}" if organization else ""
