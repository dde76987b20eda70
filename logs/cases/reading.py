"""Reads cases for an HR manager: assigned ones, the projection alone, each look put on record.

Pages, API and exports go through here. People and policies are resolved before; the rows are
evaluated behind `SET LOCAL ROLE orgo_hr`, where nothing else is in reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from logs.cases import access, counts, looks
from logs.cases.access import HrViewer
from logs.cases.models import Case, CaseEvent, CaseNote, LookedAt
from logs.cases.role import as_hr
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import BadInput, NotFound
from orgo_audit.paging import DEFAULT_PAGE_SIZE, Cursor, Page, page_of

MAX_EXPORTED_EVENTS = 100_000
COUNTED_MONTHS = 24


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases: by workflow and state; by the day on which they were opened, half open."""

    workflow: str = ""
    state: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class CaseEventQuery:
    """Which events: of a workflow or one case, by action and status, by day, half open."""

    workflow: str = ""
    case: UUID | None = None
    action: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case, some of its events in their order, and its notes, the oldest first.

    Events are numbered from 1 on: `last_place` is how many there are.
    """

    case: Case
    events: list[CaseEvent]
    has_more: bool
    last_place: int
    labels: list[str]
    notes: list[CaseNote]


def cases(
    viewer: HrViewer,
    query: CaseQuery,
    *,
    cursor: Cursor | None = None,
    size: int = DEFAULT_PAGE_SIZE,
) -> Page[Case]:
    """One page of the viewer's cases, the latest opened first."""
    with as_hr():
        rows = _after_case(_cases(viewer, query), cursor)
        found = page_of(list(rows[: size + 1]), cursor, size=size, place_of=_place_of_case)
    _told(viewer, found.rows)
    _look(viewer, LookedAt.LIST, rows=len(found.rows))
    return found


def case(viewer: HrViewer, code: UUID) -> Case:
    """One case; NotFound for an unknown one, one of others and one that is not assigned alike."""
    found = case_to_work(viewer, code)
    looks.record(viewer, found.organization, LookedAt.CASE, case=found.pk)
    return found


def case_page(
    viewer: HrViewer, code: UUID, *, after: int, size: int, with_labels: bool = False
) -> CasePage:
    """The same with its events from behind that place on, and what else is told of one case.

    Costs as much however many events there are; only the labels are read from all of them.
    """
    with as_hr():
        found = _assigned(viewer, code)
        events = CaseEvent.objects.filter(case=code)
        shown = list(events.filter(place__gt=after).order_by("place")[: size + 1])
        page = CasePage(
            found,
            shown[:size],
            has_more=len(shown) > size,
            last_place=events.order_by("-place").values_list("place", flat=True).first() or 0,
            labels=_labels(code) if with_labels else [],
            notes=list(CaseNote.objects.filter(case=code).order_by("written_at", "pk")),
        )
    _told(viewer, [found])
    looks.record(viewer, found.organization, LookedAt.CASE, case=found.pk)
    for event in page.events:
        event.case = found
    _sign(page.notes)
    return page


def case_to_work(viewer: HrViewer, code: UUID) -> Case:
    """The same for whatever leaves a line of its own: a step, a note, an export, an errand."""
    with as_hr():
        found = _assigned(viewer, code)
    _told(viewer, [found])
    return found


def labels(case: Case) -> list[str]:
    """The labels of all who take part in a case, in the order of their numbers."""
    with as_hr():
        return _labels(case.pk)


def _assigned(viewer: HrViewer, code: UUID) -> Case:
    found = access.readable_cases(viewer).filter(pk=code).first()
    if found is None:
        raise NotFound
    return found


def _labels(code: UUID) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT one->>'label'"
            ' FROM "hr"."case_event", jsonb_array_elements(participants) AS one'
            " WHERE case_id = %s",
            [code],
        )
        labels = [label for (label,) in cursor.fetchall()]
    return sorted(labels, key=lambda label: int(label.removeprefix("Anon")))


def _sign(notes: list[CaseNote]) -> None:
    """Each note gets its author's name as `written_by`."""
    names = names_of(note.author_id for note in notes)
    for note in notes:
        note.written_by = names.get(note.author_id, "")  # type: ignore[attr-defined]  # for the page


def events(
    viewer: HrViewer,
    query: CaseEventQuery,
    *,
    cursor: Cursor | None = None,
    size: int = DEFAULT_PAGE_SIZE,
) -> Page[CaseEvent]:
    """One page of the events of the viewer's cases: the latest day first, each case in order."""
    with as_hr():
        rows = _after_event(_events(viewer, query), cursor)
        found = page_of(list(rows[: size + 1]), cursor, size=size, place_of=_place_of_event)
    _told(viewer, [event.case for event in found.rows])
    _look(viewer, LookedAt.EVENTS, rows=len(found.rows), case=query.case)
    return found


