"""The list of cases in words and links: filters, neighbours, deadlines. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict

from logs.cases import clock
from logs.cases.access import HrViewer, policy_of
from logs.cases.clock import Deadline
from logs.cases.models import Case, CaseState
from logs.cases.reading import CaseQuery
from logs.record.export import Form
from orgo_audit.addresses import cursor_in, single_values
from orgo_audit.errors import BadInput
from orgo_audit.paging import Cursor

# So large that the list is nearly always whole, and so in the order of what is due.
PAGE_SIZE = 200
SHORT_CODE = 8
LABELS = {
    "workflow": "Kind",
    "state": "State",
    "since": "Opened since",
    "until": "Opened until, not included",
    "cursor": "Page",
}
_PARAMETERS = frozenset(LABELS)


def kind_of(workflow: str) -> str:
    """A workflow as people say it."""
    return workflow.replace("_", " ").capitalize()


def kinds_of(viewer: HrViewer) -> dict[str, str]:
    """The kinds of cases that the viewer may see, by the workflow's name."""
    names = {name for shown in viewer.workflows.values() for name in shown}
    return {name: kind_of(name) for name in sorted(names)}


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case with what its clock says today."""

    case: Case
    kind: str
    age: int
    deadlines: list[Deadline]

    @property
    def short_code(self) -> str:
        return str(self.case.pk)[:SHORT_CODE]

    @property
    def next_deadline(self) -> Deadline | None:
        """The first step that is still open; none of a closed case is."""
        if self.case.closed_on:
            return None
        return next((one for one in self.deadlines if one.done_on is None), None)


def line_of(case: Case, *, today: date) -> CaseLine:
    workflow = policy_of(case.organization).sensitive_workflows[case.workflow]
    days = {"acknowledged": case.acknowledged_on, "answered": case.answered_on}
    done = {step: day for step, day in days.items() if day is not None}
    deadlines = clock.deadlines(
        case.opened_on, workflow.deadlines, done, case.closed_on, today=today
    )
    age = clock.age(case.opened_on, case.closed_on, today=today)
    return CaseLine(case, kind_of(case.workflow), age, deadlines)


def lines_of(cases: Iterable[Case], *, today: date, is_whole: bool) -> list[CaseLine]:
    """A whole list begins with what is due first; a part of one stays in the order of opening."""
    lines = [line_of(case, today=today) for case in cases]
    return sorted(lines, key=_due_day) if is_whole else lines


def _due_day(line: CaseLine) -> date:
    return line.next_deadline.due if line.next_deadline else date.max


@dataclass(frozen=True, slots=True)
class ListAddress:
    """What the address of the list asks for, and the addresses that lead on from it."""

    given: dict[str, str]
    query: CaseQuery
    cursor: Cursor | None

    @classmethod
    def parse(cls, parameters: QueryDict, kinds: Iterable[str]) -> ListAddress:
        """BadInput, naming the parameter, for whatever is unknown or malformed."""
        given = single_values(parameters, _PARAMETERS)
        query = CaseQuery(
            workflow=one_of("workflow", given, kinds),
            state=one_of("state", given, CaseState.values),
            since=day_in("since", given),
            until=day_in("until", given),
        )
        if query.since and query.until and query.since >= query.until:
            raise BadInput("`until` must be later than `since`", path="until", code="empty_range")
        return cls(given, query, cursor_in(given))

    @classmethod
    def as_typed(cls, parameters: QueryDict) -> ListAddress:
        """For the form alone, where something in the address cannot be used."""
        known = {name: str(value) for name, value in parameters.items() if name in _PARAMETERS}
        query = CaseQuery(workflow=known.get("workflow", ""), state=known.get("state", ""))
        return cls(known, query, None)

    @property
    def filters(self) -> dict[str, str]:
        return {name: value for name, value in self.given.items() if name != "cursor"}

    @property
    def chips(self) -> list[tuple[str, str]]:
        """The filters in force, each with the address that takes it away."""
        shown = self.filters | {
            name: kind_of(value) for name, value in self.filters.items() if name == "workflow"
        }
        return [
            (
                f"{LABELS[name]}: {value}",
                _address({other: v for other, v in self.filters.items() if other != name}),
            )
            for name, value in shown.items()
        ]

    def page_href(self, cursor: Cursor | None) -> str:
        return "" if cursor is None else _address(self.filters | {"cursor": cursor.as_text()})

    def exports(self) -> dict[str, str]:
        """Where exactly these cases are as a file."""
        return {
            form.name: f"export/{_address(self.filters | {'format': form.value})}" for form in Form
        }


def without_empty_fields(parameters: QueryDict) -> str | None:
    """Where a submitted filter form should lead; None where the address is clean already."""
    kept = {name: str(value) for name, value in parameters.items() if str(value).strip()}
    return _address(kept) if len(kept) < len(parameters) else None


def _address(parameters: dict[str, str]) -> str:
    return f"?{urlencode(parameters)}"


def one_of(name: str, given: dict[str, str], known: Iterable[str]) -> str:
    value = given.get(name, "")
    if value and value not in set(known):
        raise BadInput(f"expected one of {', '.join(known)}", path=name)
    return value


def day_in(name: str, given: dict[str, str]) -> date | None:
    if name not in given:
        return None
    try:
        return date.fromisoformat(given[name])
    except ValueError:
        raise BadInput("expected a day such as 2026-11-25", path=name) from None
