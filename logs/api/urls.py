"""The record's API addresses below /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path

from logs.api import cases, quarantine, retention, reveals, views
from logs.record.vocabulary import LogType

REQUESTS = "cases/<uuid:code>/reveal-requests"
REQUEST = f"{REQUESTS}/<uuid:request_id>"


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
    path("retention/plan/", retention.PlanView.as_view(), name="retention-plan"),
    path(
        "retention/certificates/",
        retention.CertificatesView.as_view(),
        name="retention-certificates",
    ),
    path("legal-holds/", retention.LegalHoldsView.as_view(), name="legal-holds"),
    path(
        "legal-holds/<uuid:hold_id>/release/",
        retention.ReleaseView.as_view(),
        name="legal-hold-release",
    ),
    path("anonymized-logs/", cases.AnonymizedLogView.as_view(), name="anonymized-logs"),
    path(
        "anonymized-logs/export/",
        cases.AnonymizedExportView.as_view(),
        name="anonymized-logs-export",
    ),
    path("cases/", cases.CaseListView.as_view(), name="api-cases"),
    path("cases/<uuid:code>/", cases.CaseView.as_view(), name="api-case"),
    path(f"{REQUESTS}/", reveals.RevealRequestsView.as_view(), name="api-reveal-requests"),
    path(f"{REQUEST}/challenge/", reveals.ChallengeView.as_view(), name="api-reveal-challenge"),
    path(f"{REQUEST}/approve/", reveals.ApproveView.as_view(), name="api-reveal-approve"),
    path(f"{REQUEST}/deny/", reveals.DenyView.as_view(), name="api-reveal-deny"),
    path(f"{REQUEST}/view/", reveals.RevealView.as_view(), name="api-reveal-view"),
]
