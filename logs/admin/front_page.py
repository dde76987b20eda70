"""The first page's part of the record: logs to read, what waits for a decision, what is held."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from logs.admin.events import LOG_ADMINS
from logs.admin.policy import decides_on_policy
from logs.admin.quarantine import COUNTED_AT_MOST, quarantined
from logs.retention import holds, keeping, runs
from orgo_audit.admin import own_organizations, site
from orgo_audit.policy import versions


def front_page(request: HttpRequest) -> dict[str, Any]:
    decides = decides_on_policy(request)
    own, now = own_organizations(request), timezone.now()
    due = Count("pk", filter=Q(review_on__lte=now.date()))
    held = holds.holds_of(own).filter(released_at=None).aggregate(all=Count("pk"), due=due)
    return {
        "logs": [log for log in LOG_ADMINS if log.has_view_permission(request)],
        "quarantined": quarantined(request),
        "counted_at_most": COUNTED_AT_MOST,
        "decides_on_policy": decides,
        "policy_in_force": versions.in_force() if decides else None,
        "policy_waiting": versions.waiting() if decides else None,
        "policy_unusable": versions.unusable() if decides else None,
        "conflicts": [one for one in keeping.kept_by(own) if one.waits],
        "holds": held["all"],
        "holds_due": held["due"],
        "last_retention": runs.last_finished(),
        "retention_overdue": runs.is_overdue(now),
    }


site.front_page.append(front_page)
