"""A bar chart as numbers to draw: bars in a frame of fixed size. Draws nothing that it is not told.

`templates/orgo_audit/bar_chart.html` turns it into SVG, which needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 160
LEFT = 42
ABOVE = 18
BELOW = 22


@dataclass(frozen=True, slots=True)
class Width:
    """How far apart bars begin, how wide they are, and how long a value above one may be."""

    step: int
    bar: int
    longest_text: int


WIDE = Width(28, 18, 5)
NARROW = Width(16, 11, 2)


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
    width: Width

    @property
    def middle(self) -> int:
        return self.x + self.width.bar // 2

    @property
    def value_y(self) -> float:
        return self.y - 4

    @property
    def has_text(self) -> bool:
        """What is longer would run into its neighbours."""
        return bool(self.point.value) and len(self.point.text) <= self.width.longest_text


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right, and what they tell to those who do not see them."""

    title: str
    words: str
    bars: list[Bar]
    highest: str
    width: int

    left = LEFT
    top = ABOVE
    floor = ABOVE + HEIGHT
    height = ABOVE + HEIGHT + BELOW
    name_y = ABOVE + HEIGHT + 16

    @property
    def right(self) -> int:
        return self.width - 2


def bar_chart(
    title: str,
    words: str,
    points: Sequence[Point],
    *,
    width: Width = WIDE,
    highest: tuple[float, str] | None = None,
) -> Chart | None:
    """None where nothing is shown: a chart without a bar says nothing.

    `highest` is the value at the top and how it is written; without one, the highest point's.
    """
    shown = [point for point in points if point.value is not None]
    top = max(shown, key=lambda point: point.value or 0.0, default=None)
    if top is None or not (highest or top.value):
        return None
    limit, text = highest or (float(top.value or 0.0), top.text)
    bars = [_bar(place, point, limit, width) for place, point in enumerate(points)]
    return Chart(title, words, bars, text, LEFT + width.step * len(bars) + 2)


def _bar(place: int, point: Point, limit: float, width: Width) -> Bar:
    height = round(HEIGHT * (point.value or 0.0) / limit, 1)
    x = LEFT + place * width.step + (width.step - width.bar) // 2
    return Bar(point, x, round(ABOVE + HEIGHT - height, 1), height, width)
