"""How many cases there are, by month and kind, with small numbers withheld."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from logs.admin.listing import single_values
from logs.cases import reading
from logs.cases.access import HrViewer
from logs.cases.counts import SMALLEST_SHOWN
from logs.portal.cases import today
from logs.portal.chart import chart_of
from logs.portal.frame import hr_page, show
from logs.portal.listing import kind_of


@hr_page
@require_safe
def case_counts(request: HttpRequest, viewer: HrViewer) -> HttpResponse:
    single_values(request.GET, frozenset())
    counts = reading.counted(viewer, today=today())
    rows = list(zip(counts.months, counts.cells, counts.month_totals, strict=True))
    context = {
        "kinds": [kind_of(name) for name in counts.kinds],
        # The newest month first, as in every list.
        "rows": rows[::-1],
        "totals": counts.kind_totals,
        "grand_total": counts.grand_total,
        "smallest": SMALLEST_SHOWN,
        "chart": chart_of(counts),
    }
    return show(request, "cases/counts.html", context)
