"""When retention last ran, and whether a night was missed."""

from __future__ import annotations

from datetime import datetime, timedelta

from logs.retention.models import RetentionRun
from orgo_audit.policy.models import PolicyVersion

# The passes of one night are over by 05:00 UTC, those of the next begin at 01:00.
NIGHT_HOURS = range(1, 5)
# What was interrupted goes on sooner.
BETWEEN_PASSES = timedelta(minutes=55)
# A machine that is off at night runs as soon as it can.
LONGEST_PAUSE = timedelta(hours=20)
LATE_AFTER = timedelta(hours=26)


def last_finished() -> datetime | None:
    """When the newest run that got to its end did so."""
    finished = RetentionRun.objects.exclude(finished_at=None).order_by("-finished_at")
    return finished.values_list("finished_at", flat=True).first()


def is_time(now: datetime) -> bool:
    """Whether a pass is to be made: each hour of the night, or the last one is too long ago."""
    last = last_finished()
    pause = BETWEEN_PASSES if now.hour in NIGHT_HOURS else LONGEST_PAUSE
    return last is None or last <= now - pause


def is_overdue(now: datetime) -> bool:
    """Whether the nightly run did not happen. Before the first policy there is nothing to run."""
    since = last_finished() or (
        PolicyVersion.objects.order_by("loaded_at").values_list("loaded_at", flat=True).first()
    )
    return since is not None and since <= now - LATE_AFTER
