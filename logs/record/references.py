"""Which tasks and mails are sensitive, known by keyed digests only; and the order of their arrival.

A batch that speaks of tasks holds its organization's lock until it commits: shared, or alone where
it makes something sensitive. So no ordinary event of a task is stored after the task became
sensitive, however many requests arrive at once; and what was stored before is put down here, by
its id alone, to leave the ordinary world (`reclassification.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
from django.db import connection
from django.db.models import QuerySet

from logs.record import sensitivity
from logs.record.digests import keyed_digest
from logs.record.models import SensitiveReference
from logs.record.receipts import Sender
from orgo_audit.accounts import secret_key
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import PORTAL
from orgo_audit.policy import versions

Reference = tuple[str, str]
_LOCK_CLASS = 0x6F72676F  # any number, as long as nothing else in this database uses it
_INDEXED_CHARACTERS = 500

# One arm an index. The second place of a reference is `details` as it was sent, which the record
# keeps under its own name where it could not take it apart.
_PUT_DOWN_EVENTS = """
WITH speaking AS (
  SELECT id, task_id, email_id, details FROM event
    WHERE organization_id = %(organization)s AND source <> 'portal'
      AND task_id = ANY (%(task_id)s)
  UNION ALL
  SELECT id, task_id, email_id, details FROM event
    WHERE organization_id = %(organization)s AND source <> 'portal'
      AND email_id = ANY (%(email_id)s)
  UNION ALL
  SELECT id, task_id, email_id, details FROM event
    WHERE organization_id = %(organization)s AND source <> 'portal'
      AND details::text LIKE '%%"task_id"%%'
      AND left(coalesce(details->'details', details)->>'task_id', 500) = ANY (%(task_id)s)
  UNION ALL
  SELECT id, task_id, email_id, details FROM event
    WHERE organization_id = %(organization)s AND source <> 'portal'
      AND details::text LIKE '%%"email_id"%%'
      AND left(coalesce(details->'details', details)->>'email_id', 500) = ANY (%(email_id)s)
), put_down AS (
  INSERT INTO logs_reclassification (organization_id, kind, subject_id)
    SELECT %(organization)s, 'event', id FROM speaking ON CONFLICT DO NOTHING
)
SELECT DISTINCT task_id, email_id, coalesce(details->'details', details)->>'task_id',
  coalesce(details->'details', details)->>'email_id' FROM speaking
