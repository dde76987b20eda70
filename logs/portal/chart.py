"""A chart of counts as numbers to draw: bars in a frame of fixed size. Draws no withheld number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from logs.cases.counts import Count, Counts

HEIGHT = 160
STEP = 28
BAR = 18
LEFT = 34
ABOVE = 18
BELOW = 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One month: where its bar stands, how high it is; no height where the number is withheld."""

    month: date
    count: Count
    x: int
    y: float
    height: float
    has_name: bool

    @property
    def middle(self) -> int:
        return self.x + BAR // 2

    @property
    def value_y(self) -> float:
        return self.y - 4


@dataclass(frozen=True, slots=True)
class Chart:
    """All cases by month."""

    bars: list[Bar]
    highest: int
    width: int

    bar_width = BAR
    left = LEFT
    top = ABOVE
    floor = ABOVE + HEIGHT
    height = ABOVE + HEIGHT + BELOW
    name_y = ABOVE + HEIGHT + 16

    @property
    def right(self) -> int:
        return self.width - 2

    @property
    def words(self) -> str:
        """What the chart shows, for those who do not see it."""
        shown = [bar for bar in self.bars if bar.count is not None]
        told = ", ".join(f"{bar.month:%B %Y} {bar.count}" for bar in shown)
        return f"Cases by the month in which they were opened: {told}. All other months: withheld."


def chart_of(counts: Counts) -> Chart | None:
    """None where every month is withheld: a chart without a bar says nothing."""
    highest = max((total for total in counts.month_totals if total is not None), default=0)
    if not highest:
        return None
    bars = [
        _bar(place, month, total, highest)
        for place, (month, total) in enumerate(zip(counts.months, counts.month_totals, strict=True))
    ]
    return Chart(bars, highest, LEFT + STEP * len(bars) + 2)


def _bar(place: int, month: date, total: Count, highest: int) -> Bar:
    height = round(HEIGHT * (total or 0) / highest, 1)
    x = LEFT + place * STEP + (STEP - BAR) // 2
    return Bar(
        month, total, x, round(ABOVE + HEIGHT - height, 1), height, month.month in (1, 4, 7, 10)
    )
