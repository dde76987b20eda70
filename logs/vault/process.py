"""The vault's loop. It listens on no port: the database tells it that something waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection
from django.db.utils import InterfaceError
from django.utils import timezone

from logs import envelope
from logs.record import beats
from logs.record.models import Beat
from logs.vault import (
    answering,
    deciding,
    endings,
    envelopes,
    erasure,
    held_items,
    inbox,
    keyring,
    keys,
    rotation,
)
from logs.vault.models import WrappedKey
from orgo_audit.errors import Unavailable
from orgo_audit.policy import versions

logger = logging.getLogger(__name__)
POLL_SECONDS = 2.0
BEAT_SECONDS = 10.0
HOUSEKEEPING_SECONDS = 20.0
AWAY_PAUSE_SECONDS = 1.0
# Thousands may be held: questions are answered meanwhile.
RETRIED_AT_ONCE = 20
_LOCK = 0x6F72676F_7661756C  # held as long as this process lives: there is one vault


@dataclass(slots=True)
class _Every:
    """Says once in so many seconds that something is due."""

    seconds: float
    last: float = field(default=float("-inf"))

    def is_due(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


def run(stopped: threading.Event, say: Callable[[str], None] = lambda sentence: None) -> None:
    """Serves until it is stopped. Unavailable where the keys are missing or another vault runs.

    A database that goes away is waited for.
    """
    is_first = True
    while not stopped.is_set():
        try:
            with _only_one(), _telling_what_lacks():
                envelopes.private_key()
                rotation.ensure_keyring(timezone.now().date())
                _check_keyring()
                if is_first:
                    say("the vault is open")
                is_first = False
                _serve(stopped)
        except (OperationalError, InterfaceError):
            logger.warning("the database is away; the vault waits for it")
            connection.close()
            stopped.wait(AWAY_PAUSE_SECONDS)


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise Unavailable("another vault runs on this database")
        cursor.execute(f"LISTEN {envelope.CHANNEL}")
    yield


@contextmanager
def _telling_what_lacks() -> Iterator[None]:
    """Leaves the reason for an operator who sees only /readyz, before the process ends with it."""
    try:
        yield
    except Unavailable as problem:
        beats.leave(Beat.Process.VAULT, timezone.now(), problem.full_sentence)
        raise


def _serve(stopped: threading.Event) -> None:
    beat, housekeeping = _Every(BEAT_SECONDS), _Every(HOUSEKEEPING_SECONDS)
    policy_seen = None
    to_place: list[UUID] = []
    while not stopped.is_set():
        _check_keyring()  # first: without it nothing is served
        if housekeeping.is_due():  # first: a question that ended this process must not do so again
            _keep_house()
        worked = answering.answer_all()
        if worked:
            erasure.carry_out_granted()
        worked += inbox.drain() + len(to_place)
        if (in_force := versions.in_force()) and in_force.pk != policy_seen:
            policy_seen = in_force.pk
            to_place = inbox.held_for_the_policy()
        inbox.retry(to_place[:RETRIED_AT_ONCE])
        del to_place[:RETRIED_AT_ONCE]
        if beat.is_due():  # last: who never gets here does not live
            beats.leave(Beat.Process.VAULT, timezone.now())
        if not worked:
            _wait()


def _check_keyring() -> None:
    """KeysLost where the file has another vault's keys: what they seal would be lost for ours."""
    with keys.session() as own:
        own.load(WrappedKey.objects.values_list("owner", flat=True)[:1])


def _keep_house() -> None:
    answering.forget_stale()
    deciding.expire(timezone.now())
    endings.end_cases(timezone.now())
    erasure.carry_out_granted()
    held_items.prune(timezone.now())
    erasure.tell_of_events()
    today = timezone.now().date()
    if rotation.is_due(keyring.read(settings.ORGO_VAULT_KEYRING), today):
        rotation.rotate(today)


def _wait() -> None:
    """Until something is said to wait, or for a moment."""
    raw = connection.connection
    # notifies() is psycopg's own: without the wrapper its errors would not be Django's.
    with connection.wrap_database_errors:
        for _ in raw.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
