"""The dashboard of the workflows: mails in, tasks routed, errors, what waits too long."""

from __future__ import annotations

from monitoring.provisioning.dashboards.shapes import Dashboard, Panel, Query

WORKFLOW = Dashboard(
    "workflow",
    "workflow",
    "E-mails and tasks, as the services tell the portal of them. Test mails are left out, and what"
    " is sensitive as well.",
    (
        Panel(
            "E-mails an hour",
            "Received within the hour before.",
            (Query("orgo:emails_received:increase1h", "e-mails"),),
            width=12,
        ),
        Panel(
            "Routing success rate",
            "Share of the routings of the hour before that went well.",
            (Query("orgo:routing_success_ratio:increase1h", "went well"),),
            unit="percentunit",
            width=12,
            top=1,
        ),
        Panel(
            "Routings",
            "Routings a minute, by how they ended.",
            (
                Query(
                    "60 * sum by (outcome) (rate(orgo_tasks_routed_total[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            width=12,
            stacked=True,
        ),
        Panel(
            "Error rate",
            "Error events among the error and activity events of the ten minutes before.",
            (Query("orgo:error_ratio:increase10m", "errors"),),
            unit="percentunit",
            width=12,
            limit=0.05,
        ),
        Panel(
            "Open tasks",
            "Tasks that are not completed.",
            (Query("max(orgo_tasks_open)", "open"),),
        ),
        Panel(
            "Escalations pending",
            "Tasks that have not moved for as long as the policy gives them.",
            (Query("max(orgo_escalation_pending_tasks)", "pending"),),
            limit=1,
        ),
        Panel(
            "Oldest escalation",
            "For how long the first of them has not moved.",
            (Query("max(orgo_escalation_pending_oldest_seconds)", "oldest"),),
            unit="s",
        ),
    ),
)
