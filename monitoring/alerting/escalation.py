"""Who is told next about an alert that nobody has acknowledged. Tells nobody itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orgo_audit.policy.schema import LadderStep


def steps_due(ladder: Sequence[LadderStep], fired_at: datetime, now: datetime) -> int:
    """How many steps of the ladder have come by now. They are in order of time."""
    return sum(step.after.after(fired_at) <= now for step in ladder)


def first_receivers(ladder: Sequence[LadderStep]) -> tuple[str, ...]:
    """Whom an alert reaches at once: it does not wait for the first step's time."""
    return ladder[0].notify if ladder else ()


def receivers(ladder: Sequence[LadderStep], since: int, until: int) -> tuple[str, ...]:
    """Whom these steps tell, each once."""
    return tuple(dict.fromkeys(one for step in ladder[since:until] for one in step.notify))
