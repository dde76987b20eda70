"""The one table of periodic work: name, task, period, why. Rows are data; Celery beat runs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PeriodicWork:
    """A task that beat sends every `every`. A pause made in the admin survives restarts."""

    name: str
    task: str
    every: timedelta
    why: str


PERIODIC_WORK = (
    PeriodicWork(
        "load the policy file",
        "logs.tasks.load_policy",
        timedelta(seconds=10),
        "a change of logging_config.yaml is picked up without a restart",
    ),
    PeriodicWork(
        "put grants into force",
        "logs.tasks.sync_grants",
        timedelta(minutes=1),
        "what a person accepted holds soon even if the nudge to the worker was lost",
    ),
    PeriodicWork(
        "make segments ahead",
        "logs.tasks.make_segments",
        timedelta(hours=6),
        "an event without a segment would be refused; a missing month heals itself",
    ),
    PeriodicWork(
        "forget what has served",
        "logs.tasks.forget_spent_rows",
        timedelta(hours=1),
        "idempotency keys and read marks are bounded by age",
    ),
    PeriodicWork(
        "prune the quarantine",
        "logs.tasks.prune_quarantine",
        timedelta(minutes=1),
        "a sender whose every item is refused must not fill the disk, and the metric stays fresh",
    ),
    PeriodicWork(
        "apply retention",
        "logs.tasks.apply_retention",
        timedelta(minutes=10),
        "it acts each hour from 01:00 to 05:00 UTC; what was interrupted or missed goes on soon",
    ),
    PeriodicWork(
        "erase on request",
        "logs.tasks.erase_on_request",
        timedelta(seconds=30),
        "whoever decides on an erasure sees soon which ordinary events it would destroy",
    ),
    PeriodicWork(
        "reclassify",
        "logs.tasks.reclassify",
        timedelta(seconds=30),
        "what spoke of a task before it became sensitive must not be read any longer",
    ),
    PeriodicWork(
        "watch the processes",
        "logs.tasks.watch_processes",
        timedelta(seconds=30),
        "while vault or worker are away things only wait, and somebody must know",
    ),
    PeriodicWork(
        "watch",
        "monitoring.tasks.watch",
        timedelta(seconds=20),
        "an alert leaves within a minute of its cause",
    ),
    PeriodicWork(
        "tell people",
        "monitoring.tasks.deliver",
        timedelta(seconds=20),
        "what a channel refused is tried again, and a lost nudge costs seconds",
    ),
    PeriodicWork(
        "post to Alertmanager",
        "monitoring.tasks.post_to_alertmanager",
        timedelta(minutes=1),
        "what is not repeated within four minutes is over for Alertmanager",
    ),
    PeriodicWork(
        "plan health checks",
        "monitoring.tasks.plan_health_checks",
        timedelta(minutes=1),
        "a change of their periods holds soon, and a new portal is checked at once",
    ),
    PeriodicWork(
        "ping",
        "monitoring.tasks.ping",
        timedelta(minutes=1),
        "when beat, broker and worker are dead, only somebody outside can tell",
    ),
    PeriodicWork(
        "count by the hour",
        "monitoring.tasks.count_hours",
        timedelta(minutes=5),
        "charts, and whether so many mails are usual, are read from these counts",
    ),
    PeriodicWork(
        "send notices",
        "logs.tasks.send_notices",
        timedelta(minutes=1),
        "whoever should know that an identity was asked for or shown hears it soon",
    ),
    PeriodicWork(
        "warn of expiring tokens",
        "orgo_audit.tasks.warn_of_expiring_tokens",
        timedelta(hours=6),
        "a service whose token ends unnoticed delivers nothing; each token is told twice at most",
    ),
    PeriodicWork(
        "forget ended sessions",
        "orgo_audit.tasks.forget_ended_sessions",
        timedelta(hours=1),
        "a session says where a person was; it is kept no longer than it opens something",
    ),
)

# What was not begun by the time it is sent again is dropped: nothing piles up without a worker.
BEAT_SCHEDULE = {
    work.name: {
        "task": work.task,
        "schedule": work.every,
        "options": {"expire_seconds": int(work.every.total_seconds())},
    }
    for work in PERIODIC_WORK
}
