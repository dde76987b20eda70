"""Two custodians and an HR manager reveal one identity, with real passkeys in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, expect
from pytest_django import Settings

from logs.cases.models import CustodianPasskey
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, Role, User
from tests.authenticator import Authenticator
from tests.builders import Service, a_user
from tests.custodians import Custodian, confirm
from tests.journeys.test_pages_in_browser import (  # noqa: F401  (fixtures)
    WIDTHS,
    Walk,
    browser,
    home,
    pytestmark,
)
from tests.logs.vault.scene import REPORT
from tests.vault_at_hand import VaultAtHand

JANE = "jane.roe@organization.com"
DEVICE: dict[str, Any] = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


class Person(Walk):
    """Somebody at a browser of their own, with a device that holds passkeys."""

    def __init__(self, browser: Browser, address: str, width: int) -> None:  # noqa: F811
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            timezone_id="Europe/Berlin",
            color_scheme="light" if width > 1000 else "dark",
        )
        super().__init__(context.new_page(), address)
        self.device: CDPSession = context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        added = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        self.authenticator: str = added["authenticatorId"]

    def verifies(self, is_them: bool) -> None:
        """Whether the device finds that it is its owner who uses it."""
        self.device.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.authenticator, "isUserVerified": is_them},
        )

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def secret(self) -> str:
        """Of this page's forms."""
        field = self.page.locator("[name=csrfmiddlewaretoken]").first
        return str(field.get_attribute("value"))


@pytest.fixture
def portal_address(address: str, settings: Settings) -> str:
    settings.ORGO_PUBLIC_URL = address
    return address


@pytest.fixture(params=list(WIDTHS))
def people(
    request: pytest.FixtureRequest,
    portal_address: str,
    vault_at_hand: VaultAtHand,
    browser: Browser,  # noqa: F811
    home: Organization,  # noqa: F811
) -> Iterator[dict[str, Person]]:
    """Two custodians and an HR manager, each signed in."""
    roles = {"anna": Role.CUSTODIAN, "ben": Role.CUSTODIAN, "hanna": Role.HR_MANAGER}
    with ExitStack() as stack:
        people = {}
        for name, role in roles.items():
            a_user(role, home, name, signs_in=True)
            people[name] = Person(browser, portal_address, WIDTHS[request.param])
            stack.callback(people[name].page.context.close)
            people[name].sign_in(name, "/cases/reveals/")
            expect(people[name].page.get_by_role("heading", name="Nothing is open")).to_be_visible()
        yield people


def enrols(person: Person, name: str) -> None:
    page = person.page
    page.goto(f"{person.address}/cases/passkeys/")
    expect(page.get_by_role("heading", name="You have none yet")).to_be_visible()
    person.check()
    page.get_by_label("Name of the new passkey").fill(name)
    person.press("Add it")
    person.check()
    person.press("Create the passkey")
    expect(page.get_by_role("heading", name="Step 3 of 3")).to_be_visible()
    person.check()
    person.press("Sign with the new passkey")
    expect(page.get_by_text("Your passkey works")).to_be_visible()
    person.check()


def asks(person: Person) -> None:
    """For the reporter's address, on the page of the only case."""
    page = person.page
    page.goto(f"{person.address}/cases/")
    page.get_by_label("Work on a case").check()
    person.press("Continue")
    page.locator("a[href*='/cases/'][href*='-']").first.click()
    page.get_by_role("link", name="Request a reveal").click()
    page.get_by_label("Whose").select_option("Anon1")
    page.get_by_label("What", exact=True).select_option("email")
    page.get_by_label("How many times").fill("2")
    page.get_by_label("Reason").fill("She asked to be called back about her report.")
    person.press("Ask the custodians")


def passkey_of(name: str) -> CustodianPasskey:
    owner = User.objects.get(username=name)
    with as_hr():
        return CustodianPasskey.objects.get(user=owner.pk)


