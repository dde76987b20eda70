"""HR's pages of cases: the list, one case as a timeline, files of both. Every row by `reading`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from logs.cases import clock, reading, working
from logs.cases.access import HrViewer, policy_of
from logs.cases.models import Case, CaseState
from logs.cases.reading import CaseEventQuery
from logs.portal import exports, listing, timeline
from logs.portal.frame import hr_page, show
from logs.record.export import Form, chosen_form
from logs.retention import holds
from orgo_audit.addresses import single_values
from orgo_audit.errors import BadInput
from orgo_audit.policy.regimes import Kept, kept_cases
from orgo_audit.policy.schema import SensitiveWorkflow


def today() -> date:
    """Of the days that HR sees, which are UTC's."""
    return timezone.now().date()


# --- the list -------------------------------------------------------------------------------------


@hr_page
@require_safe
def case_list(request: HttpRequest, viewer: HrViewer) -> HttpResponse:
    if (cleaned := listing.without_empty_fields(request.GET)) is not None:
        return HttpResponseRedirect(cleaned)
    kinds = listing.kinds_of(viewer)
    try:
        asked = listing.ListAddress.parse(request.GET, kinds)
    except BadInput as problem:
        return _bad_filter(request, kinds, problem)
    page = reading.cases(viewer, asked.query, cursor=asked.cursor, size=listing.PAGE_SIZE)
    is_whole = page.next is None and page.previous is None
    context = {
        "asked": asked,
        "kinds": kinds,
        "states": CaseState.values,
        "lines": listing.lines_of(page.rows, today=today(), is_whole=is_whole),
        "is_whole": is_whole,
        "organizations": len(viewer.organizations),
        "newer": asked.page_href(page.previous),
        "older": asked.page_href(page.next),
    }
    return show(request, "cases/list.html", context)


def _bad_filter(request: HttpRequest, kinds: dict[str, str], problem: BadInput) -> HttpResponse:
    """The list's form as it was filled in, and what is wrong with it; no case is looked at."""
    context = {
        "asked": listing.ListAddress.as_typed(request.GET),
        "kinds": kinds,
        "states": CaseState.values,
        "problem": problem,
        "label": listing.LABELS.get(problem.path, problem.path),
    }
    return show(request, "cases/list.html", context, status=problem.status)


@hr_page
@require_safe
def case_list_export(request: HttpRequest, viewer: HrViewer) -> HttpResponseBase:
    parameters = request.GET.copy()
    form = chosen_form("".join(parameters.pop("format", [])))
    asked = listing.ListAddress.parse(parameters, listing.kinds_of(viewer))
    cases = reading.exported_cases(viewer, asked.query)
    is_whole = len(cases) <= listing.PAGE_SIZE
    lines = listing.lines_of(cases, today=today(), is_whole=is_whole)
    return exports.case_file(form, [line.case for line in lines], today=today())


# --- one case -------------------------------------------------------------------------------------


@hr_page
@require_safe
def case_page(request: HttpRequest, viewer: HrViewer, code: UUID) -> HttpResponse:
    given = single_values(request.GET, frozenset({"after"}))
    after = timeline.place_in(given.get("after", "0"))
    page = reading.case_page(viewer, code, after=after, size=timeline.PAGE_SIZE)
    case, workflow = page.case, workflow_of(page.case)
    context = {
        **facts_of(case),
        "days": timeline.days_of(page.events, workflow.time_grain),
        "pages": timeline.Pages(after, len(page.events), page.last_place),
        "workflow": workflow,
        "steps": open_steps(case),
        "notes": page.notes,
        "longest_note": working.LONGEST_NOTE,
        "exports": {form.name: f"export/?format={form.value}" for form in Form},
    }
    return show(request, "cases/case.html", context)


@hr_page
@require_safe
def case_export(request: HttpRequest, viewer: HrViewer, code: UUID) -> HttpResponseBase:
    given = single_values(request.GET, frozenset({"format"}))
    form = chosen_form(given.get("format", ""))
    case = reading.case_to_work(viewer, code)
    return exports.event_file(form, reading.exported_events(viewer, CaseEventQuery(case=case.pk)))


@dataclass(frozen=True, slots=True)
class Step:
    """A step that can be taken now: its name, and the words of its button. Each asks first."""

    name: str
    words: str


_STEPS = {
    "acknowledged": Step("acknowledged", "Receipt is acknowledged"),
    "answered": Step("answered", "Feedback is given"),
    "closed": Step("closed", "Close the case"),
    "reopened": Step("reopened", "Reopen the case"),
}


def open_steps(case: Case) -> list[Step]:
    """What can be done with the case now, in its order."""
    if case.state == CaseState.CLOSED:
        return [_STEPS["reopened"]]
    names = [name for name in ("acknowledged", "answered") if getattr(case, f"{name}_on") is None]
    return [_STEPS[name] for name in (*names, "closed")]


def workflow_of(case: Case) -> SensitiveWorkflow:
    return policy_of(case.organization).sensitive_workflows[case.workflow]


def facts_of(case: Case) -> dict[str, object]:
    """What every page of a case says about it."""
    is_held = case.closed_on is not None and str(case.pk) in holds.held_cases(case.organization)
    return {
        "line": listing.line_of(case, today=today()),
        "destroyed_after": destroyed_after(case),
        "kept": kept_of(case),
        "is_held": is_held,
    }


def kept_of(case: Case) -> Kept:
    """For how long the case is kept once it is closed."""
    return kept_cases(policy_of(case.organization), case.workflow)


def destroyed_after(case: Case, *, closed_on: date | None = None) -> date | None:
    """Until when the case is kept, if it is closed or were closed on that day."""
    end = case.closed_on or closed_on
    return clock.destroyed_after(end, kept_of(case).period) if end else None
