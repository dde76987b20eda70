"""The addresses of the restricted area, below /cases/."""

from __future__ import annotations

from django.urls import URLPattern, path

from logs.portal import (
    access_log,
    case_certificates,
    case_counts,
    case_work,
    cases,
    frame,
    passkeys,
    reveals,
    texts,
    unassigned,
)

urlpatterns: list[URLPattern] = [
    # --- cases, for HR managers ---
    path("", cases.case_list, name="cases"),
    path("export/", cases.case_list_export, name="cases-export"),
    path("counts/", case_counts.case_counts, name="case-counts"),
    path("purpose/", frame.purpose_page, name="case-purpose"),
    path("<uuid:code>/", cases.case_page, name="case"),
    path("<uuid:code>/export/", cases.case_export, name="case-export"),
    path("<uuid:code>/steps/<slug:step>/", case_work.case_step, name="case-step"),
    path("<uuid:code>/notes/", case_work.case_notes, name="case-notes"),
    path("<uuid:code>/assignment/", case_work.case_assignment, name="case-assignment"),
    path("<uuid:code>/reveal-request/", case_work.case_reveal_request, name="case-reveal-request"),
    # --- requests, for HR managers and custodians ---
    path("reveals/", reveals.listed, name="reveals"),
    path("reveals/<uuid:request_id>/", reveals.one, name="reveal"),
    path("erasures/new/", reveals.new_erasure, name="new-erasure"),
    path("texts/", texts.listed, name="texts"),
    path("texts/<uuid:code>/", texts.of_case, name="case-texts"),
    path("passkeys/", passkeys.listed, name="passkeys"),
    path("passkeys/<uuid:passkey_id>/", passkeys.confirm, name="confirm-passkey"),
    # --- cases that nobody has, for the dpo ---
    path("unassigned/", unassigned.listed, name="unassigned-cases"),
    # --- the restricted access log and the certificates of cases, for the dpo and the auditor ---
    path("access-log/", access_log.access_log, name="case-access-log"),
    path("access-log/export/", access_log.exported, name="case-access-log-export"),
    path("certificates/", case_certificates.listed, name="case-certificates"),
    path(
        "certificates/<uuid:certificate_id>/json/",
        case_certificates.as_json,
        name="case-certificate-json",
    ),
    path(
        "certificates/<uuid:certificate_id>/pdf/",
        case_certificates.as_pdf,
        name="case-certificate-pdf",
    ),
]