def test_two_custodians_let_hr_see_one_identity(
    vault_at_hand: VaultAtHand,
    people: dict[str, Person],
    home: Organization,  # noqa: F811
) -> None:
    Service(home).deliver(REPORT)
    vault_at_hand.drain()
    anna, ben, hanna = (people[name] for name in ("anna", "ben", "hanna"))
    enrols(anna, "anna's phone")
    confirm(str(passkey_of("anna").pk))
    enrols(ben, "blue key")

    anna.page.reload()
    anna.page.get_by_role("link", name=re.compile("^Compare and confirm")).click()
    expect(anna.page.get_by_text(passkey_of("ben").fingerprint)).to_be_visible()
    anna.check()
    anna.press("It is the same")
    expect(anna.page.get_by_text("The passkey of ben is confirmed.")).to_be_visible()
    anna.check()

    asks(hanna)
    place = hanna.page.url
    expect(hanna.page.get_by_role("heading", name="Waiting for two custodians")).to_be_visible()
    hanna.check()

    for person in (anna, ben):
        page = person.page
        page.goto(f"{person.address}/cases/reveals/")
        person.check()
        page.get_by_role("link", name="Reveal Anon1, email").click()
        expect(page.get_by_text("She asked to be called back")).to_be_visible()
        person.check()
        page.get_by_role("button", name="Approve with your passkey").press("Enter")
        expect(page.get_by_text("Your approval is recorded.")).to_be_visible()
        person.check()

    hanna.page.reload()
    for left in ("It can be seen 1 more time", "It cannot be seen again"):
        hanna.press("Show once")
        expect(hanna.page.get_by_text(JANE)).to_be_visible()
        expect(hanna.page.get_by_text(left)).to_be_visible()
        assert hanna.page.url == place
        hanna.check()
        hanna.page.goto(place)
        expect(hanna.page.get_by_text(JANE)).to_have_count(0)
    expect(hanna.page.get_by_role("heading", name="Over")).to_be_visible()
    hanna.check()
    third = hanna.page.request.post(
        place,
        form={"do": "view", "csrfmiddlewaretoken": hanna.secret()},
        headers={"Origin": hanna.address},
    )
    assert third.status == 409
    assert JANE not in third.text()


def test_a_ceremony_that_fails_is_told_in_words(people: dict[str, Person]) -> None:
    anna, page = people["anna"], people["anna"].page
    page.goto(f"{anna.address}/cases/passkeys/")
    page.get_by_label("Name of the new passkey").fill("phone")
    anna.press("Add it")
    anna.verifies(False)
    anna.press("Create the passkey")
    expect(page.get_by_role("status")).to_contain_text("It was cancelled, or took too long.")
    expect(page.get_by_role("button", name="Create the passkey")).to_be_focused()
    anna.check()
    anna.verifies(True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Step 3 of 3")).to_be_visible()


def test_under_another_address_the_page_leads_to_the_right_one(people: dict[str, Person]) -> None:
    anna, page = people["anna"], people["anna"].page
    right = anna.address
    anna.address = right.replace("localhost", "127.0.0.1")
    anna.sign_in("anna", "/cases/passkeys/")
    expect(page.get_by_role("button", name="Add it")).to_have_count(0)
    anna.check()
    page.get_by_role("link", name="Open it there").click()
    expect(page).to_have_url(f"{right}/cases/passkeys/")
    expect(page.get_by_role("button", name="Add it")).to_be_visible()


def test_a_browser_without_passkeys_is_told_so(people: dict[str, Person]) -> None:
    anna, page = people["anna"], people["anna"].page
    page.add_init_script("delete window.PublicKeyCredential")
    page.goto(f"{anna.address}/cases/passkeys/")
    expect(page.get_by_text("This browser cannot use passkeys here.")).to_be_visible()
    expect(page.get_by_role("button", name="Add it")).to_have_count(0)
    anna.check()


def test_a_dpo_asks_for_an_erasure_and_reads_its_certificate(
    people: dict[str, Person],
    portal_address: str,
    home: Organization,  # noqa: F811
) -> None:
    a_user(Role.DPO, home, "dora", signs_in=True)
    dora = people["hanna"]  # at whose browser she sits now
    page = dora.page
    dora.press("Signed in as")
    dora.press("Sign out")
    dora.sign_in("dora", "/cases/reveals/")
    page.get_by_role("link", name="Ask for an erasure").click()
    dora.check()
    page.get_by_label("Person").fill("<>")
    page.get_by_label("Reason").fill("He asked for it, under Art. 17 GDPR.")
    dora.press("Ask two custodians")
    expect(page.get_by_role("alert")).to_contain_text("Expected an address or a name")
    expect(page.get_by_label("Reason")).to_have_value("He asked for it, under Art. 17 GDPR.")
    dora.check()
    page.get_by_label("Person").fill("somebody@example.org")
    dora.press("Ask two custodians")
    expect(page.get_by_role("heading", name="Waiting for two custodians")).to_be_visible()
    dora.check()

    request = page.url.rstrip("/").rpartition("/")[2]
    for name in ("anna", "ben"):
        user = User.objects.get(username=name)
        custodian = Custodian(home, user, Authenticator(origin=portal_address))
        confirm(custodian.enrol())
        custodian.approve(request)
    page.reload()
    expect(page.get_by_role("heading", name="Certificate")).to_be_visible()
    dora.check()
    people["anna"].page.goto(f"{portal_address}/cases/reveals/")
    expect(people["anna"].page.get_by_role("link", name="Erase a person")).to_be_visible()
    people["anna"].check()
