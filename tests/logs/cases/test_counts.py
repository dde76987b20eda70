"""Whoever adds and subtracts what the table of cases shows learns no small number from it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.cases.counts import Counts, counts

Table = list[list[int]]
Shown = list[list[int | None]]
JANUARY, FEBRUARY, MARCH = (date(2024, month, 1) for month in (1, 2, 3))


def counted(table: Table, smallest_shown: int = 5) -> Counts:
    numbers = {
        (date(2020 + row // 12, row % 12 + 1, 1), f"kind{column}"): number
        for row, line in enumerate(table)
        for column, number in enumerate(line)
    }
    return counts(numbers, smallest_shown=smallest_shown)


def with_totals(table: Table) -> Table:
    rows = [[*line, sum(line)] for line in table]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def as_shown(found: Counts) -> Shown:
    rows = zip(found.cells, found.month_totals, strict=True)
    return [[*line, total] for line, total in rows] + [[*found.kind_totals, found.grand_total]]


def fitting(shown: Shown, highest: int) -> Iterator[Table]:
    """Every table, up to a highest cell, that would show exactly this."""
    *lines, totals = shown
    for rows in itertools.product(*(list(fitting_rows(line, highest)) for line in lines)):
        sums = [sum(column) for column in zip(*rows, strict=True)]
        if agrees(totals, sums):
            yield [*rows, sums]


def fitting_rows(told: list[int | None], highest: int) -> Iterator[list[int]]:
    choices = [range(highest + 1) if number is None else [number] for number in told[:-1]]
    rows = ([*cells, sum(cells)] for cells in itertools.product(*choices))
    return (row for row in rows if agrees(told, row))


def agrees(told: list[int | None], numbers: list[int]) -> bool:
    pairs = zip(told, numbers, strict=True)
    return all(shown is None or shown == number for shown, number in pairs)


def tables(height: int, width: int, highest: int) -> st.SearchStrategy[Table]:
    line = st.lists(st.integers(0, highest), min_size=width, max_size=width)
    return st.lists(line, min_size=height, max_size=height)


def assert_wide(table: Table, smallest_shown: int) -> None:
    shown = as_shown(counted(table, smallest_shown))
    highest = max(map(max, table)) + smallest_shown
    possible = list(fitting(shown, highest))
    assert with_totals(table) in possible
    for row, line in enumerate(shown):
        for column, told in enumerate(line):
            if told is None:
                values = [full[row][column] for full in possible]
                assert max(values) - min(values) >= smallest_shown, (row, column)


@given(tables(2, 2, 8))
@settings(max_examples=40)  # each tries every table there could be
def test_no_withheld_number_of_a_small_table_can_be_narrowed_down(table: Table) -> None:
    assert_wide(table, smallest_shown=5)


@given(tables(1, 3, 12) | tables(3, 1, 12) | tables(1, 1, 12) | tables(1, 2, 12))
def test_nor_one_of_a_single_line(table: Table) -> None:
    assert_wide(table, smallest_shown=5)


@given(tables(2, 3, 3) | tables(3, 2, 3))
@settings(max_examples=40)  # each tries every table there could be
def test_nor_one_of_a_larger_table(table: Table) -> None:
    assert_wide(table, smallest_shown=2)


def narrowed(shown: Shown) -> list[list[tuple[float, float]]]:
    """The bounds of each number, got by going through all sums again and again."""
    lines = [list(range(len(shown[0])))] * len(shown)
    sums = [[(row, column) for column in line] for row, line in enumerate(lines)]
    sums += [[(row, column) for row in range(len(shown))] for column in lines[0]]
    low = [[0 if told is None else told for told in line] for line in shown]
    high = [[float("inf") if told is None else told for told in line] for line in shown]
    for _ in range(2 * len(sums)):
        for *parts, total in sums:
            for place, others in [(part, [p for p in parts if p != part]) for part in parts]:
                least = low[total[0]][total[1]] - sum(high[r][c] for r, c in others)
                most = high[total[0]][total[1]] - sum(low[r][c] for r, c in others)
                low[place[0]][place[1]] = max(low[place[0]][place[1]], least)  # type: ignore[assignment]  # infinity is a float
                high[place[0]][place[1]] = min(high[place[0]][place[1]], most)
            low[total[0]][total[1]] = max(low[total[0]][total[1]], sum(low[r][c] for r, c in parts))
            most = sum(high[r][c] for r, c in parts)
            high[total[0]][total[1]] = min(high[total[0]][total[1]], most)
    return [list(zip(a, b, strict=True)) for a, b in zip(low, high, strict=True)]


@given(
    st.tuples(st.integers(1, 8), st.integers(1, 4)).flatmap(lambda size: tables(*size, highest=14))
)
def test_adding_and_subtracting_for_long_narrows_nothing_down(table: Table) -> None:
    shown = as_shown(counted(table))
    for told_line, line in zip(shown, narrowed(shown), strict=True):
        for told, (lowest, highest) in zip(told_line, line, strict=True):
            assert told is not None or highest - lowest >= 5


@given(tables(3, 3, 20))
def test_what_is_shown_is_true_and_not_small(table: Table) -> None:
    shown = as_shown(counted(table))
    for told_line, line in zip(shown, with_totals(table), strict=True):
        for told, number in zip(told_line, line, strict=True):
            assert told is None or told == number >= 5


@given(st.lists(st.tuples(st.sampled_from([JANUARY, FEBRUARY, MARCH]), st.sampled_from("abc"))))
def test_the_order_of_the_cases_changes_nothing(cases: list[tuple[date, str]]) -> None:
    assert counts(cases) == counts(cases[::-1]) == counts(iter(sorted(cases)))


@given(tables(3, 2, 4))
def test_zero_and_small_numbers_look_alike(table: Table) -> None:
    flat = [[0 if number < 5 else number for number in line] for line in table]
    assert as_shown(counted(flat))[0][:2] == as_shown(counted(table))[0][:2] == [None, None]


def test_large_numbers_are_all_shown() -> None:
    assert as_shown(counted([[5, 6], [7, 8]])) == [[5, 6, 11], [7, 8, 15], [12, 14, 26]]


def test_a_small_number_takes_its_smallest_neighbours_along() -> None:
    found = counted([[3, 20, 30], [20, 40, 50], [60, 70, 80]])
    assert as_shown(found) == [
        [None, None, 30, 53],
        [None, None, 50, 110],
        [60, 70, 80, 210],
        [83, 130, 160, 373],
    ]


def test_small_months_are_told_as_a_sum() -> None:
    assert as_shown(counted([[3], [4], [2]])) == [[None, None]] * 3 + [[9, 9]]


def test_a_single_small_month_takes_another_along() -> None:
    assert as_shown(counted([[4], [9], [20]])) == [[None, None], [None, None], [20, 20], [33, 33]]


def test_few_cases_are_told_nowhere() -> None:
    assert as_shown(counted([[3, 1], [0, 0]])) == [[None] * 3] * 3


def test_months_are_listed_without_a_gap_and_kinds_by_name() -> None:
    cases = [(date(2024, 1, 31), "b")] * 5 + [(date(2023, 11, 2), "a")] * 5
    found = counts(cases)
    assert found.months == (date(2023, 11, 1), date(2023, 12, 1), JANUARY)
    assert found.kinds == ("a", "b")
    assert found.cells[1] == (None, None)


def test_months_and_kinds_without_a_case_can_be_listed_too() -> None:
    found = counts([(FEBRUARY, "a")], months=[MARCH, date(2024, 1, 9)], kinds=["b", "a"])
    assert found.months == (JANUARY, FEBRUARY, MARCH)
    assert found.kinds == ("a", "b")
    assert found == counts([], months=[JANUARY, MARCH], kinds=["a", "b"])


def test_no_cases_are_an_empty_table() -> None:
    assert counts([]) == Counts((), (), (), (), (), None)


@pytest.mark.parametrize("number", [0, 1, 4, 9, 200])
def test_ten_years_take_no_long_time(number: int) -> None:
    table = [
        [(row * 7 + column * 3 + row * column) % (number + 1) for column in range(5)]
        for row in range(120)
    ]
    started = time.process_time()
    counted(table)
    assert time.process_time() - started < 50
