"""Answers the web process's questions, one transaction each; a refusal is an answer too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from logs.cases.acts import LONGEST_TEXT
from logs.cases.models import Errand, ErrandState
from logs.vault import envelopes, keys
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, NotFound, OrgoError

logger = logging.getLogger(__name__)
# Whoever asked has given up long before.
STALE_AFTER = timedelta(minutes=1)
BATCH = 50
LARGEST_NUMBER = 2**31 - 1  # fits every column


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, in which organization. The person is as the web process says."""

    organization: Organization
    user_id: int | None
    body: Mapping[str, Any]
    keys: keys.Keys

    @property
    def asker(self) -> int:
        """Who asks; BadInput where only an operator's command does."""
        if self.user_id is None:
            raise BadInput("this is asked by a person")
        return self.user_id

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """A text of the body; BadInput where it is missing, too long, or something else."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise BadInput(f"expected a text of at most {longest} characters", path=name)
        return value.strip()

    def number(self, name: str) -> int:
        """A whole number of the body; BadInput where it is missing or something else."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_NUMBER:
            raise BadInput("expected a whole number", path=name)
        return value

    def identifier(self, name: str) -> UUID:
        """An id of the body; whatever is none names nothing, so NotFound."""
        value = self.body.get(name)
        try:
            return UUID(value if isinstance(value, str) else "")
        except ValueError:
            raise NotFound from None


Answerer = Callable[[Question], dict[str, Any]]
_ANSWERERS: dict[str, Answerer] = {}


def answers(kind: str) -> Callable[[Answerer], Answerer]:
    """Registers the function that answers questions of this kind."""

    def register(function: Answerer) -> Answerer:
        _ANSWERERS[kind] = function
        return function

    return register


def answer_all() -> int:
    """Answers what waits; how many. A question that fails is forgotten: the others go on."""
    waiting = Errand.objects.filter(state=ErrandState.WAITING).order_by("asked_at")
    errands = list(waiting.select_related("organization")[:BATCH])
    for errand in errands:
        try:
            answer(errand)
        except (InterfaceError, OperationalError):
            raise  # the database is away: the question can be answered once it is back
        except Exception as fault:  # noqa: BLE001  (one question must not stop the ones behind it)
            _forget(errand, fault)
    return len(errands)


def _forget(errand: Errand, fault: Exception) -> None:
    """Whoever asked sees that it is gone. The fault's own words may hold what was asked."""
    kind = errand.kind if errand.kind in _ANSWERERS else "unknown"
    logger.error("a question failed", extra={"kind": kind, "fault": type(fault).__name__})
    Errand.objects.filter(pk=errand.pk).delete()


def answer(errand: Errand) -> None:
    """Writes the answer together with what it did; a refusal leaves nothing else behind."""
    try:
        with keys.session() as own:
            question = _question(errand, own)
            told = _answerer(errand.kind)(question)
            _write(errand, ErrandState.DONE, told)
    except OrgoError as error:
        _write(errand, ErrandState.REFUSED, _as_answer(error))


def _question(errand: Errand, own: keys.Keys) -> Question:
    body = envelopes.opened(bytes(errand.body), errand.organization.slug)
    return Question(errand.organization, errand.user_id, body, own)


def _answerer(kind: str) -> Answerer:
    if kind not in _ANSWERERS:
        raise BadInput(f"the vault knows no question {kind!r}")
    return _ANSWERERS[kind]


def _as_answer(error: OrgoError) -> dict[str, Any]:
    return {
        "status": error.status,
        "code": error.code,
        "sentence": error.sentence,
        "path": error.path,
    }


def _write(errand: Errand, state: ErrandState, told: dict[str, Any]) -> None:
    """Only where it still waits: whoever gave up must not find it done."""
    sealed = envelopes.sealed_answer(told, bytes(errand.public_key), str(errand.pk))
    waiting = Errand.objects.filter(pk=errand.pk, state=ErrandState.WAITING)
    if not waiting.update(state=state, answer=sealed) and state == ErrandState.DONE:
        raise BadInput("whoever asked has given up")


def forget_stale() -> None:
    """Removes what nobody fetched, and what claims to come from another time."""
    now = timezone.now()
    fresh = (now - STALE_AFTER, now + STALE_AFTER)
    Errand.objects.exclude(asked_at__range=fresh).delete()
