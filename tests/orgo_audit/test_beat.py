"""Beat sends each task in its period, whatever is done to the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from orgo_audit.beat import Scheduler
from orgo_audit.celery import app
from orgo_audit.schedule import PERIODIC_WORK

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OFTEN = {work.name for work in PERIODIC_WORK if work.every <= timedelta(minutes=1)}


class Beat:
    """Ticks as the process does, and notes what it sends."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.scheduler = Scheduler(app=app)
        self.scheduler.producer = None  # no broker is asked
        self.scheduler._finalize.cancel()  # at the end of the run there is no database
        self.scheduler.apply_async = self._note

    def _note(self, entry: Any, **_: Any) -> None:
        self.sent.append(entry.name)

    def run_for(self, clock: time_machine.Traveller, period: timedelta) -> set[str]:
        """What was sent meanwhile."""
        self.sent.clear()
        left = period.total_seconds()
        while left > 0:
            pause = max(self.scheduler.tick(), 0.05)
            clock.shift(pause)
            left -= pause
        return set(self.sent)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=40)])
def test_periodic_work_goes_on_when_the_clock_is_set_back(
    as_worker: None, committed: None, back: timedelta
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        beat = Beat()
        assert beat.run_for(clock, timedelta(minutes=3)) >= OFTEN
        clock.shift(-back)
        assert beat.run_for(clock, timedelta(minutes=3)) >= OFTEN


def test_a_start_with_an_earlier_clock_goes_on(as_worker: None, committed: None) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        before = Beat()
        before.run_for(clock, timedelta(minutes=3))
        before.scheduler.sync()
        clock.shift(-timedelta(days=1))
        assert Beat().run_for(clock, timedelta(minutes=3)) >= OFTEN


def test_what_nobody_began_is_dropped_when_it_is_sent_again(
    as_worker: None, committed: None
) -> None:
    entries = Beat().scheduler.schedule
    for work in PERIODIC_WORK:
        assert timedelta(seconds=entries[work.name].options["expires"]) == work.every
