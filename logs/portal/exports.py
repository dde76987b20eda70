"""Hands cases and events on as files for people, as `exporting` writes them. Reads nothing.

The file's name tells nothing of what is in it: it stays behind in folders and histories.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from datetime import date

from django.http import HttpResponse
from django.utils import timezone

from logs.cases import exporting
from logs.cases.exporting import Json, as_anonymized
from logs.cases.models import Case, CaseEvent
from logs.record.export import Form


def case_file(form: Form, cases: Iterable[Case], *, today: date) -> HttpResponse:
    rows = exporting.told_cases(cases, today=today)
    return attached(form, rows, exporting.CASE_COLUMNS)


def event_file(form: Form, events: Iterable[CaseEvent]) -> HttpResponse:
    rows = [as_anonymized(event) for event in events]
    return attached(form, rows, exporting.EVENT_COLUMNS)


def attached(form: Form, rows: Sequence[Json], columns: Sequence[str]) -> HttpResponse:
    """For spreadsheets with the mark that says UTF-8; their last line names count and zone."""
    content = b"".join(exporting.written(form, rows, columns))
    if form is Form.CSV:
        end = f"# count: {len(rows)}; time zone: UTC\n"
        content = codecs.BOM_UTF8 + content + end.encode()
    name = f"export-{timezone.now():%Y-%m-%dT%H%MZ}.{form.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=form.media_type, headers=headers)
