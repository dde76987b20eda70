"""Counts of cases by month and kind in which no small number can be read or worked out; pure.

A number below `SMALLEST_SHOWN`, zero included, is withheld, and so are others until nobody can
narrow a withheld one down by adding and subtracting what is shown.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

SMALLEST_SHOWN = 5

Count = int | None
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """The table as it is shown: `cells` has a row for each month; None is withheld."""

    months: tuple[date, ...]
    kinds: tuple[str, ...]
    cells: tuple[tuple[Count, ...], ...]
    month_totals: tuple[Count, ...]
    kind_totals: tuple[Count, ...]
    grand_total: Count


def counts(
    cases: Iterable[tuple[date, str]] | Mapping[tuple[date, str], int],
    *,
    months: Iterable[date] = (),
    kinds: Iterable[str] = (),
    smallest_shown: int = SMALLEST_SHOWN,
) -> Counts:
    """The table of these cases, or of these numbers of cases.

    `months` and `kinds` are shown in any case; all between the first and the last month are. Which
    ones are listed should not depend on the cases: a month that is there only if it had one tells.
    """
    numbers = Counter(cases)
    by_month: Counter[tuple[date, str]] = Counter()
    for (day, kind), number in numbers.items():
        by_month[day.replace(day=1), kind] += number
    rows = _without_gaps({*(day.replace(day=1) for day in months), *(day for day, _ in by_month)})
    columns = tuple(sorted({*kinds, *(kind for _, kind in by_month)}))
    table = _Table([[by_month[row, column] for column in columns] for row in rows], smallest_shown)
    table.protect()
    shown = table.shown()
    return Counts(
        months=rows,
        kinds=columns,
        cells=tuple(tuple(row[:-1]) for row in shown[:-1]),
        month_totals=tuple(row[-1] for row in shown[:-1]),
        kind_totals=tuple(shown[-1][:-1]),
        grand_total=shown[-1][-1],
    )


def _without_gaps(months: set[date]) -> tuple[date, ...]:
    if not months:
        return ()
    first, last = (month.year * 12 + month.month - 1 for month in (min(months), max(months)))
    return tuple(date(month // 12, month % 12 + 1, 1) for month in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class _Step:
    """From a line of the table to another, by raising or lowering the number where they cross."""

    to: int
    place: Place
    raises: bool


class _Table:
    """The numbers with their totals as a network whose lines are nodes and whose numbers flow.

    A number flows from its row to its column and a total flows back, so that in every line as much
    comes as goes: that is what adding up means. Another table shows the same numbers exactly if it
    differs by circles through withheld ones. So a number can be as much larger as fits round the
    circles that raise it, and as much smaller as fits round those that lower it.
    """

    def __init__(self, cells: list[list[int]], smallest_shown: int) -> None:
        rows = [[*row, sum(row)] for row in cells]
        width = len(cells[0]) + 1 if cells else 1
        self._numbers = [*rows, [sum(row[column] for row in rows) for column in range(width)]]
        self._height, self._width = len(self._numbers), width
        self._enough = smallest_shown
        self._withheld = {
            (row, column)
            for row, column in self._places()
            if self._at((row, column)) < self._enough
        }
        self._steps = self._network()

    def protect(self) -> None:
        """Withholds more, until each withheld number may be anything in a range wide enough."""
        waiting = sorted(self._withheld)
        for place in waiting:
            before = set(self._withheld)
            self._widen(place)
            # Whatever is withheld later only widens the range of what was looked at before.
            waiting += sorted(self._withheld - before)

    def shown(self) -> list[list[Count]]:
        return [
            [
                None if (row, column) in self._withheld else number
                for column, number in enumerate(line)
            ]
            for row, line in enumerate(self._numbers)
        ]

    def _places(self) -> Iterator[Place]:
        return ((row, column) for row in range(self._height) for column in range(self._width))

    def _at(self, place: Place) -> int:
        return self._numbers[place[0]][place[1]]

    def _ends(self, place: Place) -> tuple[int, int]:
        """The line out of which a number flows, and the one into which; columns follow rows."""
        row, column = place
        is_back = (row == self._height - 1) != (column == self._width - 1)
        ends = (row, self._height + column)
        return (ends[1], ends[0]) if is_back else ends

    def _network(self) -> list[list[_Step]]:
        steps: list[list[_Step]] = [[] for _ in range(self._height + self._width)]
        for place in self._places():
            start, end = self._ends(place)
            steps[start].append(_Step(end, place, raises=True))
            steps[end].append(_Step(start, place, raises=False))
        return steps

    def _widen(self, place: Place) -> None:
        """Sees to it that the number's highest and lowest possible value are far enough apart."""
        start, end = self._ends(place)
        most = min(self._at(place), self._enough)
        below = self._flow(start, end, besides=place, most=most, withhold=False)
        missing = self._enough - below
        if self._flow(end, start, besides=place, most=missing, withhold=False) < missing:
            self._flow(end, start, besides=place, most=missing, withhold=True)

    def _flow(self, start: int, end: int, *, besides: Place, most: int, withhold: bool) -> int:
        """How much fits from line to line, up to `most`; what is on its way may be withheld too."""
        moved: Counter[Place] = Counter()
        total = 0
        while total < most:
            way = self._cheapest_way(start, end, besides, moved, through_shown=withhold)
            if way is None:
                break
            lowered = (self._at(step.place) + moved[step.place] for step in way if not step.raises)
            amount = min(most - total, *lowered, most)
            for step in way:
                moved[step.place] += amount if step.raises else -amount
                self._withheld.add(step.place)
            total += amount
        return total

    def _cheapest_way(
        self, start: int, end: int, besides: Place, moved: Counter[Place], *, through_shown: bool
    ) -> list[_Step] | None:
        """The way that takes the smallest numbers from what is shown; withheld ones are free."""
        costs = {start: 0}
        came_by: dict[int, tuple[int, _Step]] = {}
        # Of equally cheap lines, the one found last is looked at first: that soon leads to the end.
        waiting = [(0, 0, start)]
        while waiting and waiting[0][2] != end:
            cost, _, line = heapq.heappop(waiting)
            for step, price in self._open_steps(line, besides, moved, through_shown=through_shown):
                reached = cost + price
                if reached < costs.get(step.to, reached + 1):
                    costs[step.to] = reached
                    came_by[step.to] = (line, step)
                    heapq.heappush(waiting, (reached, -len(came_by), step.to))
                    if step.to == end and not price:
                        return _way_back(came_by, start, end)
        return _way_back(came_by, start, end) if waiting else None

    def _open_steps(
        self, line: int, besides: Place, moved: Counter[Place], *, through_shown: bool
    ) -> Iterator[tuple[_Step, int]]:
        """Where one can go from a line, and how much would have to be withheld for it."""
        for step in self._steps[line]:
            is_free = step.place in self._withheld
            number = self._at(step.place)
            if step.place == besides or not (is_free or through_shown):
                continue
            if step.raises or number + moved[step.place] > 0:
                yield step, 0 if is_free else number


def _way_back(came_by: Mapping[int, tuple[int, _Step]], start: int, end: int) -> list[_Step]:
    way = []
    line = end
    while line != start:
        line, step = came_by[line]
        way.append(step)
    return way
