"""How many cases there are, by month and kind, with small numbers withheld."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from logs.cases import reading
from logs.cases.access import HrViewer
from logs.cases.counts import SMALLEST_SHOWN, Count, Counts
from logs.portal.cases import today
from logs.portal.chart import chart_of
from logs.portal.frame import hr_page, show
from logs.portal.listing import kind_of
from orgo_audit.addresses import single_values


@dataclass(frozen=True, slots=True)
class Row:
    """A month of which something is shown, or all months in a row of which nothing is."""

    last: date
    first: date
    cells: tuple[Count, ...]
    total: Count

    @property
    def is_withheld(self) -> bool:
        return self.total is None and all(count is None for count in self.cells)


def rows_of(counts: Counts) -> list[Row]:
    """The newest month first, as in every list."""
    rows: list[Row] = []
    months = zip(counts.months, counts.cells, counts.month_totals, strict=True)
    for month, cells, total in reversed(list(months)):
        row = Row(month, month, cells, total)
        if rows and rows[-1].is_withheld and row.is_withheld:
            row = replace(row, last=rows.pop().last)
        rows.append(row)
    return rows


@hr_page
@require_safe
def case_counts(request: HttpRequest, viewer: HrViewer) -> HttpResponse:
    single_values(request.GET, frozenset())
    counts = reading.counted(viewer, today=today())
    context = {
        "kinds": [kind_of(name) for name in counts.kinds],
        "rows": rows_of(counts),
        "totals": counts.kind_totals,
        "grand_total": counts.grand_total,
        "smallest": SMALLEST_SHOWN,
        "chart": chart_of(counts),
    }
    return show(request, "cases/counts.html", context)
