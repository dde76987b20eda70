"""Whether RabbitMQ is well, as its management API says. Another broker is the cache's check."""

from __future__ import annotations

from datetime import datetime

import httpx
import msgspec
from django.conf import settings

from monitoring.health_checks.base import Finding, Outcome, outcome_of

LIMIT_SECONDS = 10.0


class _Queue(msgspec.Struct):
    """What we read of a queue; figures come some seconds after its birth."""

    name: str
    messages: int = 0
    consumers: int = 0


class Broker:
    name = "broker"
    verifies = "RabbitMQ has no alarm, and its queues have consumers"

    def run(self, now: datetime) -> Outcome:
        if not settings.CELERY_BROKER_URL.startswith(("amqp", "pyamqp")):
            return outcome_of([Finding("the broker is Redis or Valkey, as the cache is", None)])
        if not settings.RABBITMQ_MANAGEMENT_URL:
            return outcome_of(
                [Finding("RabbitMQ cannot be asked (RABBITMQ_MANAGEMENT_URL)", is_well=False)]
            )
        try:
            with httpx.Client(
                base_url=settings.RABBITMQ_MANAGEMENT_URL, timeout=LIMIT_SECONDS, trust_env=False
            ) as client:
                return outcome_of([_alarms(client), _queues(client)])
        except httpx.HTTPStatusError as error:
            what = f"RabbitMQ's management refused us with {error.response.status_code}"
            return outcome_of([Finding(what, is_well=False)])
        except msgspec.MsgspecError:
            what = "RabbitMQ's management gave an answer that none of its versions gives"
            return outcome_of([Finding(what, is_well=False)])
        except httpx.HTTPError as error:
            what = f"RabbitMQ's management does not answer ({type(error).__name__})"
            return outcome_of([Finding(what, is_well=False)])


def _alarms(client: httpx.Client) -> Finding:
    answer = client.get("/api/health/checks/alarms")
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return Finding("RabbitMQ has an alarm: memory or disk is short", is_well=False)
    answer.raise_for_status()
    return Finding("RabbitMQ has no alarm")


def _queues(client: httpx.Client) -> Finding:
    answer = client.get("/api/queues")
    answer.raise_for_status()
    told = msgspec.json.decode(answer.content, type=list[_Queue])
    # Each worker's own ones come and go.
    queues = [one for one in told if not one.name.startswith(("celeryev", "celery@"))]
    waiting = sum(one.messages for one in queues)
    idle = [one for one in queues if one.messages and not one.consumers]
    facts = {"messages": waiting, "queues": len(queues)}
    if idle:
        return Finding(f"nobody takes from {len(idle)} queues", is_well=False, facts=facts)
    return Finding(f"{waiting:,} messages wait in {len(queues)} queues", facts=facts)
