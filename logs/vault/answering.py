"""All that the vault answers: importing this registers every answer. Adds no rule of its own."""

from __future__ import annotations

from logs.vault import (
    deciding,
    enrolment,
    erasure,
    new_requests,
    reassigning,
    releases,
    reveals,
)
from logs.vault.questions import answer, answer_all, forget_stale

__all__ = [
    "answer",
    "answer_all",
    "deciding",
    "enrolment",
    "erasure",
    "forget_stale",
    "new_requests",
    "reassigning",
    "releases",
    "reveals",
]
