"""Runs a check and keeps what it found. Decides nothing about it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from monitoring.health_checks import registry
from monitoring.health_checks.base import Check, Outcome
from monitoring.health_checks.models import CheckState, HealthCheckResult

logger = logging.getLogger(__name__)
KEPT_FOR = timedelta(days=2 * 366)
_LOCK_CLASS = 0x686C7468  # any number, as long as nothing else in this database uses it


def run(name: str, *, asked_by: str = "") -> HealthCheckResult | None:
    """What this run found; None where the same check is just being made."""
    check = registry.known(name)
    with _alone(name) as is_alone:
        if not is_alone:
            return None
        began, started_at = time.perf_counter(), timezone.now()
        outcome = _outcome(check, started_at)
        return HealthCheckResult.objects.create(
            name=name,
            state=outcome.state,
            started_at=started_at,
            duration_ms=round(1000 * (time.perf_counter() - began)),
            detail=outcome.detail[:1000],
            facts=dict(outcome.facts),
            asked_by=asked_by,
        )


def latest() -> dict[str, HealthCheckResult]:
    """Each check's last result, where it has one."""
    newest = HealthCheckResult.objects.order_by("name", "-started_at", "-id").distinct("name")
    return {result.name: result for result in newest}


def failed_checks() -> list[HealthCheckResult]:
    """The last results of those whose last run failed, the drill of a restore among them."""
    return [result for result in latest().values() if result.state == CheckState.FAILED]


def forget(now: datetime) -> None:
    """The history is kept for two years."""
    HealthCheckResult.objects.filter(started_at__lt=now - KEPT_FOR).delete()


def _outcome(check: Check, now: datetime) -> Outcome:
    try:
        return check.run(now)
    except Exception as error:
        # A check that breaks is a finding, and the others are still made.
        logger.exception("a health check broke", extra={"check": check.name})
        return Outcome(CheckState.FAILED, f"the check itself broke ({type(error).__name__})")


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """For as long as this connection lives: a killed worker lets go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK_CLASS, name])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_LOCK_CLASS, name])
