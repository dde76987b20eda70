"""An auditor finds the certificates of cases from the access log, on a desk and on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user
from tests.journeys.test_pages_in_browser import (  # noqa: F401  (fixtures)
    Walk,
    browser,
    home,
    pytestmark,
    walk,
)
from tests.retention import a_certificate_of_case


def test_an_auditor_finds_the_certificates(
    walk: Walk,  # noqa: F811
    home: Organization,  # noqa: F811
) -> None:
    one = a_certificate_of_case(home)
    a_user(Role.AUDITOR, home, "otto", signs_in=True)
    page = walk.page
    walk.sign_in("otto", "/cases/access-log/")
    page.get_by_role("link", name="Certificates").click()
    expect(page.get_by_text(str(one.case_code), exact=True)).to_be_visible()
    walk.check()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename == f"certificate-{one.pk}.pdf"
