"""Destruction certificates in Django admin: a list, and each as a page, JSON and PDF."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from logs.admin import listing
from logs.admin.events import viewer_of
from logs.pages import certificate_files
from logs.record import own_events
from logs.retention import certificates
from logs.retention.certificate_words import facts_of, notes_of, sentence_of
from logs.retention.models import DestructionCertificate
from orgo_audit.addresses import cursor_in, page_href, single_values
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import BadInput, NotFound


@admin.register(DestructionCertificate, site=site)
class CertificateAdmin(ReadOnlyAdmin):
    """Parses, calls one function of `certificates`, renders."""

    def get_urls(self) -> list[URLPattern]:
        name, one = "logs_destructioncertificate", "<uuid:certificate_id>"
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path(f"{one}/change/", self.page(self.certificate_view), name=f"{name}_change"),
            path(f"{one}/json/", self.page(self.json_view), name=f"{name}_json"),
            path(f"{one}/pdf/", self.page(self.pdf_view), name=f"{name}_pdf"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            cursor = cursor_in(single_values(request.GET, frozenset({"cursor"})))
        except BadInput as problem:
            context = {"title": "This page cannot be used", "problem": problem, "label": "Page"}
            return self.render(request, "logs/bad_filter.html", context, status=400)
        own = own_organizations(request)
        own_events.report_read(viewer_of(request), own, "certificates", {})
        page = certificates.page(certificates.of_events(own), cursor, size=listing.PAGE_SIZE)
        context = {
            "title": "Destruction certificates",
            "certificates": page.rows,
            "organizations": len(own),
            "cursor": cursor,
            "newer": page_href(page.previous),
            "older": page_href(page.next),
        }
        return self.render(request, "logs/certificate_list.html", context)

    def certificate_view(self, request: HttpRequest, certificate_id: UUID) -> HttpResponse:
        one = self._certificate(request, certificate_id)
        context = {
            "title": "Certificate of destruction",
            "certificate": one,
            "sentence": sentence_of(one),
            "facts": facts_of(one),
            "notes": notes_of(one),
        }
        return self.render(request, "logs/certificate.html", context)

    def json_view(self, request: HttpRequest, certificate_id: UUID) -> HttpResponse:
        return certificate_files.as_json(self._certificate(request, certificate_id))

    def pdf_view(self, request: HttpRequest, certificate_id: UUID) -> HttpResponse:
        return certificate_files.as_pdf(self._certificate(request, certificate_id))

    def _certificate(self, request: HttpRequest, certificate_id: UUID) -> DestructionCertificate:
        try:
            own = own_organizations(request)
            one = certificates.one(certificates.of_events(own), certificate_id)
        except NotFound:
            raise Http404 from None
        concerned = [one.organization] if one.organization else own
        what = f"certificate {certificate_id}"
        own_events.report_read(viewer_of(request), concerned, what, {})
        return one
