"""How results are told: medians with their spread, CPU times, tables, promises."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import psutil

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how large; the defaults are what the promises are judged by."""

    rounds: int = 9
    seconds: float = 5.0
    rows: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Promise:
    """A ratio that must hold. `limit` is a floor where more is better, else a ceiling."""

    what: str
    ratio: float
    limit: float
    aim: float
    more_is_better: bool

    @property
    def is_kept(self) -> bool:
        return self._reaches(self.limit)

    def __str__(self) -> str:
        word = "at least" if self.more_is_better else "at most"
        verdict = "MISSED" if not self.is_kept else "kept" if not self._reaches(self.aim) else "aim"
        return (
            f"{verdict:<6}  {self.what}: {self.ratio:.2f}"
            f" (promised {word} {self.limit}, aim {self.aim})"
        )

    def _reaches(self, goal: float) -> bool:
        return self.ratio >= goal if self.more_is_better else self.ratio <= goal


@dataclass(frozen=True, slots=True)
class Sample:
    """One arm in one round; CPU in microseconds an event."""

    rate: float
    client_cpu: float
    server_cpu: float
    backend_cpu: float


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        every = [self.headings, *self.rows]
        widths = [max(map(len, column)) for column in zip(*every, strict=True)]
        lines = [self._line(row, widths) for row in every]
        return "\n".join([self.title, lines[0], "-" * len(lines[0]), *lines[1:]])

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        first, *others = zip(row, widths, strict=True)
        cells = [f"{first[0]:<{first[1]}}", *(f"{text:>{width}}" for text, width in others)]
        return "  ".join(cells)


@dataclass(frozen=True, slots=True)
class Result:
    tables: Sequence[Table]
    promises: Sequence[Promise] = field(default=())


def spread(values: Iterable[float], digits: int = 0) -> str:
    """`median [lowest..highest]`."""
    ordered = sorted(values)
    middle, low, high = (f"{v:,.{digits}f}" for v in (median(ordered), ordered[0], ordered[-1]))
    return f"{middle} [{low}..{high}]"


def ratios(own: Iterable[Sample], yardstick: Iterable[Sample]) -> list[float]:
    """Rate to rate within each round."""
    return [mine.rate / its.rate for mine, its in zip(own, yardstick, strict=True)]


def tree_cpu_seconds(pid: int) -> float:
    """CPU that a process and all its children have used, those that are gone included."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])  # own and those of reaped children
        except psutil.NoSuchProcess:
            continue
    return total


def say(words: str) -> None:
    """Progress goes to stderr; stdout holds results only."""
    print(f"bench: {words}", file=sys.stderr, flush=True)
