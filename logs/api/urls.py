"""The record's API addresses below /api/v1/."""

from __future__ import annotations

from django.urls import path

from logs.api import views

urlpatterns = [
    path("activity-logs/", views.ActivityBatchView.as_view(), name="activity-logs"),
    path("activity-logs/<uuid:event_id>/", views.ActivityView.as_view(), name="activity-log"),
    path("security-logs/", views.SecurityBatchView.as_view(), name="security-logs"),
    path("security-logs/<uuid:event_id>/", views.SecurityView.as_view(), name="security-log"),
    path("error-logs/", views.ErrorBatchView.as_view(), name="error-logs"),
    path("error-logs/<uuid:event_id>/", views.ErrorView.as_view(), name="error-log"),
    path("logs/", views.EventBatchView.as_view(), name="logs"),
    path("logs/<uuid:event_id>/", views.EventView.as_view(), name="log"),
    path("traces/<path:task_id>/", views.TraceView.as_view(), name="trace"),
]
