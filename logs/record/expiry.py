"""Which events are over their period and therefore nobody's any more. Destroys none of them.

An event expires at the microsecond at which its period, counted from `recorded_at`, is over: from
then on no reading path shows it, whether or not it is already destroyed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q

from logs.record.identifiers import ID_SLACK, smallest_id
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.regimes import Kept, kept_log


def kept(organization: Organization, kind: LogType) -> Kept:
    """How long the policy in force keeps this log of the organization."""
    return kept_log(versions.current().for_organization(organization.slug), kind.view)


def unexpired(organization: Organization, kinds: Iterable[LogType], now: datetime) -> Q:
    """The organization's events of these logs whose period is not over by `now`."""
    own = (_unexpired(kind, kept(organization, kind).period, now) for kind in sorted(set(kinds)))
    return Q(organization_id=organization.pk) & reduce(or_, own)


def _unexpired(kind: LogType, period: Period, now: datetime) -> Q:
    (_, first_end), *others = period.over(now)
    # The id tells `recorded_at`: its bound leaves whole segments out before a row is looked at.
    rest = Q(
        log_type=kind.value, recorded_at__gte=first_end, id__gte=smallest_id(first_end - ID_SLACK)
    )
    for start, end in others:
        rest &= ~Q(recorded_at__gte=start, recorded_at__lt=end)
    return rest
