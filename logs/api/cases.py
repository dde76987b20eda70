"""HR's API doors: cases and their events without an identity. Each look carries its purpose.

No rule lives here, and no answer tells a case of others from one that is not there.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api import views
from logs.cases import access, exporting, looks, reading
from logs.cases.access import HrViewer
from logs.cases.exporting import as_anonymized
from logs.cases.models import CaseNote, CaseState
from logs.cases.reading import CaseEventQuery, CaseQuery
from logs.record import filters
from logs.record.export import chosen_form
from logs.record.wire import format_instant
from orgo_audit import api_pages
from orgo_audit.accounts.models import User
from orgo_audit.api import single_parameters
from orgo_audit.api_doors import REFUSALS
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput, NotAllowed, NotFound
from orgo_audit.instants import TIMES
from orgo_audit.paging import MAX_PAGE_SIZE

EVENT_FILTERS = frozenset({"workflow", "case", "action", "status", *TIMES})
CASE_FILTERS = frozenset({"workflow", "state", *TIMES})
EVENTS_SHOWN = MAX_PAGE_SIZE
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLACE = re.compile(r"[0-9]{1,9}")


class RestrictedView(views.RecordView):
    """For people of the restricted world; no scope of a token opens it."""

    def require_person(self, request: Request) -> User:
        if not isinstance(request.user, User):
            raise NotAllowed(
                "people with a role for it work on cases; no token does", code="person_needed"
            )
        return request.user

    def hr_viewer(self, request: Request) -> HrViewer:
        """An HR manager, with what this look is for."""
        try:
            viewer = access.hr_viewer(self.require_person(request), address_of(request))
        except NotFound:
            self.report_refusal("no view")
            raise
        return replace(viewer, purpose=purpose_of(request))

    def report_refusal(self, why: str) -> None:
        # What the vault refuses somebody of the restricted world is not for the admins' logs.
        if why != REFUSALS[NotAllowed] or not isinstance(self.request.user, User):
            super().report_refusal(why)


class AnonymizedLogView(RestrictedView):
    """The events of the viewer's cases."""

    def get(self, request: Request) -> Response:
        viewer = self.hr_viewer(request)
        query = _event_query(_given(request, EVENT_FILTERS | api_pages.PAGING))
        cursor, size = api_pages.page_of(request)
        page = reading.events(viewer, query, cursor=cursor, size=size)
        return Response(api_pages.page_answer(request, page, as_anonymized))


class AnonymizedExportView(RestrictedView):
    """The same events as a file."""

    def get(self, request: Request) -> HttpResponseBase:
        viewer = self.hr_viewer(request)
        given = _given(request, EVENT_FILTERS | {"format"})
        query, form = _event_query(given), chosen_form(given.get("format", ""))
        rows = [as_anonymized(event) for event in reading.exported_events(viewer, query)]
        blocks = exporting.written(form, rows, exporting.EVENT_COLUMNS)
        return StreamingHttpResponse(blocks, content_type=form.media_type)


class CaseListView(RestrictedView):
    """The viewer's cases, each with its clock."""

    def get(self, request: Request) -> Response:
        viewer = self.hr_viewer(request)
        query = _case_query(_given(request, CASE_FILTERS | api_pages.PAGING))
        cursor, size = api_pages.page_of(request)
        page = reading.cases(viewer, query, cursor=cursor, size=size)
        told = exporting.told_cases(page.rows, today=timezone.now().date())
        by_code = dict(zip(page.rows, told, strict=True))
        return Response(api_pages.page_answer(request, page, by_code.__getitem__))


class CaseView(RestrictedView):
    """One case: its clock, its participants by label, its events in order, its notes."""

    def get(self, request: Request, code: UUID) -> Response:
        viewer = self.hr_viewer(request)
        after = _place(_given(request, frozenset({"after"})).get("after", "0"))
        page = reading.case_page(viewer, code, after=after, size=EVENTS_SHOWN, with_labels=True)
        rest = f"{request.path}?after={page.events[-1].place}" if page.has_more else None
        return Response(
            {
                **exporting.told_cases([page.case], today=timezone.now().date())[0],
                "participants": page.labels,
                "notes": [_told_note(note) for note in page.notes],
                "events": [as_anonymized(event) for event in page.events],
                "events_next": request.build_absolute_uri(rest) if rest else None,
            }
        )


def _told_note(note: CaseNote) -> dict[str, str]:
    return {
        "written_at": format_instant(note.written_at),
        "by": note.written_by,  # type: ignore[attr-defined]  # set by `reading.case_page`
        "text": note.text,
    }


# --- headers and parameters ---------------------------------------------------------------------


def purpose_of(request: Request) -> str:
    """What the look is for, from the header; empty where it is unstated.

    A web server hands headers on as Latin-1; whoever writes them today means UTF-8.
    """
    text: str = request.META.get("HTTP_PURPOSE", "")
    with suppress(UnicodeError):  # else it was Latin-1 indeed
        text = text.encode("latin-1").decode("utf-8")
    text = text.strip()
    controls = any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text)
    if controls or len(text) > looks.PURPOSE_LENGTH:
        raise BadInput(
            f"expected a text of at most {looks.PURPOSE_LENGTH} characters, in UTF-8",
            path="Purpose",
            code="bad_purpose",
        )
    return text


def _given(request: Request, known: frozenset[str]) -> dict[str, str]:
    """The parameters; an empty one would widen what it seems to narrow."""
    given = single_parameters(request, known)
    for name, value in given.items():
        if not value:
            raise BadInput("leave it out where nothing is meant", path=name, code="missing_value")
        filters.refuse_nul(name, value)
    return given


def _event_query(given: dict[str, str]) -> CaseEventQuery:
    since, until = _times(given)
    return CaseEventQuery(
        workflow=given.get("workflow", ""),
        case=_code(given["case"]) if "case" in given else None,
        action=given.get("action", ""),
        status=given.get("status", ""),
        since=since,
        until=until,
    )


def _case_query(given: dict[str, str]) -> CaseQuery:
    since, until = _times(given)
    state = given.get("state", "")
    if state and state not in set(CaseState):
        raise BadInput(
            f"expected one of {', '.join(CaseState)}", path="state", code="unknown_state"
        )
    return CaseQuery(given.get("workflow", ""), state, _first_day(since), _first_day(until))


def _times(given: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """`since` and `until`; a day alone means its beginning, in UTC."""
    times = {
        name: f"{given[name]}T00:00:00Z" if _DAY.fullmatch(given[name]) else given[name]
        for name in TIMES
        if name in given
    }
    query = filters.query_from(times, ())
    return query.since, query.until


def _first_day(since: datetime | None) -> date | None:
    """The first day that does not begin before this time: a case counts from its day's start."""
    if since is None:
        return None
    begins = since.date()
    is_whole = since == since.replace(hour=0, minute=0, second=0, microsecond=0)
    return begins if is_whole or begins == date.max else begins + timedelta(days=1)


def _code(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("expected a case's code", path="case", code="bad_case_code") from None


def _place(text: str) -> int:
    if not _PLACE.fullmatch(text):
        raise BadInput(
            "expected an event's place in its case, as in `events_next`",
            path="after",
            code="bad_place",
        )
    return int(text)
