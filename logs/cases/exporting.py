"""Cases and their events as JSON objects, and those as NDJSON or CSV. Reads nothing, hides nothing.

The API and the pages share it, so that an export holds exactly what is shown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from logs.cases import clock
from logs.cases.access import policy_of
from logs.cases.models import Case, CaseEvent
from logs.record.export import Form
from logs.record.wire import format_instant
from orgo_audit.accounts.models import Organization
from orgo_audit.policy.regimes import kept_cases
from orgo_audit.policy.schema import OrganizationPolicy, SensitiveWorkflow
from orgo_audit.spreadsheets import harmless

Json = dict[str, Any]
EVENT_COLUMNS = (
    *("id", "timestamp", "case_id", "workflow", "organization"),
    *("action", "status", "anonymized_fields", "released_text"),
)
CASE_COLUMNS = (
    *("code", "workflow", "organization", "opened", "state", "closed"),
    *("acknowledged", "answered", "age_days", "deadlines", "destroyed_after"),
)
_encode, _encode_lines = msgspec.json.encode, msgspec.json.Encoder().encode_lines
_ROWS_PER_BLOCK = 500


def told_cases(cases: Iterable[Case], *, today: date) -> list[Json]:
    """Each case with its clock, in words."""
    policies: dict[Organization, OrganizationPolicy] = {}
    told = []
    for case in cases:
        if case.organization not in policies:
            policies[case.organization] = policy_of(case.organization)
        told.append(_told_case(case, policies[case.organization], today))
    return told


def _told_case(case: Case, policy: OrganizationPolicy, today: date) -> Json:
    workflow = policy.sensitive_workflows.get(case.workflow, SensitiveWorkflow())
    period = kept_cases(policy, case.workflow).period
    done = {"acknowledged": case.acknowledged_on, "answered": case.answered_on}
    known = {step: day for step, day in done.items() if day}
    due = clock.deadlines(case.opened_on, workflow.deadlines, known, case.closed_on, today=today)
    ends = clock.destroyed_after(case.closed_on, period) if case.closed_on else None
    return {
        "code": str(case.pk),
        "workflow": case.workflow,
        "organization": case.organization.slug,
        "opened": case.opened_on.isoformat(),
        "state": case.state,
        "closed": _day(case.closed_on),
        **{step: _day(day) for step, day in done.items()},
        "age_days": clock.age(case.opened_on, case.closed_on, today=today),
        "deadlines": [
            {
                "step": one.name,
                "due": one.due.isoformat(),
                "done": _day(one.done_on),
                "state": one.state,
            }
            for one in due
        ],
        "destroyed_after": _day(ends),
    }


def as_anonymized(event: CaseEvent) -> Json:
    """An event in the blueprint's anonymized shape: times as HR may know them, labels for names."""
    told: Json = {
        "id": str(event.pk),
        "timestamp": format_instant(event.occurred_at),
        "action": event.action,
        "case_id": str(event.case_id),
        "workflow": event.case.workflow,
        "organization": event.case.organization.slug,
        "anonymized_fields": _by_role(event.participants),
    }
    if event.status is not None:
        told["status"] = event.status
    if event.released_text is not None:
        told["released_text"] = event.released_text
    return told


def _by_role(participants: list[dict[str, str]]) -> dict[str, str | list[str]]:
    """`{"reporter": "Anon1"}`; a list where several have one role."""
    found: dict[str, str | list[str]] = {}
    for one in participants:
        known = found.get(one["role"])
        if known is None:
            found[one["role"]] = one["label"]
        elif isinstance(known, list):
            known.append(one["label"])
        else:
            found[one["role"]] = [known, one["label"]]
    return found


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def written(form: Form, rows: Sequence[Json], columns: Sequence[str]) -> Iterator[bytes]:
    """The file, in blocks of whole lines; CSV begins with the columns."""
    if form is Form.CSV:
        yield _csv([list(columns)])
    for start in range(0, len(rows), _ROWS_PER_BLOCK):
        block = rows[start : start + _ROWS_PER_BLOCK]
        if form is Form.CSV:
            yield _csv([[_cell(row.get(name)) for name in columns] for row in block])
        else:
            yield _encode_lines(block)


def _csv(lines: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A text gets an apostrophe before it where a spreadsheet would take it for a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return _encode(value).decode()
