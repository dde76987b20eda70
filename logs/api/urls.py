"""The record's API addresses below /api/v1/."""

from __future__ import annotations

from django.urls import path

from logs.api import quarantine, views

urlpatterns = [
    path("activity-logs/", views.ActivityBatchView.as_view(), name="activity-logs"),
    path("activity-logs/export/", views.ActivityExportView.as_view(), name="activity-logs-export"),
    path("activity-logs/<uuid:event_id>/", views.ActivityView.as_view(), name="activity-log"),
    path("security-logs/", views.SecurityBatchView.as_view(), name="security-logs"),
    path("security-logs/export/", views.SecurityExportView.as_view(), name="security-logs-export"),
    path("security-logs/<uuid:event_id>/", views.SecurityView.as_view(), name="security-log"),
    path("error-logs/", views.ErrorBatchView.as_view(), name="error-logs"),
    path("error-logs/export/", views.ErrorExportView.as_view(), name="error-logs-export"),
    path("error-logs/<uuid:event_id>/", views.ErrorView.as_view(), name="error-log"),
    path("logs/", views.EventBatchView.as_view(), name="logs"),
    path("logs/export/", views.ExportView.as_view(), name="logs-export"),
    path("logs/<uuid:event_id>/", views.EventView.as_view(), name="log"),
    path("traces/<path:task_id>/", views.TraceView.as_view(), name="trace"),
    path("quarantine/", quarantine.QuarantineListView.as_view(), name="quarantine"),
    path(
        "quarantine/<uuid:item_id>/replay/",
        quarantine.ReplayView.as_view(),
        name="quarantine-replay",
    ),
    path(
        "quarantine/<uuid:item_id>/discard/",
        quarantine.DiscardView.as_view(),
        name="quarantine-discard",
    ),
]
