"""The one table of periodic work: every row names a task there is, and says when and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings

from orgo_audit.celery import app
from orgo_audit.schedule import BEAT_SCHEDULE, PERIODIC_WORK


@pytest.mark.parametrize("work", PERIODIC_WORK, ids=lambda work: work.name)
def test_every_row_names_a_task_that_exists(work: object) -> None:
    app.loader.import_default_modules()
    assert getattr(work, "task", "") in app.tasks


@pytest.mark.parametrize("work", PERIODIC_WORK, ids=lambda work: work.name)
def test_every_row_says_how_often_and_why(work: object) -> None:
    assert timedelta(seconds=1) <= getattr(work, "every", timedelta()) <= timedelta(days=31)
    assert getattr(work, "why", "")


def test_beat_runs_the_table_and_nothing_else() -> None:
    assert settings.CELERY_BEAT_SCHEDULE is BEAT_SCHEDULE
    assert current_app.conf.beat_schedule == BEAT_SCHEDULE
    assert len(BEAT_SCHEDULE) == len(PERIODIC_WORK)
