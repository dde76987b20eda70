"""An admin walks the record in a real browser, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from logs.record.vocabulary import LogType
from logs.record.wire import format_instant
from orgo_audit.accounts.models import Organization, Role
from tests.builders import PASSWORD, a_refused_item, a_user, an_event, an_organization

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]
WIDTHS = {"desk": 1280, "phone": 390}
HOSTILE = "<script>document.title = 'broken into'</script>" + "w" * 300
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
# On a desk each event is one line, whatever is in it, and none is cut off at the side.
ROWS_THAT_WRAP = """
innerWidth < 1000 ? 0 : [...document.querySelectorAll(".events tbody tr")].filter((row) =>
  row.offsetHeight > 50 || row.scrollWidth > row.closest(".table-frame").clientWidth).length
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, and Django would take our own queries for its own.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def home() -> Organization:
    return an_organization("north")


def fill(organization: Organization) -> None:
    """One task with a late and a missing stage, an error, and an event that means harm."""
    start = datetime.now(UTC) - timedelta(days=2)
    task: dict[str, Any] = {"task_id": "40007", "workflow": "maintenance"}
    an_event(organization, action="Task Created", timestamp=format_instant(start), **task)
    late = format_instant(start + timedelta(minutes=25))
    an_event(organization, action="Task Routed", timestamp=late, to="maintenance_queue", **task)
    an_event(organization, LogType.ERROR, timestamp=late, error="Queue Unreachable", **task)
    an_event(organization, action=HOSTILE, timestamp=late, to=HOSTILE, text=HOSTILE)


class Walk:
    """A page under watch: broken policy and scripts, width, what axe finds."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(WATCH)

    def sign_in(self, name: str, path: str) -> None:
        self.page.goto(f"{self.address}{path}")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def check(self) -> None:
        self.page.wait_for_load_state()
        assert not self.errors
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), f"{self.page.url} scrolls sideways"
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
        assert not serious, f"{self.page.url}: {serious}"
        # axe sets inline styles of its own.
        self.page.wait_for_timeout(50)
        self.page.evaluate("window.violations.length = 0")


@pytest.fixture(params=list(WIDTHS))
def walk(request: pytest.FixtureRequest, address: str, browser: Browser) -> Iterator[Walk]:
    context = browser.new_context(
        viewport={"width": WIDTHS[request.param], "height": 900},
        timezone_id="Europe/Berlin",
        color_scheme="dark" if request.param == "phone" else "light",
    )
    walk = Walk(context.new_page(), address)
    yield walk
    context.close()


def test_an_admin_finds_the_task_behind_an_event(walk: Walk, home: Organization) -> None:
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    fill(home)
    page = walk.page
    page.goto(f"{walk.address}/admin/")
    walk.check()
    walk.sign_in("ada", "/admin/")
    expect(page.get_by_role("heading", name="Follow a task")).to_be_visible()
    walk.check()

    page.get_by_role("heading", name="Activity log").get_by_role("link").click()
    expect(page.get_by_text("3 events")).to_be_visible()
    expect(page.get_by_text("Times in Europe/Berlin").last).to_be_visible()
    expect(page).not_to_have_title("broken into")
    walk.check()
    assert page.evaluate(ROWS_THAT_WRAP) == 0

    page.get_by_role("link", name="maintenance_queue").click()
    expect(page.get_by_text("1 event", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="To: maintenance_queue")).to_be_visible()
    walk.check()

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task Routed")).to_be_visible()
    walk.check()

    page.get_by_role("link", name="Follow the task").click()
    expect(page.get_by_role("heading", name="Task 40007")).to_be_visible()
    expect(page.get_by_text("late by 15 min")).to_be_visible()
    expect(page.get_by_role("link", name="Queue Unreachable")).to_be_visible()
    walk.check()


def test_keys_open_the_filter_and_the_help(walk: Walk, home: Organization) -> None:
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    page = walk.page
    walk.sign_in("ada", "/admin/logs/activitylog/")
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    walk.check()
    page.keyboard.press("/")
    expect(page.get_by_label("Action")).to_be_focused()
    walk.check()
    page.keyboard.type("Nothing like this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
    walk.check()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.check()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Show UTC").click()
    expect(page.get_by_text("Times in UTC").last).to_be_visible()


def test_the_menu_and_the_account_by_keyboard_alone(walk: Walk, home: Organization) -> None:
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    page = walk.page
    walk.sign_in("ada", "/admin/logs/legalhold/")
    top = page.locator("header").bounding_box()
    assert top
    assert top["height"] < 100
    expect(page.get_by_role("link", name="Legal holds")).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.get_by_role("button", name="Signed in as ada").focus()
    page.keyboard.press("Enter")
    walk.check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Sessions")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(page.get_by_role("link", name="Legal holds")).to_be_attached()
    walk.check()


def test_whoever_has_nothing_can_sign_out_again(walk: Walk, home: Organization) -> None:
    a_user(Role.USER, home, "uma", signs_in=True)
    page = walk.page
    walk.sign_in("uma", "/sign-in/")
    expect(page.get_by_role("heading", name="Nothing here for you yet")).to_be_visible()
    walk.check()
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_refused_items_are_settled_by_keyboard_alone(walk: Walk, home: Organization) -> None:
    a_user(Role.ADMIN, home, "ada", signs_in=True)
    for _ in range(3):
        a_refused_item(home, source="router", task_id=5, note=HOSTILE)
    page = walk.page
    walk.sign_in("ada", "/admin/logs/quarantinedevent/")
    expect(page.get_by_text("3 items", exact=True)).to_be_visible()
    walk.check()

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Refused item")).to_be_visible()
    expect(page).not_to_have_title("broken into")
    walk.check()
    page.get_by_role("button", name="Replay this item").press("Enter")
    expect(page.get_by_text("1 item refused again.")).to_be_visible()
    walk.check()

    page.get_by_role("link", name="wrong_type").click()
    page.get_by_label("Choose all on this page").press("Space")
    page.get_by_label("Choose the item").first.press("Space")
    page.get_by_role("button", name="Discard selected").press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    walk.check()
    page.get_by_label("Reason").fill("a test of the router")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Discard")).to_be_visible()
    page.get_by_role("button", name="Discard selected").press("Enter")
    expect(page.get_by_text("2 items discarded.")).to_be_visible()
    expect(page.get_by_text("1 item", exact=True)).to_be_visible()
    walk.check()
