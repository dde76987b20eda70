"""Reads events for a viewer, page by page, through access; leaves the record of who read what."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from logs.record import own_events
from logs.record.access import Readable, Viewer, narrowed, readable
from logs.record.drafts import MAX_AHEAD
from logs.record.expiry import unexpired
from logs.record.identifiers import ID_SLACK, smallest_id
from logs.record.models import Event
from logs.record.vocabulary import LogType
from logs.record.wire import format_instant
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import NotFound
from orgo_audit.paging import DEFAULT_PAGE_SIZE, Cursor, Page, beyond, page_of

MAX_TRACE_EVENTS = 2000


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: log types, exact values by field, a half-open range of the sender's clock."""

    log_types: frozenset[LogType]
    filters: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def described(self) -> dict[str, str]:
        """The query as the record keeps it."""
        told = dict(self.filters)
        for name, instant in (("since", self.since), ("until", self.until)):
            if instant is not None:
                told[name] = format_instant(instant)
        return told


def read(
    viewer: Viewer,
    query: EventQuery,
    *,
    cursor: Cursor | None = None,
    size: int = DEFAULT_PAGE_SIZE,
) -> Page[Event]:
    """One page of what the viewer may read; NotFound where that is nothing."""
    scopes = scopes_of(viewer, query.log_types)
    own_events.report_read(viewer, scopes, described(query.log_types), query.described())
    backward = cursor is not None and cursor.backward
    rows = _merged(
        (
            _fetched(_first_rows(query, organization, kinds, cursor, size + 1), organization)
            for organization, kinds in scopes.items()
        ),
        backward=backward,
    )
    return page_of(rows, cursor, size=size, place_of=_place_of)


def get(viewer: Viewer, log_types: Iterable[LogType], event_id: UUID) -> Event:
    """One event; NotFound for an unknown id, another log type and another organization alike."""
    scopes = scopes_of(viewer, log_types)
    for organization, kinds in scopes.items():
        for found in _fetched(_in_scope(organization, kinds).filter(pk=event_id), organization):
            what = f"{found.log_type} event {event_id}"
            own_events.report_read(viewer, [organization], what, {})
            return found
    raise NotFound


def events_of_task(viewer: Viewer, task_id: str) -> list[Event]:
    """A task's events of all types in order, those of its e-mail before the task existed included.

    NotFound where there are none. At most the first 2,000. Tasks of one id in several
    organizations are several tasks: the one of the oldest organization is shown.
    """
    scopes = scopes_of(viewer, LogType)
    if "\0" in task_id:
        raise NotFound  # no event can carry it
    own_events.report_read(viewer, scopes, "trace", {"task_id": task_id})
    for organization in sorted(scopes, key=lambda tenant: tenant.pk):
        events = _in_scope(organization, scopes[organization]).order_by("occurred_at", "id")
        if not (found := list(events.filter(task_id=task_id)[:MAX_TRACE_EVENTS])):
            continue
        mails = {event.email_id for event in found if event.email_id}
        found += events.filter(email_id__in=mails, task_id=None)[:MAX_TRACE_EVENTS]
        found.sort(key=_place_of)
        return _fetched(found[:MAX_TRACE_EVENTS], organization)
    raise NotFound


def estimate(viewer: Viewer, query: EventQuery) -> int:
    """About how many events the query has, by the planner's statistics: never counts."""
    scopes = narrowed(readable(viewer.identity), query.log_types)
    return sum(_estimated(_rows(query, *scope, None).order_by()) for scope in scopes.items())


def rows_of(scopes: Readable, query: EventQuery) -> QuerySet[Event]:
    """All that the query selects of these scopes, newest first."""
    return reduce(or_, (_rows(query, *scope, None) for scope in scopes.items()))


def _estimated(rows: QuerySet[Event]) -> int:
    statement, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan = cursor.fetchone()[0]
    return int(
        (plan if isinstance(plan, list) else msgspec.json.decode(plan))[0]["Plan"]["Plan Rows"]
    )


def scopes_of(viewer: Viewer, log_types: Iterable[LogType]) -> Readable:
    """What of these logs the viewer may read; NotFound where that is nothing."""
    scopes = narrowed(readable(viewer.identity), log_types)
    if not scopes:
        raise NotFound
    return scopes


def described(log_types: Iterable[LogType]) -> str:
    """These logs as the record names what was read."""
    return " and ".join(sorted(log_type.view for log_type in log_types))


def _in_scope(organization: Organization, kinds: Iterable[LogType]) -> QuerySet[Event]:
    """All that there is to read here: what has expired is in no answer, count or file."""
    return Event.objects.filter(unexpired(organization, kinds, timezone.now()))


def _fetched(rows: Iterable[Event], organization: Organization) -> list[Event]:
    """The rows, each knowing its organization without a query of its own."""
    events = list(rows)
    for event in events:
        event.organization = organization
    return events


def _rows(
    query: EventQuery,
    organization: Organization,
    kinds: frozenset[LogType],
    cursor: Cursor | None,
) -> QuerySet[Event]:
    rows = _in_scope(organization, kinds).filter(**query.filters)
    if query.since is not None:
        # No event is recorded before its own time minus what a clock may be ahead: the id tells
        # recorded_at, so this leaves whole months out.
        rows = rows.filter(occurred_at__gte=query.since, id__gte=_first_id(query.since))
    if query.until is not None:
        rows = rows.filter(occurred_at__lt=query.until)
    return beyond(rows, cursor, by="occurred_at")


def _first_rows(
    query: EventQuery,
    organization: Organization,
    kinds: frozenset[LogType],
    cursor: Cursor | None,
    number: int,
) -> QuerySet[Event]:
    """Each log by itself, in one statement: one condition for all would open every segment of all
    of them from the longest period on, and walk through what has expired in each.
    """
    each = [_rows(query, organization, frozenset([kind]), cursor) for kind in sorted(kinds)]
    first, *others = (rows[:number] for rows in each)
    if not others:
        return first
    return first.union(*others, all=True).order_by(*first.query.order_by)[:number]


def _first_id(since: datetime) -> UUID:
    try:
        return smallest_id(since - MAX_AHEAD - ID_SLACK)
    except OverflowError:  # in the first minutes of year 1
        return UUID(int=0)


def _merged(lists: Iterable[Iterable[Event]], *, backward: bool) -> list[Event]:
    """The lists of several organizations as one, in the same order."""
    return list(heapq.merge(*lists, key=_place_of, reverse=not backward))


def _place_of(event: Event) -> tuple[datetime, UUID]:
    return event.occurred_at, event.id
