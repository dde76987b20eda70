"""Door of the health checks: makes them now, and prints a line for each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import get_args

from django.core.management.base import BaseCommand, CommandError

from monitoring.health_checks import registry, running
from monitoring.health_checks.models import CheckState
from orgo_audit.operators import recorded_operator
from orgo_audit.policy.schema import Frequency


class Command(BaseCommand):
    help = (
        "Makes the health checks now: all, those of one period, or those that are named. One line"
        " for each: state, name, seconds, what was found. Exit code 1 if one failed. The results"
        " are kept like those of the schedule."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME")
        parser.add_argument("--every", choices=get_args(Frequency), help="those of this period")

    def handle(
        self, *args: object, names: list[str], every: Frequency | None, **options: object
    ) -> None:
        if unknown := [name for name in names if name not in registry.CHECKS]:
            raise CommandError(f"{unknown[0]!r}: expected one of {', '.join(registry.CHECKS)}")
        frequencies = registry.frequencies()
        wanted = [name for name in names or frequencies if every in (None, frequencies[name])]
        failed = [name for name in wanted if not self._is_well(name)]
        if failed:
            raise CommandError(f"failed: {', '.join(failed)}")

    def _is_well(self, name: str) -> bool:
        result = running.run(name, asked_by=recorded_operator())
        if result is None:
            self.stdout.write(f"busy\t{name}\t-\tthis check is just being made")
            return True
        seconds = result.duration_ms / 1000
        self.stdout.write(f"{result.state}\t{name}\t{seconds:.1f} s\t{result.detail}")
        return result.state != CheckState.FAILED
