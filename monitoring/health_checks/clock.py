"""Whether our clock and the database's agree: events and deadlines are judged by both."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone

from monitoring.health_checks.base import Finding, Outcome, outcome_of

FARTHEST_SECONDS = 2.0


class Clock:
    name = "clock"
    verifies = "this machine's clock and the database's differ by less than two seconds"

    def run(self, now: datetime) -> Outcome:
        before = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            theirs = cursor.fetchone()[0]
        after = timezone.now()
        ours = before + (after - before) / 2
        seconds = abs((theirs - ours).total_seconds())
        told = f"the clocks differ by {seconds:.3f} s"
        facts = {"difference_seconds": round(seconds, 3)}
        return outcome_of([Finding(told, is_well=seconds <= FARTHEST_SECONDS, facts=facts)])
