"""Events as services send them, about 550 bytes of JSON."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

EVENTS_PER_REQUEST = 1000
WORKFLOWS = ("maintenance", "it_support", "facilities", "general")
ACTIONS = (
    "Email Received",
    "Email Parsed",
    "Task Created",
    "Task Routed",
    "Task Escalated",
    "Task Completed",
)
STATUSES = ("Success",) * 9 + ("Pending",)
EVENTS_PER_TASK = 8
EVENTS_PER_CASE = 50

Maker = Callable[[int, Random], dict[str, Any]]
_START = datetime(2026, 1, 1, tzinfo=UTC)


def wire_event(number: int, random: Random) -> dict[str, Any]:
    """The blueprint's keys and a few of the sender's own."""
    task = number // EVENTS_PER_TASK
    workflow = random.choice(WORKFLOWS)
    return {
        "timestamp": (_START + timedelta(seconds=number)).isoformat(),
        "action": ACTIONS[number % len(ACTIONS)],
        "user": f"person.{random.randrange(40):02}@organization.com",
        "task_id": f"task-{task:09}",
        "email_id": f"<{task:09}.{workflow}@mail.organization.com>",
        "ip_address": f"192.0.2.{random.randrange(40)}",
        "from": f"mailbox_{random.randrange(8)}",
        "to": f"{workflow}_queue",
        "status": random.choice(STATUSES),
        "reason": "Routed by the rule for this mailbox; the queue had the shortest waiting time",
        "workflow": workflow,
        "request_id": str(uuid.UUID(int=random.getrandbits(128))),
        "duration_ms": random.randrange(2000),
        "attempt": 1,
        "queue": {"depth": random.randrange(50), "oldest_seconds": random.randrange(600)},
        "labels": ["automatic", "first-line"],
    }


def sensitive_event(number: int, random: Random) -> dict[str, Any]:
    """The same with a case and three people in it."""
    case = number // EVENTS_PER_CASE
    names = ("reporter", "reported_user", "witness")
    people = {
        name: f"person.{case:06}.{place}@organization.com" for place, name in enumerate(names)
    }
    told = {"workflow": "harassment", "case_id": f"H-{case:06}", "identities": people}
    ordinary = wire_event(number, random)
    del ordinary["task_id"], ordinary["email_id"]  # the case's id says it
    return ordinary | told


def request_bodies(count: int, make: Maker = wire_event) -> Iterator[bytes]:
    """Batches of a thousand events each, always the same ones."""
    random = Random(1)  # noqa: S311  (repeatable on purpose)
    for batch in range(count):
        first = batch * EVENTS_PER_REQUEST
        yield msgspec.json.encode(
            [make(first + place, random) for place in range(EVENTS_PER_REQUEST)]
        )
