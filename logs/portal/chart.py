"""The chart of all cases by month. Draws no withheld number."""

from __future__ import annotations

from logs.cases.counts import Counts
from orgo_audit.chart import Chart, Point, bar_chart

_QUARTERS = (1, 4, 7, 10)


def chart_of(counts: Counts) -> Chart | None:
    """None where every month is withheld."""
    by_month = list(zip(counts.months, counts.month_totals, strict=True))
    told = ", ".join(f"{month:%B %Y} {count}" for month, count in by_month if count is not None)
    words = f"Cases by the month in which they were opened: {told}. All other months: withheld."
    points = [
        Point(f"{month:%b %y}", count, str(count), month.month in _QUARTERS)
        for month, count in by_month
    ]
    return bar_chart("Cases by month", words, points)
