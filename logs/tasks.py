"""Celery's door: the record's periodic work. Each task is one call and safe to run twice."""

from __future__ import annotations

import logging

from celery import Task, shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from logs.cases import notices
from logs.record import access, beats, bounds, partitions, policy_loading, reclassification
from logs.retention import applying, erasing

logger = logging.getLogger(__name__)


def nudge(task: Task[[], None]) -> None:
    """Asks the worker to do this soon; if the broker is away, the schedule does it later."""
    transaction.on_commit(lambda: _send(task))


def _send(task: Task[[], None]) -> None:
    try:
        task.apply_async(retry=False)
    except OperationalError:
        logger.warning("the broker is away; the schedule will run the task")


@shared_task
def load_policy() -> None:
    """Picks up a changed policy file, and puts the accepted policy's grants into force."""
    policy_loading.load(settings.ORGO_POLICY)


@shared_task
def sync_grants() -> None:
    """Puts the policy's grants into force after a person accepted it."""
    access.sync_grants()


@shared_task
def make_segments() -> None:
    """Makes the coming months' segments."""
    partitions.make_segments(timezone.now())


@shared_task
def reclassify() -> None:
    """Moves what has become sensitive since it was stored to the vault."""
    reclassification.run()


@shared_task
def watch_processes() -> None:
    """Shows that beat and worker are at work."""
    beats.watch(timezone.now())


@shared_task
def send_notices() -> None:
    """Tells people by mail that something happened in the restricted area."""
    notices.send_waiting(timezone.now())


@shared_task
def apply_retention() -> None:
    """At night: publishes what is to be destroyed, and destroys what was published in time."""
    applying.run_at_night(timezone.now())


@shared_task
def erase_on_request() -> None:
    """Plans which ordinary events a person's erasure would destroy; destroys what was approved."""
    erasing.run(timezone.now())


@shared_task
def prune_quarantine() -> None:
    """Keeps the quarantine within its bounds, and counts what waits there."""
    bounds.prune_quarantine(timezone.now())


@shared_task
def forget_spent_rows() -> None:
    """Removes what has served: idempotency keys and read marks."""
    bounds.forget_spent_rows(timezone.now())
