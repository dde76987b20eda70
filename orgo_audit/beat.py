"""Beat's scheduler. It must never let periodic work wait because the clock was set back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

# Another machine's clock may be a little ahead of ours.
TOLERANCE = timedelta(seconds=5)


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # it has no types
    """Celery's own waits until the time of the last run comes round again: hours, or days."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        latest = timezone.now() + TOLERANCE
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > latest]
        for entry in ahead:
            entry.last_run_at = entry.model.last_run_at = timezone.now()
        if ahead:
            self._heap = None  # it is ordered by the times that were wrong
        pause: float = super().tick(*args, **kwargs)
        return pause
