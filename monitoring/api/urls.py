"""Monitoring's API addresses below /api/v1/."""

from __future__ import annotations

from django.urls import path

from monitoring.api import alertmanager, alerts, health_checks

ALERT = "alerts/<uuid:alert_id>"

urlpatterns = [
    path("alerts/", alerts.AlertListView.as_view(), name="api-alerts"),
    path("alerts/alertmanager/", alertmanager.AlertmanagerView.as_view(), name="api-alertmanager"),
    path(f"{ALERT}/", alerts.AlertView.as_view(), name="api-alert"),
    path(f"{ALERT}/acknowledge/", alerts.AcknowledgeView.as_view(), name="api-alert-acknowledge"),
    path(f"{ALERT}/resolve/", alerts.ResolveView.as_view(), name="api-alert-resolve"),
    path(f"{ALERT}/silence/", alerts.SilenceView.as_view(), name="api-alert-silence"),
    path("health-checks/", health_checks.HealthCheckListView.as_view(), name="api-health-checks"),
    path(
        "health-checks/<slug:name>/run/",
        health_checks.HealthCheckRunView.as_view(),
        name="api-health-check-run",
    ),
]
