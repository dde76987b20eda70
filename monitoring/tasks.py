"""Celery's door to what watches the platform. Each task is one call and safe to run twice."""

from __future__ import annotations

import logging

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from monitoring import pinging, watching
from monitoring.alerting import alerts, answers
from monitoring.delivery import alertmanager, sending
from monitoring.delivery.base import ChannelError
from monitoring.health_checks import queue, running, scheduling

logger = logging.getLogger(__name__)
BY_HAND = "by hand"


def nudge(task: Task[..., None], *arguments: str | bool) -> bool:
    """Asks the worker to do this soon; False where the broker is away."""
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError:
        logger.warning("the broker is away; the schedule will run the task")
        return False
    return True


@shared_task
def watch() -> None:
    """Judges all rules and brings alerts into line with them."""
    watching.watch(timezone.now())
    nudge(deliver)


@shared_task
def deliver() -> None:
    """Tells people what waits to be told."""
    sending.deliver(timezone.now(), answers.described)


@shared_task
def post_to_alertmanager() -> None:
    """Repeats what is open: for Alertmanager, what is not repeated is over."""
    if not settings.ALERTMANAGER_URL:
        return
    now = timezone.now()
    try:
        alertmanager.post(alerts.lasting(now), settings.ORGO_PUBLIC_URL, now)
    except ChannelError as problem:
        logger.warning("Alertmanager was not told", extra={"code": problem.code})


@shared_task
def run_health_check(name: str, by_hand: bool = False) -> None:
    """Makes one check and keeps what it found. Who asked is on record, not in an argument."""
    running.run(name, asked_by=BY_HAND if by_hand else "")


@shared_task
def plan_health_checks() -> None:
    """Keeps beat's table equal to the policy; what was never checked is checked now."""
    for name in scheduling.plan():
        nudge(run_health_check, name)
    running.forget(timezone.now())


@shared_task
def ping() -> None:
    """Tells an outside watchman that the watch goes on; it raises the alarm when nothing comes."""
    if settings.ORGO_PING_URL and watching.is_fresh(timezone.now()):
        pinging.ping(settings.ORGO_PING_URL)


@shared_task
def count_hours() -> None:
    """Counts events and waiting tasks, judges e-mail volumes, forgets alerts that are long over."""
    queue.sample(timezone.now())
    watching.watch_volumes(timezone.now())
    alerts.forget_old(timezone.now())
