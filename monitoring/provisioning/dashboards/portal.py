"""The dashboard of the portal itself: what it answers, records and watches."""

from __future__ import annotations

from monitoring.provisioning.dashboards.shapes import Dashboard, Panel, Query

_RESPONSES = "django_http_responses_total_by_status_total"
_LATENCY = "django_http_requests_latency_including_middlewares_seconds_bucket"
_FAILED = f'(sum(rate({_RESPONSES}{{status=~"5.."}}[$__rate_interval])) or vector(0))'


def _latency(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({_LATENCY}[$__rate_interval])))"


PORTAL = Dashboard(
    "portal",
    "portal",
    "What the portal answers, records and watches. Deliveries are no requests here: whoever counted"
    " them would see when a sensitive report arrives.",
    (
        Panel(
            "Database",
            "1 where the portal's database answers it.",
            (Query("min(orgo_database_up)", "database"),),
            kind="stat",
            width=4,
            limit=1,
            below=True,
        ),
        Panel(
            "Last pass of the watch",
            "How long ago the portal judged its rules. Over three minutes: nobody watches.",
            (Query("time() - max(orgo_watch_last_pass_timestamp_seconds)", "ago"),),
            unit="s",
            kind="stat",
            width=5,
            limit=180,
        ),
        Panel(
            "Vault last seen",
            "Over five minutes: sensitive events wait.",
            (Query("time() - max(orgo_audit_vault_last_seen_timestamp_seconds)", "ago"),),
            unit="s",
            kind="stat",
            width=5,
            limit=300,
        ),
        Panel(
            "Last retention run",
            "Over 26 hours: a night was missed.",
            (Query("time() - max(orgo_audit_retention_last_run_timestamp_seconds)", "ago"),),
            unit="s",
            kind="stat",
            width=5,
            limit=26 * 3600,
        ),
        Panel(
            "Alerts open",
            "Of the portal, by severity.",
            (Query("max by (severity) (orgo_alerts_open)", "{{severity}}"),),
            kind="stat",
            width=5,
        ),
        Panel(
            "Requests",
            "Requests a second that read or change something, by method.",
            (
                Query(
                    "sum by (method)"
                    " (rate(django_http_requests_total_by_method_total[$__rate_interval]))",
                    "{{method}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Latency",
            "How long half of the requests take at most, and 95 of 100.",
            (Query(_latency(0.5), "half"), Query(_latency(0.95), "95 of 100")),
            unit="s",
        ),
        Panel(
            "Failed requests",
            "Share of all answers that were 500 or above.",
            (Query(f"{_FAILED} / (sum(rate({_RESPONSES}[$__rate_interval])) > 0)", "failed"),),
            unit="percentunit",
        ),
        Panel(
            "Events stored",
            "Events a minute, by log. What is sealed is not counted.",
            (
                Query(
                    "60 * sum by (log_type)"
                    " (rate(orgo_audit_events_stored_total[$__rate_interval]))",
                    "{{log_type}}",
                ),
            ),
        ),
        Panel(
            "Refused",
            "Items within ten minutes that were refused and put into quarantine.",
            (
                Query(
                    "sum by (log_type) (increase(orgo_audit_events_refused_total[10m]))",
                    "{{log_type}}",
                ),
            ),
        ),
        Panel(
            "Quarantine",
            "Refused items that wait for somebody to look at them.",
            (Query("max(orgo_audit_quarantine_items)", "waiting"),),
        ),
        Panel(
            "Notifications waiting",
            "What people have not been told yet.",
            (Query("max(orgo_notifications_waiting)", "waiting"),),
        ),
        Panel(
            "Oldest notification",
            "For how long it has waited.",
            (Query("max(orgo_notifications_oldest_seconds)", "oldest"),),
            unit="s",
            limit=900,
        ),
        Panel(
            "Prometheus's alerts",
            "Pending and firing.",
            (Query("count by (alertname, alertstate) (ALERTS)", "{{alertname}} {{alertstate}}"),),
        ),
        Panel(
            "Health checks",
            "1 where the last run found all well.",
            (Query("min by (check) (orgo_health_check_ok)", "{{check}}"),),
            kind="stat",
            width=12,
            limit=1,
            below=True,
        ),
        Panel(
            "Health checks last ran",
            "How long ago.",
            (
                Query(
                    "time() - max by (check) (orgo_health_check_last_run_timestamp_seconds)",
                    "{{check}}",
                ),
            ),
            unit="s",
            kind="stat",
            width=12,
        ),
    ),
)
