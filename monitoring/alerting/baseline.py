"""Whether so many mails in so many hours are usual: compared with the same hours of former weeks.

Median and median absolute deviation, because one old incident or holiday among eight weeks moves
a mean and its deviation so far that the next incident is missed (Rousseeuw and Croux,
Alternatives to the Median Absolute Deviation, JASA 88, 1993). A handful of weeks says little about
how far such hours scatter, so the last four weeks of all hours have a say: where one hour in ten
was off by more than a normal distribution would have it, all deviations are that much smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from statistics import median

WEEK = 168  # hours
# Several windows, so that what is large comes to light soon and what is small but lasts does too.
WINDOWS_HOURS = (1, 6, 24)
WEEKS, FEWEST_WEEKS = 8, 3
UNUSUAL = 6.0  # deviations
MANY_TIMES, FEWEST_MORE, FEWEST_MISSED = 2.0, 50, 10
SCATTER_HOURS, FEWEST_SCATTER_HOURS = 4 * WEEK, 100
# What an incident does just now must not widen what is usual.
SCATTER_PAUSE = 24
# An incident is over once so many hours in a row were usual: else it would fire anew each hour.
LINGERING_HOURS = 6
LONGEST_HISTORY = LINGERING_HOURS + SCATTER_HOURS + WEEKS * WEEK + max(WINDOWS_HOURS)
_NORMAL_MAD = 1.4826  # the standard deviation of a normal distribution of which the MAD is 1
_NORMAL_TENTH = 1.645  # how many of its deviations one value in ten is off by


class Volume(StrEnum):
    LEARNING = "learning"
    USUAL = "usual"
    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Comparison:
    """So many mails, and how many there are as a rule; `deviations` is signed."""

    volume: Volume
    observed: int
    usual: float
    deviations: float


LEARNING = Comparison(Volume.LEARNING, 0, 0.0, 0.0)


def judged(hourly: Sequence[int]) -> dict[int, Comparison]:
    """By the length of the window, as of the last full hour or the latest unusual one before."""
    latest: dict[int, Comparison] = {}
    for back in range(LINGERING_HOURS):
        windows = windows_at(hourly[: max(0, len(hourly) - back)])
        if any(one.volume in (Volume.HIGH, Volume.LOW) for one in windows.values()):
            return windows
        latest = latest or windows
    return latest


def windows_at(hourly: Sequence[int]) -> dict[int, Comparison]:
    """Each window that ends with the last of these hours."""
    known = Series(hourly)
    return {hours: known.compared(hours) for hours in WINDOWS_HOURS}


class Series:
    """Mails an hour, the oldest first, the last full hour last; a week has 168 of them."""

    def __init__(self, hourly: Sequence[int]) -> None:
        self._until = list(accumulate(hourly, initial=0))

    def compared(self, hours: int) -> Comparison:
        """The last `hours` against the same ones of the weeks before."""
        end = len(self._until) - 1
        former = self._former(end, hours)
        if len(former) < FEWEST_WEEKS:
            return LEARNING
        observed, usual = self._sum(end, hours), float(median(former))
        deviations = _deviations(observed, former) / self._scatter(end, hours)
        volume = _volume(observed, usual, deviations, least=min(former))
        return Comparison(volume, observed, usual, deviations)

    def _sum(self, end: int, hours: int) -> int:
        return self._until[end] - self._until[end - hours]

    def _former(self, end: int, hours: int) -> list[int]:
        ends = range(end - WEEK, end - WEEKS * WEEK - 1, -WEEK)
        return [self._sum(one, hours) for one in ends if one >= hours]

    def _scatter(self, end: int, hours: int) -> float:
        """How much wider than a normal distribution the last weeks scattered; at least 1."""
        off = []
        for one in range(max(hours, end - SCATTER_HOURS), end - SCATTER_PAUSE):
            former = self._former(one, hours)
            if len(former) >= FEWEST_WEEKS:
                off.append(abs(_deviations(self._sum(one, hours), former)))
        if len(off) < FEWEST_SCATTER_HOURS:
            return 1.0
        return max(1.0, sorted(off)[len(off) * 9 // 10] / _NORMAL_TENTH)


def _deviations(observed: int, former: Sequence[int]) -> float:
    usual = float(median(former))
    spread: float = _NORMAL_MAD * median(abs(one - usual) for one in former)
    # Counts scatter by their root at least (Poisson); a tenth is what weeks differ by anyhow.
    return (observed - usual) / max(spread, math.sqrt(usual), usual / 10, 1.0)


def _volume(observed: int, usual: float, deviations: float, *, least: int) -> Volume:
    is_many = observed > MANY_TIMES * usual and observed - usual > FEWEST_MORE
    if deviations > UNUSUAL and is_many:
        return Volume.HIGH
    if deviations < -UNUSUAL and observed < usual / MANY_TIMES:
        return Volume.LOW
    # Nothing at all, where there never was nothing.
    if observed == 0 and least > 0 and usual > FEWEST_MISSED:
        return Volume.LOW
    return Volume.USUAL
