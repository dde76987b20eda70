"""What HR does not get of an event: its exact time, and all that was sent.

Events of one case that come together lie together. Their times are under the case's key, what was
sent is under a key of its own: an erasure destroys the one and keeps the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from django.db import connection

from logs.vault.copying import copy_rows
from logs.vault.keys import Keys
from logs.vault.models import KeyKind, SealedEvents

# Who releases one text opens those beside it.
MOST_TOGETHER = 100
Told = tuple[str, datetime, Mapping[str, Any]]  # the event's code, its time, what was sent
_CONTENT = "content"
_LAST = """
SELECT wanted.case_id, last.place, last.code, s.id, s.codes, s.times
FROM unnest(%s::uuid[]) AS wanted (case_id)
CROSS JOIN LATERAL (
  SELECT code, place FROM "hr"."case_event" e WHERE e.case_id = wanted.case_id
  ORDER BY place DESC LIMIT 1
) AS last
JOIN "vault"."events" s ON s.case_code = wanted.case_id AND s.codes @> ARRAY[last.code]
"""
_times = msgspec.json.Decoder(list[datetime]).decode
_json = msgspec.json.Encoder().encode


def seal(events_of: Iterable[tuple[UUID, Sequence[Told]]], keys: Keys) -> None:
    """Stores each case's new events."""
    columns = ("id", "case_code", "codes", "times", "content")
    copy_rows(SealedEvents, columns, _rows(events_of, keys))


def _rows(
    events_of: Iterable[tuple[UUID, Sequence[Told]]], keys: Keys
) -> Iterator[tuple[UUID, UUID, list[str], bytes, bytes]]:
    for case_code, events in events_of:
        for first in range(0, len(events), MOST_TOGETHER):
            codes, times, items = zip(*events[first : first + MOST_TOGETHER], strict=True)
            owner = uuid4()
            keys.make(KeyKind.TEXTS, owner)
            sealed_times = keys.encrypt(case_code, _json(times), _bound(owner))
            content = keys.encrypt(owner, _json(items), _CONTENT)
            yield owner, case_code, list(codes), sealed_times, content


def _bound(owner: UUID) -> str:
    return f"times {owner}"


def times_of(case_code: UUID, keys: Keys) -> dict[UUID, datetime]:
    """The exact times of a case's events, by their codes."""
    rows = SealedEvents.objects.filter(case_code=case_code).values_list("pk", "codes", "times")
    return {
        code: time
        for owner, codes, sealed in rows
        for code, time in zip(codes, _opened_times(case_code, owner, sealed, keys), strict=True)
    }


def last_of(case_codes: Collection[UUID], keys: Keys) -> Iterator[tuple[UUID, int, datetime]]:
    """The place and the exact time of each case's last event."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [list(case_codes)])
        rows = cursor.fetchall()
    for case_code, place, code, owner, codes, sealed in rows:
        times = _opened_times(case_code, owner, sealed, keys)
        yield case_code, place, times[codes.index(code)]


def _opened_times(
    case_code: UUID, owner: UUID, sealed: bytes | memoryview, keys: Keys
) -> list[datetime]:
    return _times(keys.decrypt(case_code, bytes(sealed), _bound(owner)))


def items_of(
    case_code: UUID, event_codes: Collection[UUID], keys: Keys
) -> dict[UUID, dict[str, Any]]:
    """What was sent, with its batch and place, of each of these that was not erased."""
    rows = SealedEvents.objects.filter(case_code=case_code, codes__overlap=list(event_codes))
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows.exclude(content=b""):
        if keys.has(row.pk):
            content = keys.decrypt(row.pk, bytes(row.content), _CONTENT)
            found |= zip(row.codes, msgspec.json.decode(content), strict=True)
    return found


def all_items_of(case_code: UUID, keys: Keys) -> Iterator[dict[str, Any]]:
    """What was sent of the whole case, as far as it was not erased. Opens it as it is asked for."""
    rows = SealedEvents.objects.filter(case_code=case_code).exclude(content=b"")
    for owner, content in rows.values_list("pk", "content").iterator(chunk_size=MOST_TOGETHER):
        if keys.has(owner):
            yield from msgspec.json.decode(keys.decrypt(owner, bytes(content), _CONTENT))
