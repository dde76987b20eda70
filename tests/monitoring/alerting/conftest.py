"""What the tests of alerts share: an organization, a service that delivers, a pass of the watch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from logs.record.vocabulary import LogType
from monitoring import watching
from monitoring.alerting.models import Alert
from orgo_audit.accounts.models import Organization
from tests.builders import an_organization, stored, wire_event


class Watched:
    """An organization whose clock a test turns; each pass is one of the worker's."""

    def __init__(self, organization: Organization, clock: time_machine.Traveller) -> None:
        self.organization = organization
        self.clock = clock

    def deliver(self, log_type: LogType = LogType.ACTIVITY, times: int = 1, **fields: Any) -> None:
        lately = {"timestamp": datetime.now(UTC).isoformat()}
        sent = [wire_event(log_type, **lately | fields) for _ in range(times)]
        stored(self.organization, *sent, log_type=log_type)

    def route(self, task_id: str, **fields: Any) -> None:
        self.deliver(task_id=task_id, **fields)

    def after(self, **span: float) -> list[Alert]:
        """Lets time pass, then watches once; all open alerts by when they fired."""
        self.clock.shift(timedelta(**span))
        watching.watch(datetime.now(UTC))
        return self.open()

    def pause(self) -> None:
        """A second passes and nobody watches."""
        self.clock.shift(timedelta(seconds=1))

    def open(self) -> list[Alert]:
        own = Alert.objects.filter(organization=self.organization, cleared_at=None)
        return list(own.order_by("fired_at", "rule", "subject"))

    def steps(self, alert: Alert) -> list[str]:
        return list(alert.transitions.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def watched(as_worker: None, db: None) -> Iterator[Watched]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield Watched(an_organization("north"), clock)
