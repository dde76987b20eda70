"""Every metric of the record: name, unit, meaning; labels from closed sets, never a person."""

from __future__ import annotations

from prometheus_client import Counter

EVENTS_STORED = Counter(
    "orgo_audit_events_stored_total", "Events stored in the record.", ["log_type"]
)
EVENTS_REFUSED = Counter(
    "orgo_audit_events_refused_total",
    "Items refused at the door and kept in quarantine.",
    ["log_type"],
)
