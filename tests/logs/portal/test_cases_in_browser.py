"""An HR manager works a case in a real browser, on a desk and on a phone."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
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
from tests.logs.portal.desk import a_report, come_in
from tests.vault_at_hand import VaultAtHand


def test_an_hr_manager_works_a_case(
    walk: Walk,  # noqa: F811
    home: Organization,  # noqa: F811
    vault_at_hand: VaultAtHand,
) -> None:
    a_user(Role.HR_MANAGER, home, "hanna", signs_in=True)
    lately = (timezone.now() - timedelta(days=20)).isoformat()
    come_in(vault_at_hand, home, *(a_report(timestamp=lately, case_id=f"C{n}") for n in range(9)))
    page = walk.page
    walk.sign_in("hanna", "/cases/?state=open")
    walk.check()
    page.get_by_label("Work on a case").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("9 cases")).to_be_visible()
    expect(page.get_by_role("link", name="State: open")).to_be_visible()
    walk.check()

    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_text("reported user Anon2")).to_be_visible()
    walk.check()
    page.get_by_label("New note").fill("Spoke with Anon1, anon@example.org.")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_role("alert")).to_contain_text("looks like an e-mail address")
    walk.check()
    page.get_by_label("New note").fill("Spoke with Anon1.")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_text("The note is kept.")).to_be_visible()
    page.get_by_role("link", name="Receipt is acknowledged").click()
    walk.check()
    page.get_by_role("button", name="Receipt is acknowledged").click()
    expect(page.get_by_text("done late")).to_be_visible()
    page.get_by_role("link", name="Close the case").click()
    walk.check()
    page.get_by_role("button", name="Close the case").click()
    expect(page.get_by_text("The case is closed.")).to_be_visible()

    page.get_by_role("link", name="Request a reveal").click()
    page.get_by_label("Whose").select_option("Anon1")
    page.get_by_label("Reason").fill("To invite them to a hearing.")
    vault_at_hand.is_away = True
    page.get_by_role("button", name="Ask the custodians").click()
    expect(page.get_by_role("alert")).to_contain_text("The vault does not answer")
    expect(page.get_by_label("Reason")).to_have_value("To invite them to a hearing.")
    walk.check()
    vault_at_hand.is_away = False
    page.get_by_role("button", name="Ask the custodians").click()
    expect(page.get_by_role("heading", name="Reveal")).to_be_visible()

    page.get_by_role("link", name="Counts").click()
    expect(page.get_by_role("img", name="Cases by month")).to_be_visible()
    walk.check()
