"""Pages by key: a list ordered by a time and an id, newest first. Knows no table and no viewer.

No OFFSET and no exact COUNT, so that page 1,000 costs what page 1 costs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from orgo_audit.errors import BadInput

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 500
Row = TypeVar("Row", bound=Model)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in a list: after or before this row. Opaque to callers."""

    instant: datetime
    id: UUID
    backward: bool = False

    def as_text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """BadInput unless this is a cursor that we gave out."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            cursor = msgspec.json.decode(raw, type=cls)
            if cursor.instant.tzinfo == UTC:
                return cursor
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            pass
        raise BadInput(
            "not a cursor; follow `next` or `previous` of an answer as they are",
            path="cursor",
            code="bad_cursor",
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, newest first, and where the neighbours begin."""

    rows: list[Row]
    next: Cursor | None
    previous: Cursor | None


def page(rows: QuerySet[Row], cursor: Cursor | None, *, size: int, by: str) -> Page[Row]:
    """One page of a list that goes by the times in column `by` and the id."""
    found = list(beyond(rows, cursor, by=by)[: size + 1])
    return page_of(found, cursor, size=size, place_of=lambda row: (getattr(row, by), row.pk))


def beyond(rows: QuerySet[Row], cursor: Cursor | None, *, by: str) -> QuerySet[Row]:
    """The rows behind the cursor, nearest first: a page and one more tell whether there are more.

    `by` is the column of the times.
    """
    if cursor is None:
        return rows.order_by(f"-{by}", "-id")
    key, place = Tuple(F(by), F("id")), (cursor.instant, cursor.id)
    if cursor.backward:
        return rows.filter(TupleGreaterThan(key, place)).order_by(by, "id")
    return rows.filter(TupleLessThan(key, place)).order_by(f"-{by}", "-id")


def page_of(
    found: list[Row],
    cursor: Cursor | None,
    *,
    size: int,
    place_of: Callable[[Row], tuple[datetime, UUID]],
) -> Page[Row]:
    """The page of up to `size` + 1 rows as `beyond` orders them."""
    rows, more = found[:size], len(found) > size
    backward = cursor is not None and cursor.backward
    if backward:
        rows.reverse()
    has_next, has_previous = (True, more) if backward else (more, cursor is not None)
    return Page(
        rows,
        next=Cursor(*place_of(rows[-1])) if rows and has_next else None,
        previous=Cursor(*place_of(rows[0]), backward=True) if rows and has_previous else None,
    )
