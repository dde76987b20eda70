"""`apply_retention`: the nightly run, by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.retention import applying
from logs.retention.intent import Intent, intend
from logs.retention.models import PlannedDestruction
from logs.retention.wording import events, part
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Closes months that are over, publishes what is to be destroyed, and destroys what was"
        " published long enough ago and is due: what the worker does each night. Safe to repeat."
        " With --dry-run, says what it would do and changes nothing. Exit code 1: something that"
        " is due has to wait, for approvals or for the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say it")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["dry_run"]:
                lines = list(_foreseen(intend(now)))
                self.stdout.write("\n".join(lines or ["nothing would change"]))
                return
            found = applying.run(now, self.stdout.write)
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        if not found:
            self.stdout.write("nothing is to be destroyed now")
        if any(one.rows is None for one in found):
            raise CommandError("not everything that is due could be destroyed")


def _foreseen(intended: Intent) -> Iterator[str]:
    for segment in intended.to_close:
        yield f"would close: {segment}, and publish what goes of it"
    for key in intended.to_publish:
        yield f"would publish: {part(*key)}"
    for row in intended.to_give_up:
        yield f"would give up: {_part(row)}"
    for row in intended.to_destroy:
        yield f"would destroy: {_part(row)}, {events(row.rows)}"
    for row in intended.unapproved:
        yield f"waits for approvals: {_part(row)}, {events(row.rows)}"


def _part(row: PlannedDestruction) -> str:
    return part(row.segment, row.whose)