"""
_PUT_DOWN_ITEMS = """
WITH speaking AS (
  SELECT id, sent, truncated, named FROM logs_quarantinedevent
    WHERE organization_id = %(organization)s AND named && %(digests)s
), put_down AS (
  INSERT INTO logs_reclassification (organization_id, kind, subject_id)
    SELECT %(organization)s, 'item', id FROM speaking ON CONFLICT DO NOTHING
)
SELECT CASE WHEN NOT truncated THEN sent END, named FROM speaking
"""


def judge(sent: list[Any], sender: Sender) -> sensitivity.Judgement:
    """What of a batch is sensitive, by the policy in force and by what is known already.

    Unavailable under another ORGO_SECRET_KEY than before: nothing would be known again.
    """
    secret_key.require_known()
    rules = sensitivity.Rules.of(versions.current().for_organization(sender.organization.slug))
    asks = sensitivity.speak_of_something(sent) and _any_known(sender)
    return sensitivity.judge(sent, rules, partial(_known, sender) if asks else None)


def is_ordinary(sent: dict[str, Any], sender: Sender) -> bool:
    """Whether this may be written where an admin can read it."""
    return not judge([sent], sender).sensitive


def sensitive_tasks(organization: Organization, task_ids: Iterable[str]) -> set[str]:
    """Those of these tasks that are known as sensitive."""
    sender = Sender(organization, PORTAL)
    if not (wanted := list(task_ids)) or not _any_known(sender):
        return set()
    known = _known(sender, {("task_id", task_id) for task_id in wanted})
    return {one for one in wanted if sensitivity.compared({("task_id", one)}) <= known}


def digest_of_task(organization: Organization, task_id: str) -> bytes:
    """As `SensitiveReference` would have it."""
    [reference] = sensitivity.compared({("task_id", task_id)})
    return digest_of(Sender(organization, PORTAL), reference)


def sensitive_digests(digests: QuerySet[Any, Any]) -> set[bytes]:
    """Those of these digests of tasks that are known as sensitive."""
    found = SensitiveReference.objects.filter(digest__in=digests)
    return {bytes(digest) for digest in found.values_list("digest", flat=True)}


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
    """Makes these sensitive from now on, and what was stored of them before has to leave.

    So does all that hangs on it: an event that leaves makes its task and its mail sensitive too,
    as it would have inside a batch. Needs the lock, alone.
    """
    named = {digest_of(sender, reference): reference for reference in references}
    fresh = _keep(sender, named)
    while fresh:
        reached = {
            digest_of(sender, reference): reference
            for reference in _put_down_events(sender, [named[key] for key in fresh & named.keys()])
        }
        in_items, unreadable = _put_down_items(sender, fresh)
        reached |= {digest_of(sender, reference): reference for reference in in_items}
        named |= reached
        fresh = _keep(sender, reached.keys() | unreadable)


def digests_of(sent: Any, sender: Sender) -> list[bytes]:
    """What an item speaks of, for finding it again."""
    return sorted(digest_of(sender, reference) for reference in _spoken(sent))


def _spoken(sent: Any) -> set[Reference]:
    return sensitivity.spellings(sensitivity.references(sent))


def _keep(sender: Sender, digests: Iterable[bytes]) -> set[bytes]:
    """Those of them that were not sensitive before."""
    if not (wanted := sorted(digests)):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_sensitivereference (organization_id, digest)"
            " SELECT %s, unnest(%s) ON CONFLICT DO NOTHING RETURNING digest",
            [sender.organization.pk, wanted],
        )
        return {bytes(row[0]) for row in cursor.fetchall()}


def _put_down_events(sender: Sender, references: Iterable[Reference]) -> set[Reference]:
    """Puts down the events that speak of these; returns all that they speak of."""
    values: dict[str, list[str]] = {name: [] for name in sensitivity.REFERENCES}
    for name, value in references:
        values[name].append(value[:_INDEXED_CHARACTERS])
    if not any(values.values()):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_PUT_DOWN_EVENTS, {"organization": sender.organization.pk, **values})
        found = {
            (name, value)
            for row in cursor.fetchall()
            for name, value in zip(sensitivity.REFERENCES * 2, row, strict=True)
            if value is not None
        }
    return sensitivity.spellings(found)


def _put_down_items(sender: Sender, digests: set[bytes]) -> tuple[set[Reference], set[bytes]]:
    """Puts down the refused items that speak of these; returns all that they speak of.

    Of one that was cut, only the digests tell that.
    """
    wanted: dict[str, Any] = {"organization": sender.organization.pk, "digests": sorted(digests)}
    found: set[Reference] = set()
    unreadable: set[bytes] = set()
    with connection.cursor() as cursor:
        cursor.execute(_PUT_DOWN_ITEMS, wanted)
        for sent, named in cursor.fetchall():
            if sent is None:
                unreadable |= {bytes(digest) for digest in named}
            else:
                found |= _spoken(msgspec.json.decode(sent))
    return found, unreadable


def _known(sender: Sender, named: set[Reference]) -> set[Reference]:
    """Those that are sensitive, as they are compared."""
    by_digest = {digest_of(sender, one): one for one in sensitivity.compared(named)}
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


def digest_of(sender: Sender, reference: Reference) -> bytes:
    kind, value = reference
    organization = str(sender.organization.pk).encode()
    return keyed_digest("sensitive reference", organization, kind.encode(), value.encode())
