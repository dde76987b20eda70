"""Whether so many mails in so many hours are usual: compared with the same hours of former weeks.

Median and median absolute deviation, because one old incident or holiday among eight weeks moves
a mean and its deviation so far that the next incident is missed (Rousseeuw and Croux,
Alternatives to the Median Absolute Deviation, JASA 88, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

# Several windows, so that what is large comes to light soon and what is small but lasts does too.
WINDOWS_HOURS = (1, 6, 24)
WEEKS = 8
FEWEST_WEEKS = 3
UNUSUAL = 6.0  # deviations
MANY_TIMES, FEWEST_MORE = 2.0, 50
_NORMAL = 1.4826  # the standard deviation of a normal distribution of which the MAD is 1


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


def compared(observed: int, former: Sequence[int]) -> Comparison:
    """`former` are the same hours of former weeks, holidays and incidents among them."""
    if len(former) < FEWEST_WEEKS:
        return Comparison(Volume.LEARNING, observed, 0.0, 0.0)
    usual = float(median(former))
    spread = _NORMAL * median(abs(one - usual) for one in former)
    # Counts scatter by their root at least (Poisson); a tenth is what weeks differ by anyhow.
    deviations = (observed - usual) / max(spread, usual**0.5, usual / 10, 1.0)
    return Comparison(_volume(observed, usual, deviations), observed, usual, deviations)


def _volume(observed: int, usual: float, deviations: float) -> Volume:
    if deviations > UNUSUAL and observed > MANY_TIMES * usual and observed - usual > FEWEST_MORE:
        return Volume.HIGH
    if observed < usual / MANY_TIMES and deviations < -UNUSUAL:
        return Volume.LOW
    if observed == 0 and usual > 10:
        return Volume.LOW
    return Volume.USUAL
