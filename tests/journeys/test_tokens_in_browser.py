"""An admin makes, copies, rotates and revokes a token in a real browser, desk and phone."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.tokens import find_token
from tests.builders import a_token, a_user
from tests.journeys.test_pages_in_browser import (  # noqa: F401  (fixtures)
    Walk,
    browser,
    home,
    pytestmark,
    walk,
)


def test_an_admin_gives_a_service_its_token(walk: Walk, home: Organization) -> None:  # noqa: F811
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    a_token(home, name="w" * 100, lives=timedelta(days=3))
    page = walk.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    walk.sign_in("ada", "/admin/")
    expect(page.get_by_text("1 service token expires soon.")).to_be_visible()
    walk.check()

    page.get_by_role("heading", name="Service tokens").get_by_role("link").click()
    walk.check()
    page.get_by_role("link", name="New token").click()
    page.get_by_label("Service", exact=True).fill("an na")
    page.get_by_role("button", name="Make the token").click()
    page.get_by_label("Deliver events").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_contain_text("is no service name")
    walk.check()
    page.get_by_label("Service", exact=True).fill("router")
    page.get_by_role("button", name="Make the token").click()
    shown = page.get_by_text(re.compile("^orgo_")).inner_text().strip()
    assert find_token(shown)
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    walk.check()

    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name=re.compile("^Rotate .* of router")).click()
    walk.check()
    page.get_by_role("button", name="Make the new token").click()
    expect(page.get_by_text("give the new one to the service before")).to_be_visible()
    walk.check()

    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name=re.compile("^Revoke .* of router")).first.click()
    walk.check()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text(re.compile("of router is revoked"))).to_be_visible()
    page.get_by_text("Ended tokens").click()
    walk.check()