def exported_cases(viewer: HrViewer, query: CaseQuery) -> list[Case]:
    """All cases of the query, in the order of the list; each time put on record as an export."""
    with as_hr():
        found = list(_cases(viewer, query).order_by("-opened_on", "-code"))
    _told(viewer, found)
    _look(viewer, LookedAt.EXPORT, rows=len(found))
    return found


def exported_events(viewer: HrViewer, query: CaseEventQuery) -> list[CaseEvent]:
    """All events of the query, in the order of the list; one case in its own order."""
    order = ("place",) if query.case else ("-occurred_at", "-case", "-place")
    with as_hr():
        found = list(_events(viewer, query).order_by(*order)[:MAX_EXPORTED_EVENTS])
    _told(viewer, [event.case for event in found])
    _look(viewer, LookedAt.EXPORT, rows=len(found), case=query.case)
    return found


def counted(viewer: HrViewer, *, today: date) -> counts.Counts:
    """The viewer's cases of two years by month and workflow, small numbers withheld.

    Months and workflows are shown whether there was a case or not.
    """
    months = _months_until(today)
    with as_hr():
        rows = access.readable_cases(viewer).filter(
            opened_on__gte=months[0], opened_on__lt=today + timedelta(days=1)
        )
        opened = list(rows.values_list("opened_on", "workflow"))
    _look(viewer, LookedAt.COUNTS)
    kinds = {name for shown in viewer.workflows.values() for name in shown}
    return counts.counts(opened, months=months, kinds=kinds)


def _months_until(today: date) -> list[date]:
    last = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(last - COUNTED_MONTHS + 1, last + 1)]


# --- rows ---------------------------------------------------------------------------------------


def _cases(viewer: HrViewer, query: CaseQuery) -> QuerySet[Case]:
    rows = access.readable_cases(viewer)
    if query.workflow:
        rows = rows.filter(workflow=query.workflow)
    if query.state:
        rows = rows.filter(state=query.state)
    if query.since:
        rows = rows.filter(opened_on__gte=query.since)
    if query.until:
        rows = rows.filter(opened_on__lt=query.until)
    return rows


def _after_case(rows: QuerySet[Case], cursor: Cursor | None) -> QuerySet[Case]:
    if cursor is None:
        return rows.order_by("-opened_on", "-code")
    key, place = Tuple(F("opened_on"), F("code")), (cursor.instant.date(), cursor.id)
    if cursor.backward:
        return rows.filter(TupleGreaterThan(key, place)).order_by("opened_on", "code")
    return rows.filter(TupleLessThan(key, place)).order_by("-opened_on", "-code")


def _place_of_case(case: Case) -> tuple[datetime, UUID]:
    return datetime.combine(case.opened_on, time(), UTC), case.pk


def _events(viewer: HrViewer, query: CaseEventQuery) -> QuerySet[CaseEvent]:
    readable = access.readable_cases(viewer)
    if query.workflow:
        readable = readable.filter(workflow=query.workflow)
    if query.case:
        readable = readable.filter(pk=query.case)
    wanted = Q(case__in=readable.values("pk"))
    for name in ("action", "status"):
        if value := getattr(query, name):
            wanted &= Q(**{name: value})
    if query.since:
        wanted &= Q(occurred_at__gte=query.since)
    if query.until:
        wanted &= Q(occurred_at__lt=query.until)
    return CaseEvent.objects.filter(wanted).select_related("case")


def _after_event(rows: QuerySet[CaseEvent], cursor: Cursor | None) -> QuerySet[CaseEvent]:
    """A cursor names an event; where that one stands now is where the page begins."""
    if cursor is None:
        return rows.order_by("-occurred_at", "-case", "-place")
    place = rows.filter(pk=cursor.id).values_list("occurred_at", "case", "place").first()
    if place is None:
        raise BadInput("this event is gone; begin the list again", path="cursor", code="bad_cursor")
    key = Tuple(F("occurred_at"), F("case"), F("place"))
    if cursor.backward:
        return rows.filter(TupleGreaterThan(key, place)).order_by("occurred_at", "case", "place")
    return rows.filter(TupleLessThan(key, place)).order_by("-occurred_at", "-case", "-place")


def _place_of_event(event: CaseEvent) -> tuple[datetime, UUID]:
    return event.occurred_at, event.pk


def _told(viewer: HrViewer, found: list[Case]) -> None:
    """Each case knows its organization without a query."""
    for one in found:
        one.organization = viewer.organization(one.organization_id)


def _look(
    viewer: HrViewer, what: LookedAt, *, rows: int | None = None, case: UUID | None = None
) -> None:
    """One line in each organization that the look concerned."""
    for organization in viewer.organizations:
        looks.record(viewer, organization, what, case=case, rows=rows)
