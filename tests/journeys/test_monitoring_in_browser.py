"""An admin woken at three, in a real browser: status, an alert, what is done about it, health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from logs.record.models import HourCount
from logs.record.vocabulary import LogType
from monitoring import watching
from monitoring.health_checks import running
from monitoring.health_checks.models import QueueSample
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, stored, wire_event
from tests.database import login_of_default
from tests.journeys.test_pages_in_browser import (  # noqa: F401  (fixtures)
    HOSTILE,
    Walk,
    browser,
    home,
    pytestmark,
    walk,
)


@pytest.fixture
def north(home: Organization) -> Organization:  # noqa: F811
    """A task that waits, a hostile one, errors, a day of mails, health checks."""
    stored(home, wire_event(task_id="56789"), wire_event(task_id=HOSTILE))
    errors = [wire_event(LogType.ERROR) for _ in range(12)]
    stored(home, *errors, log_type=LogType.ERROR)
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    with login_of_default("worker"):
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        for back in range(24):
            at = hour - timedelta(hours=back)
            QueueSample.objects.create(measured_at=at, waiting=back)
            for measure, number in (("mails", 1000 * back), ("routed", 10), ("routed_well", 9)):
                HourCount.objects.create(organization=home, measure=measure, hour=at, number=number)
        for name in ("disk", "clock", "clock", "broker"):
            running.run(name)
        watching.watch(timezone.now())
    connections["owner"].close()
    return home


def test_an_admin_finds_out_and_acts(walk: Walk, north: Organization) -> None:  # noqa: F811
    page = walk.page
    walk.sign_in("ada", "/admin/")
    expect(page.get_by_text("3 critical")).to_be_visible()
    walk.check()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Status").click()
    expect(page.get_by_role("heading", name="Routing success")).to_be_visible()
    walk.check()
    page.locator("summary").first.click()
    walk.check()
    page.get_by_role("link", name="Last 30 days").click()
    walk.check()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Alerts").click()
    expect(page).not_to_have_title("broken into")
    walk.check()
    page.get_by_placeholder("Alerts of a task, by its id").fill("56789")
    page.get_by_role("button", name="Find").click()
    walk.check()
    page.get_by_role("link", name="Task Escalation Pending").click()
    expect(page.get_by_text("Not yet: it is sent within a minute.")).to_be_visible()
    walk.check()
    page.get_by_role("button", name="Acknowledge").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("required")
    walk.check()
    page.get_by_label("Reason").fill("the router is restarted")
    page.get_by_role("button", name="Acknowledge").press("Enter")
    expect(page.get_by_text("by ada: the router is restarted")).to_be_visible()
    walk.check()
    page.get_by_role("link", name="Follow the task").click()
    walk.check()

    page.goto(f"{walk.address}/admin/monitoring/healthcheckresult/")
    walk.check()
    page.get_by_role("link", name="clock").click()
    walk.check()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "health-clock.csv"
