"""All that the vault answers: importing this registers every answer. Adds no rule of its own."""

from __future__ import annotations

from logs.vault import (
    asking,
    assignments,
    enrolment,
    erasure,
    releases,
    requests,
    reveals,
)
from logs.vault.errands import answer, answer_all, forget_stale

__all__ = [
    "answer",
    "answer_all",
    "asking",
    "assignments",
    "enrolment",
    "erasure",
    "forget_stale",
    "releases",
    "requests",
    "reveals",
]
