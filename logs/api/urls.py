"""The record's API addresses below /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path

from logs.api import quarantine, views
from logs.record.vocabulary import LogType


def addresses(prefix: str, **served: tuple[LogType, ...]) -> list[URLPattern]:
    """The doors of one log, or of all."""
    return [
        path(f"{prefix}/", views.EventBatchView.as_view(**served), name=prefix),
        path(f"{prefix}/export/", views.ExportView.as_view(**served), name=f"{prefix}-export"),
        path(f"{prefix}/<uuid:event_id>/", views.EventView.as_view(**served), name=f"{prefix}-one"),
    ]


urlpatterns = [
    *(
        address
        for log_type in LogType
        for address in addresses(f"{log_type.value}-logs", log_types=(log_type,))
    ),
    *addresses("logs"),
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
