"""The numbers that the rules judge, read through `logs.interface`. Judges nothing.

All that can be asked for every organization at once is asked once a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from logs import interface
from logs.interface import Arrivals, Measure, OpenTask
from monitoring.alerting import baseline
from monitoring.alerting.rules import ERROR_WINDOW, NEAR
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions

FAILED_LOGIN, VIOLATION = "login.failed", "access.denied"
# Where a router is down all tasks wait, and one more alert tells nothing: those that have waited
# longest have one each. The metric `orgo_escalation_pending_tasks` counts all.
MOST_TASKS = 20_000
HOUR = timedelta(hours=1)
# An hour's last mails need some minutes to be told and counted.
SETTLED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What came in, of all organizations, within each window that some policy asks for."""

    arrivals: dict[Period, Arrivals]

    def number(self, window: Period, organization: Organization, kind: str, code: str) -> int:
        """Events of one code."""
        return self.arrivals[window][organization.pk, kind, code]

    def all_of(self, window: Period, organization: Organization, kind: str) -> int:
        """Events of a log, whatever their code."""
        codes = ("", FAILED_LOGIN, VIOLATION)
        return sum(self.number(window, organization, kind, code) for code in codes)


def numbers(organizations: Sequence[Organization], now: datetime) -> Numbers:
    """One statement for each window."""
    policy = versions.current()
    windows = {ERROR_WINDOW}
    for organization in organizations:
        thresholds = policy.for_organization(organization.slug).alert_thresholds
        windows |= {thresholds.failed_logins.period, thresholds.access_violations.period}
    return Numbers(
        {
            window: interface.arrivals(window.before(now), (FAILED_LOGIN, VIOLATION))
            for window in windows
        }
    )


def open_tasks(organization: Organization, period: Period, now: datetime) -> list[OpenTask]:
    """Those that may be near their escalation: in business hours a period is never shorter."""
    near = now - (period.after(now) - now) * NEAR
    return interface.open_tasks(organization, near, at_most=MOST_TASKS)


# --- mails --------------------------------------------------------------------------------------


def mails(organization: Organization, now: datetime) -> Sequence[int]:
    """How many came in each hour of the last weeks, in the organization's time zone.

    The oldest first, from the first mail on; the last one is the last full hour.
    """
    end = (now - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0)
    since = end - baseline.LONGEST_HISTORY * HOUR
    counted = interface.hour_counts([organization], (Measure.MAILS,), since)
    if not counted:
        return ()
    hourly: Counter[datetime] = Counter()
    zone = _zone(organization)
    for (_, _, hour), number in counted.items():
        if hour < end:
            hourly[_local(hour, zone)] += number
    start, end = _local(min(hour for _, _, hour in counted), zone), _local(end, zone)
    return [hourly[start + place * HOUR] for place in range((end - start) // HOUR)]


def _zone(organization: Organization) -> ZoneInfo:
    hours = versions.current().for_organization(organization.slug).escalation.business_hours
    return ZoneInfo(hours.time_zone if hours else "UTC")


def _local(hour: datetime, zone: ZoneInfo) -> datetime:
    """As clocks there show it: weeks are compared by them, also when they are changed."""
    return hour.astimezone(zone).replace(tzinfo=None)
