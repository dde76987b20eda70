"""Which tasks and mails are sensitive, known by keyed digests only; and the order of their arrival.

A batch that speaks of tasks holds its organization's lock until it commits: shared, or alone where
it makes something sensitive. So no ordinary event of a task is stored after the task became
sensitive, however many requests arrive at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import connection

from logs.record import sensitivity
from logs.record.digests import keyed_digest
from logs.record.receipts import Sender
from orgo_audit.policy import versions

Reference = tuple[str, str]
_LOCK_CLASS = 0x6F72676F  # any number, as long as nothing else in this database uses it


def judge(sent: list[Any], sender: Sender) -> sensitivity.Judgement:
    """What of a batch is sensitive, by the policy in force and by what is known already."""
    rules = sensitivity.Rules.of(versions.current().for_organization(sender.organization.slug))
    asks = sensitivity.speak_of_something(sent) and _any_known(sender)
    return sensitivity.judge(sent, rules, partial(_known, sender) if asks else None)


def is_ordinary(sent: dict[str, Any], sender: Sender) -> bool:
    """Whether this may be written where an admin can read it."""
    return not judge([sent], sender).sensitive


def take_turn(sender: Sender, *, alone: bool) -> None:
    """Holds the organization's lock until the transaction ends."""
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_LOCK_CLASS, sender.organization.pk])


def speak_of_sensitive(sent: Iterable[Any], sender: Sender) -> bool:
    """Whether one of these has become sensitive since it was judged. Needs the lock."""
    if not _any_known(sender):
        return False
    named = set().union(*(sensitivity.references(item) for item in sent))
    return bool(_known(sender, named))


def keep(sender: Sender, references: Iterable[Reference]) -> None:
    """Makes these sensitive from now on."""
    digests = [_digest(sender, reference) for reference in references]
    if not digests:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_sensitivereference (organization_id, digest)"
            " SELECT %s, unnest(%s) ON CONFLICT DO NOTHING",
            [sender.organization.pk, sorted(digests)],
        )


def _known(sender: Sender, named: set[Reference]) -> set[Reference]:
    by_digest = {_digest(sender, reference): reference for reference in named}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM logs_sensitivereference"
            " WHERE organization_id = %s AND digest = ANY(%s)",
            [sender.organization.pk, list(by_digest)],
        )
        return {by_digest[bytes(row[0])] for row in cursor.fetchall()}


def _any_known(sender: Sender) -> bool:
    """Most organizations have none, and then a thousand digests need not be made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM logs_sensitivereference WHERE organization_id = %s)",
            [sender.organization.pk],
        )
        return bool(cursor.fetchone()[0])


def _digest(sender: Sender, reference: Reference) -> bytes:
    kind, value = reference
    organization = str(sender.organization.pk).encode()
    return keyed_digest("sensitive reference", organization, kind.encode(), value.encode())
