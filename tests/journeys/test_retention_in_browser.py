"""Two admins and retention in a real browser: plan, approval, conflict, hold, certificate."""

from __future__ import annotations

import re

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from logs.retention import applying
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, an_event
from tests.database import login_of_default
from tests.journeys.test_pages_in_browser import (  # noqa: F401  (fixtures)
    HOSTILE,
    Walk,
    browser,
    home,
    pytestmark,
    walk,
)
from tests.old_events import an_old_event, months_ago
from tests.policies import in_force
from tests.retention import a_certificate, a_hold

POLICY = """
retention_policies: {activity_logs: "6 months"}
retention: {approval: two_people}
organizations: {north: {regime: [gdpr, hipaa]}}
"""


@pytest.fixture
def north(home: Organization) -> Organization:  # noqa: F811
    """A month to approve, one that is held, a conflict, a certificate, two admins."""
    in_force(POLICY)
    an_old_event(home, months_ago(8))
    an_old_event(home, months_ago(9), task_id="T1")
    an_event(home, task_id="T1")
    a_hold(home)
    a_hold(home, value=HOSTILE, by=HOSTILE[:150])
    a_certificate(home)
    with login_of_default("worker"):
        applying.run(timezone.now())
    connections["owner"].close()
    for name in ("ada", "ben"):
        a_user(Role.ADMIN, home, name, signs_in=True)
    return home


def test_an_admin_looks_after_retention(walk: Walk, north: Organization) -> None:  # noqa: F811
    page = walk.page
    walk.sign_in("ada", "/admin/")
    expect(page.get_by_text("Two regimes contradict each other")).to_be_visible()
    walk.check()

    page.get_by_role("heading", name="Retention").get_by_role("link").click()
    expect(page.get_by_text("2 approvals missing")).to_be_visible()
    walk.check()
    page.get_by_role("button", name=re.compile("^Approve")).press("Enter")
    expect(page.get_by_text("is on record.")).to_be_visible()
    expect(page.get_by_text("1 approval missing")).to_be_visible()
    walk.check()

    page.get_by_role("link", name=re.compile("^Decide about security events")).click()
    page.get_by_label("Keep to the floor").check()
    page.get_by_label("On which ground").fill("advice of 3 March")
    walk.check()
    page.get_by_role("button", name="Put the decision on record").click()
    expect(page.get_by_text("Your decision about security events is on record.")).to_be_visible()

    page.get_by_role("link", name="Roe against the organization").first.click()
    walk.check()
    page.get_by_role("button", name="Ask for the release").press("Enter")
    expect(page.get_by_text("a second person has to release it")).to_be_visible()
    walk.check()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Legal holds").click()
    walk.check()
    page.get_by_role("link", name="New hold").click()
    page.get_by_label("Matter").fill("M-1")
    page.get_by_label("Reason").fill("a claim is expected")
    page.get_by_label("Owner").fill("counsel")
    page.get_by_label("What is kept").select_option(label="a segment, such as activity-2026-11")
    page.get_by_label("Which one").fill("activity")
    page.get_by_role("button", name="Place the hold").click()
    expect(page.get_by_role("alert")).to_contain_text("such as activity-2026-11")
    walk.check()
    page.get_by_label("Which one").fill("activity-2020-01")
    page.get_by_role("button", name="Place the hold").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing is placed yet")
    walk.check()
    page.get_by_role("button", name="Place it all the same").click()
    expect(page.get_by_text("The hold is placed.")).to_be_visible()
    walk.check()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Certificates").click()
    walk.check()
    page.locator("[data-open]").click()
    expect(page.get_by_text("were destroyed because their period was over")).to_be_visible()
    walk.check()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
