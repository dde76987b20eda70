"""What a health check is: what it verifies, and what it found. Knows no schedule and no table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from monitoring.health_checks.models import CheckState

Facts = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; the detail is a sentence for people, the facts are numbers for the trend."""

    state: CheckState
    detail: str
    facts: Facts = field(default_factory=dict)


class Check(Protocol):
    """One check. It ends within minutes, and repeats nothing that a server said."""

    name: str
    verifies: str

    def run(self, now: datetime) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a check: wrong, right, or not there to be looked at (`is_well` is None)."""

    sentence: str
    is_well: bool | None = True
    facts: Facts = field(default_factory=dict)


def outcome_of(findings: Iterable[Finding]) -> Outcome:
    """Failed where one part is wrong, which is said first; skipped where nothing could be seen."""
    every = list(findings)
    wrong = [one for one in every if one.is_well is False]
    seen = [one for one in every if one.is_well is not None]
    state = CheckState.FAILED if wrong else CheckState.OK if seen else CheckState.SKIPPED
    told = wrong + [one for one in every if one.is_well is not False]
    facts = {name: value for one in every for name, value in one.facts.items()}
    return Outcome(state, "; ".join(one.sentence for one in told), facts)
