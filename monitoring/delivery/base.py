"""What a channel is handed, and what it may answer. Knows neither tables nor settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from logs.interface import format_instant
from orgo_audit.errors import OrgoError

Json = str | int | float | None


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert as it is told to people and to other systems: never a person's name in it."""

    id: str
    organization: str
    name: str
    rule: str
    subject: str
    severity: str
    state: str
    fired_at: datetime
    resolved_at: datetime | None = None
    task_id: str | None = None
    facts: Mapping[str, str | int | float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The blueprint's keys first; what there is none of is absent."""
        shape: dict[str, Json] = {"alert": self.name}
        if self.task_id is not None:
            shape["task_id"] = self.task_id
        if "escalation_time" in self.facts:
            shape["escalation_time"] = self.facts["escalation_time"]
        return shape | {
            "id": self.id,
            "organization": self.organization,
            "state": self.state,
            "rule": self.rule,
            "severity": self.severity,
            "fired_at": format_instant(self.fired_at),
            "resolved_at": format_instant(self.resolved_at) if self.resolved_at else None,
        }

    def page(self, portal_url: str) -> str:
        return f"{portal_url}/admin/monitoring/alert/{self.id}/"


@dataclass(frozen=True, slots=True)
class Note:
    """What one receiver is told. Its id stays the same however often it is tried."""

    id: str
    kind: str
    organization: str
    receiver: str
    addresses: tuple[str, ...]
    alerts: tuple[ToldAlert, ...]
    portal_url: str
    webhook: str | None = None


class ChannelError(OrgoError):
    """A channel did not take the note; the sentence names no address and repeats no answer.

    `is_down`: it does not answer at all, and the next note need not wait for it again.
    """

    code = "not_delivered"

    def __init__(self, sentence: str, *, is_down: bool = False) -> None:
        super().__init__(sentence)
        self.is_down = is_down


class Channel(Protocol):
    """One way to tell people."""

    def send(self, note: Note, now: datetime) -> None:
        """Hands the note over, or raises ChannelError; returns within half a minute."""
