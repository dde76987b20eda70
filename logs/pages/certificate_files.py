"""A certificate as a file to take along, for all pages that have some."""

from __future__ import annotations

import json

from django.http import HttpResponse

from logs.retention.answers import certificate_as_json
from logs.retention.models import DestructionCertificate
from logs.retention.pdf import certificate_pdf


def as_json(one: DestructionCertificate) -> HttpResponse:
    content = json.dumps(certificate_as_json(one), indent=2) + "\n"
    return _file(content.encode(), "application/json", f"certificate-{one.pk}.json")


def as_pdf(one: DestructionCertificate) -> HttpResponse:
    return _file(certificate_pdf(one), "application/pdf", f"certificate-{one.pk}.pdf")


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=media_type, headers=headers)
