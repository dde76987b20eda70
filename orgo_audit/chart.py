"""A bar chart as numbers to draw: bars in a frame of fixed size. Draws nothing that it is not told.

`templates/orgo_audit/bar_chart.html` turns it into SVG, which needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 160
STEP = 28
BAR = 18
LEFT = 42
ABOVE = 18
BELOW = 22
LONGEST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One bar: its name, its value (none where there is none to show), and the value in words."""

    name: str
    value: float | None
    text: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a point's bar stands, and how high it is."""

    point: Point
    x: int
    y: float
    height: float

    @property
    def middle(self) -> int:
        return self.x + BAR // 2

    @property
    def value_y(self) -> float:
        return self.y - 4

    @property
    def has_text(self) -> bool:
        """What is longer would run into its neighbours."""
        return bool(self.point.value) and len(self.point.text) <= LONGEST_SHOWN


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right, and what they tell to those who do not see them."""

    title: str
    words: str
    bars: list[Bar]
    highest: str
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


def bar_chart(
    title: str, words: str, points: Sequence[Point], *, highest: tuple[float, str] | None = None
) -> Chart | None:
    """None where nothing is shown: a chart without a bar says nothing.

    `highest` is the value at the top and how it is written; without one, the highest point's.
    """
    shown = [point for point in points if point.value is not None]
    top = max(shown, key=lambda point: point.value or 0.0, default=None)
    if top is None or not (highest or top.value):
        return None
    limit, text = highest or (float(top.value or 0.0), top.text)
    bars = [_bar(place, point, limit) for place, point in enumerate(points)]
    return Chart(title, words, bars, text, LEFT + STEP * len(bars) + 2)


def _bar(place: int, point: Point, limit: float) -> Bar:
    height = round(HEIGHT * (point.value or 0.0) / limit, 1)
    x = LEFT + place * STEP + (STEP - BAR) // 2
    return Bar(point, x, round(ABOVE + HEIGHT - height, 1), height)
