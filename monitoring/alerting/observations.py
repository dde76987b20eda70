"""The numbers that the rules judge, read through `logs.interface`. Judges nothing.

All that can be asked for every organization at once is asked once a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from logs import interface
from logs.interface import Arrivals, Measure, OpenTask
from monitoring.alerting import baseline
from monitoring.alerting.baseline import Comparison, compared
from monitoring.alerting.rules import ERROR_WINDOW, NEAR
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions

FAILED_LOGIN, VIOLATION = "login.failed", "access.denied"
HOUR = timedelta(hours=1)
# An hour's last mails need some minutes to be told and counted.
SETTLED_AFTER = timedelta(minutes=10)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What came in, of all organizations, within each window that some policy asks for."""

    arrivals: dict[Period, Arrivals]
    mails: dict[int, dict[int, Comparison]]

    def number(self, window: Period, organization: Organization, kind: str, code: str) -> int:
        """Events of one code."""
        return self.arrivals[window][organization.pk, kind, code]

    def all_of(self, window: Period, organization: Organization, kind: str) -> int:
        """Events of a log, whatever their code."""
        codes = ("", FAILED_LOGIN, VIOLATION)
        return sum(self.number(window, organization, kind, code) for code in codes)


def numbers(organizations: Sequence[Organization], now: datetime) -> Numbers:
    """One statement for each window, and two for the mails of nine weeks."""
    policy = versions.current()
    windows = {ERROR_WINDOW}
    for organization in organizations:
        thresholds = policy.for_organization(organization.slug).alert_thresholds
        windows |= {thresholds.failed_logins.period, thresholds.access_violations.period}
    return Numbers(
        {
            window: interface.arrivals(window.before(now), (FAILED_LOGIN, VIOLATION))
            for window in windows
        },
        _mails(organizations, now),
    )


def open_tasks(organization: Organization, period: Period, now: datetime) -> list[OpenTask]:
    """Those that may be near their escalation: in business hours a period is never shorter."""
    return interface.open_tasks(organization, now - (period.after(now) - now) * NEAR)


# --- mails --------------------------------------------------------------------------------------


def _mails(
    organizations: Sequence[Organization], now: datetime
) -> dict[int, dict[int, Comparison]]:
    """By organization and length of the window, each window ending with the last full hour."""
    end = (now - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0)
    longest = max(baseline.WINDOWS_HOURS) * HOUR
    since = end - baseline.WEEKS * _WEEK - longest - HOUR
    first_hours = interface.first_hours(Measure.MAILS)
    counted = interface.hour_counts(organizations, (Measure.MAILS,), since)
    hourly: dict[int, dict[datetime, int]] = {}
    for (organization, _, hour), number in counted.items():
        hourly.setdefault(organization, {})[hour] = number
    return {
        organization: {
            hours: _compared(hourly.get(organization, {}), first, end, hours)
            for hours in baseline.WINDOWS_HOURS
        }
        for organization, first in first_hours.items()
    }


def _compared(mails: dict[datetime, int], first: datetime, end: datetime, hours: int) -> Comparison:
    """The window against the same hours of the weeks before, as far as the record goes back."""
    ends = [end - week * _WEEK for week in range(1, baseline.WEEKS + 1)]
    former = [_sum(mails, one, hours) for one in ends if one - hours * HOUR >= first]
    return compared(_sum(mails, end, hours), former)


def _sum(mails: dict[datetime, int], end: datetime, hours: int) -> int:
    return sum(mails.get(end - hour * HOUR, 0) for hour in range(1, hours + 1))
