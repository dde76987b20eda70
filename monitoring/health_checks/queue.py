"""Whether work moves through the queue: the broker answers, little waits, and passes are made."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError
from redis import RedisError

from monitoring.alerting.models import WatchMark
from monitoring.health_checks.base import Finding, Outcome, outcome_of
from monitoring.health_checks.models import QueueSample

QUEUE = "celery"  # Celery's own name for the only one
LIMIT_SECONDS = 5
# The watch goes through the queue three times a minute.
SILENT_AFTER = timedelta(minutes=3)
# Periodic work that nobody began is dropped, so a queue as long is a stuck worker.
LONGEST_QUEUE = 1_000
SAMPLES_KEPT_FOR = timedelta(days=32)
# A queue that is asked for may fail in the words of Redis.
_AWAY = (OperationalError, ChannelError, RedisError, OSError)


class Queue:
    name = "queue"
    verifies = "the broker answers, few tasks wait, and work moved within three minutes"

    def run(self, now: datetime) -> Outcome:
        return outcome_of([_depth(), _activity(now)])


def sample(now: datetime) -> None:
    """Keeps how many tasks wait, and forgets what no chart shows any more."""
    with suppress(*_AWAY):  # a gap in the chart
        QueueSample.objects.get_or_create(measured_at=now, defaults={"waiting": waiting()})
    QueueSample.objects.filter(measured_at__lt=now - SAMPLES_KEPT_FOR).delete()


def _depth() -> Finding:
    try:
        number = waiting()
    except _AWAY:
        return Finding("the broker does not answer, or has no queue of ours", is_well=False)
    told, facts = f"{number:,} tasks wait", {"depth": number}
    return Finding(told, is_well=number <= LONGEST_QUEUE, facts=facts)


def waiting() -> int:
    """Declared as the worker does it: an empty list is none in Redis, and no error then."""
    with Connection(
        settings.CELERY_BROKER_URL,
        connect_timeout=LIMIT_SECONDS,
        transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS | _limits(),
    ) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=LIMIT_SECONDS)
        channel: Any = broker.default_channel  # its types lack what every transport has
        return int(channel.queue_declare(QUEUE, durable=True, auto_delete=False)[1])


def _limits() -> dict[str, int]:
    """A Redis that hangs would be waited for without end; kombu knows only how long to connect."""
    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return {}
    return {"socket_timeout": LIMIT_SECONDS, "socket_connect_timeout": LIMIT_SECONDS}


def _activity(now: datetime) -> Finding:
    mark = WatchMark.objects.filter(name="watch").first()
    if mark is None:
        return Finding("no pass of the watch was ever made", is_well=False)
    age = now - mark.finished_at
    facts = {"watch_age_seconds": round(age.total_seconds(), 1)}
    if age > SILENT_AFTER:
        return Finding("nothing has moved for minutes", is_well=False, facts=facts)
    return Finding("work moves", facts=facts)
