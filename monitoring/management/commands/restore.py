"""Door of `restore`: puts a backup back, or proves in a drill that it could be."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring import backups
from monitoring.health_checks.database import DRILL
from monitoring.health_checks.models import CheckState, HealthCheckResult
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Restores a file that `backup` made. With --drill into a database of its own, which is"
        " compared row by row count and dropped again: the monthly health check wants one in 35"
        " days. Else, with --keys, into the portal's own database; then start `up` anew. Needs the"
        " owner's login."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dump", type=Path, metavar="FILE")
        parser.add_argument("--drill", action="store_true", help="touch nothing of the portal's")
        parser.add_argument("--keys", type=Path, metavar="KEYS", help="the folder of the keys")
        parser.add_argument(
            "--replace", action="store_true", help="drop what the portal's database holds"
        )

    def handle(
        self,
        *args: object,
        dump: Path,
        drill: bool,
        keys: Path | None,
        replace: bool,
        **options: object,
    ) -> None:
        if not dump.is_file():
            raise CommandError(f"{dump}: there is no such file")
        if drill:
            self._drill(dump)
            return
        if keys is None:
            raise CommandError("expected --keys KEYS, or --drill")
        try:
            backups.restore(dump, keys, replace=replace)
        except (OrgoError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("restored; start `up` anew, and read docs/operations.md, step 5")

    def _drill(self, dump: Path) -> None:
        """What came of it is kept beside the health checks."""
        began, started_at = time.perf_counter(), timezone.now()
        problem, rows = "", 0
        try:
            rows = backups.drill(dump).rows
        except (OrgoError, OSError) as error:
            problem = str(error)
        HealthCheckResult.objects.create(
            name=DRILL,
            state=CheckState.FAILED if problem else CheckState.OK,
            started_at=started_at,
            duration_ms=round(1000 * (time.perf_counter() - began)),
            detail="the drill failed" if problem else f"{rows:,} rows were restored and compared",
            facts={"rows": rows},
            asked_by=recorded_operator(),
        )
        if problem:
            raise CommandError(problem)
        self.stdout.write(f"ok\t{rows} rows were restored and compared")
