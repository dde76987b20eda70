"""The first page's part of the record: logs to read, refused items, what waits for a decision."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from logs.admin.events import LOG_ADMINS
from logs.admin.policy import decides_on_policy
from logs.admin.quarantine import COUNTED_AT_MOST, quarantined
from orgo_audit.admin import site
from orgo_audit.policy import versions


def front_page(request: HttpRequest) -> dict[str, Any]:
    decides = decides_on_policy(request)
    return {
        "logs": [log for log in LOG_ADMINS if log.has_view_permission(request)],
        "quarantined": quarantined(request),
        "counted_at_most": COUNTED_AT_MOST,
        "decides_on_policy": decides,
        "policy_in_force": versions.in_force() if decides else None,
        "policy_waiting": versions.waiting() if decides else None,
        "policy_unusable": versions.unusable() if decides else None,
    }


site.front_page.append(front_page)
