"""Every figure that is read from the database when Prometheus asks: name, meaning, labels.

Labels come from closed sets; none is a person, a task or an organization.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge; `labels` are the names of its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()


DATABASE_UP = Figure(
    "orgo_database_up",
    "1 where the portal's database answers. At 0 all figures that are read from it are left out.",
)
QUARANTINE_ITEMS = Figure("orgo_audit_quarantine_items", "Refused items that wait in quarantine.")
RETENTION_FINISHED = Figure(
    "orgo_audit_retention_last_run_timestamp_seconds",
    "When the nightly retention run last got to its end. Older than 26 hours: a night was missed.",
)
VAULT_SEEN = Figure(
    "orgo_audit_vault_last_seen_timestamp_seconds",
    "When the vault was last at work. Older than two minutes: sensitive events wait in its inbox.",
)
TASKS_OPEN = Figure("orgo_tasks_open", "Tasks that are not completed, as the last pass saw them.")
PENDING_TASKS = Figure(
    "orgo_escalation_pending_tasks",
    "Open tasks that have not moved for as long as their organization's policy gives them.",
)
PENDING_OLDEST = Figure(
    "orgo_escalation_pending_oldest_seconds",
    "For how long the first of the tasks whose escalation is pending has not moved; 0 without any.",
)
ALERTS_OPEN = Figure("orgo_alerts_open", "Alerts that are not resolved.", ("severity",))
NOTIFICATIONS_WAITING = Figure(
    "orgo_notifications_waiting", "Notifications that no channel has taken yet."
)
NOTIFICATIONS_OLDEST = Figure(
    "orgo_notifications_oldest_seconds",
    "For how long the oldest notification has waited; 0 where none waits.",
)
HEALTH_CHECK_OK = Figure(
    "orgo_health_check_ok",
    "1 where the check's last run found all well, 0 where it failed; none where there was nothing"
    " to check.",
    ("check",),
)
HEALTH_CHECK_RUN = Figure(
    "orgo_health_check_last_run_timestamp_seconds", "When the check last began.", ("check",)
)
WATCHED = Figure(
    "orgo_watch_last_pass_timestamp_seconds",
    "When the portal last judged all its rules. Older than three minutes: nobody watches.",
)
FIGURES = (
    *(DATABASE_UP, QUARANTINE_ITEMS, RETENTION_FINISHED, VAULT_SEEN, TASKS_OPEN, PENDING_TASKS),
    *(PENDING_OLDEST, ALERTS_OPEN, NOTIFICATIONS_WAITING, NOTIFICATIONS_OLDEST, HEALTH_CHECK_OK),
    *(HEALTH_CHECK_RUN, WATCHED),
)
