"""Asks the vault something, and waits a few seconds for its answer.

The vault listens on nothing: a question is a row. It is sealed to the vault's key, the answer to a
key that lives for this one question; tables, logs and backups see neither.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings
from django.db import connection, transaction

from logs import envelope
from logs.cases.models import Errand, ErrandState
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, User
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound, OrgoError, Unavailable
from orgo_audit.grants import HR

LONGEST_WAIT_SECONDS = 6.0
_PAUSE_SECONDS = 0.05
_ERRORS: tuple[type[OrgoError], ...] = (BadInput, Conflict, NotAllowed, NotFound)


def ask(
    kind: str, organization: Organization, body: dict[str, Any], *, by: User | None
) -> dict[str, Any]:
    """The vault's answer. What it refuses is raised here as it was there.

    Unavailable where it fails, and nothing was done; also where it does not answer in time: then
    the question is withdrawn, and nothing was done unless the vault was at it in that very moment.
    """
    own = X25519PrivateKey.generate()
    errand = Errand(
        kind=kind,
        organization=organization,
        user=by,
        body=envelope.seal(
            msgspec.json.encode(body),
            public_key_pem=settings.ORGO_VAULT_PUBLIC_KEY,
            organization=organization.slug,
        ),
        public_key=own.public_key().public_bytes_raw(),
    )
    _put(errand)
    state, sealed = _wait_for(errand)
    info = envelope.ANSWER_INFO + str(errand.pk).encode()
    answer: dict[str, Any] = msgspec.json.decode(envelope.SUITE.decrypt(sealed, own, info))
    if state == ErrandState.REFUSED:
        raise _error(answer)
    return answer


@contextmanager
def _as_asker() -> Iterator[None]:
    """The web login becomes HR's role. A command's login may only ask, and needs no other role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(%s, 'MEMBER')", [HR])
        may_become_hr = cursor.fetchone()[0]
    with as_hr() if may_become_hr else transaction.atomic():
        yield


def _put(errand: Errand) -> None:
    with _as_asker():
        errand.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {envelope.CHANNEL}")


def _wait_for(errand: Errand) -> tuple[str, bytes]:
    limit = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        if answer := _answer_to(errand):
            return answer
        if time.monotonic() > limit:
            break
        time.sleep(_PAUSE_SECONDS)
    if answer := _answer_to(errand, give_up=True):
        return answer
    raise Unavailable("the vault does not answer; nothing was done, try again later")


def _answer_to(errand: Errand, *, give_up: bool = False) -> tuple[str, bytes] | None:
    """The answer, once it is there; whatever is fetched or given up is deleted.

    Unavailable where the question is gone: the vault failed at it.
    """
    with _as_asker():
        row = Errand.objects.filter(pk=errand.pk).values_list("state", "answer").first()
        if row is None:
            raise Unavailable("the vault cannot answer this; nothing was done")
        is_done = row[0] != ErrandState.WAITING
        if is_done or give_up:
            Errand.objects.filter(pk=errand.pk).delete()
    return (row[0], bytes(row[1] or b"")) if is_done else None


def _error(told: dict[str, Any]) -> OrgoError:
    kind = next((kind for kind in _ERRORS if kind.status == told["status"]), Unavailable)
    error = kind(told["sentence"])
    error.code = told["code"]
    error.path = told["path"]
    return error
