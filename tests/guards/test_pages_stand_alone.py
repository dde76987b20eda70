"""No page holds inline code or styles, or an address of another host: the browser asks us alone."""

from __future__ import annotations

from binascii import unhexlify
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django_otp.oath import totp

from orgo_audit.accounts import second_factor
from orgo_audit.accounts.models import Role
from tests.builders import a_user, an_organization
from tests.guards import test_permission_matrix as matrix

ADDRESSES = frozenset({"action", "data", "formaction", "href", "poster", "src", "srcset"})
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
world = matrix.world


class Faults(HTMLParser):
    """What a page must not hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("base", "style") or (tag == "script" and not told.get("src")):
            self.found.append(f"<{tag}>")
        for name, value in told.items():
            if name == "style" or name.startswith("on"):
                self.found.append(f"<{tag} {name}>")
            if name in ADDRESSES and not is_own(value or ""):
                self.found.append(f"<{tag} {name}={value}>")


def is_own(address: str) -> bool:
    plain = address.strip().replace("\\", "/")
    if plain.startswith("data:image/"):
        return True
    return not plain.startswith("//") and ":" not in plain.partition("?")[0].partition("/")[0]


def faults_of(answer: Any) -> list[str]:
    wrong = [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    policy = answer.headers["Content-Security-Policy"]
    if not policy.startswith("default-src 'none'") or "unsafe" in policy or "http" in policy:
        wrong.append(policy)
    return wrong + Faults(answer.content.decode()).found


def is_page(answer: Any) -> bool:
    return bool(answer.headers.get("Content-Type", "").startswith("text/html"))


@pytest.mark.parametrize(
    ("who", "at_least"),
    [("nobody", 2), ("user", 5), ("admin", 20), ("custodian", 9), ("dpo", 7), ("hr_manager", 13)],
)
def test_every_page_of_the_table_stands_alone(world: matrix.World, who: str, at_least: int) -> None:
    caller, seen, faults = world.caller(who), 0, {}
    for row in matrix.MATRIX:
        path = row.path.format(**world.places)
        if row.method != "GET" or path == "/sign-out/":
            continue
        answer = caller.client.get(path)
        if is_page(answer) and answer.status_code not in (301, 302):
            seen += 1
            if found := faults_of(answer):
                faults[path] = found
    assert faults == {}
    assert seen >= at_least


@pytest.mark.django_db
def test_the_pages_on_the_way_in_stand_alone(settings: Any) -> None:
    ada = a_user(Role.ADMIN, an_organization(), "ada")
    settings.AXES_FAILURE_LIMIT = 2
    wrong = {"username": "nobody", "password": "wrong"}
    client = Client()
    answers = [client.post("/sign-in/", wrong) for _ in range(2)]
    client.force_login(ada)
    answers.append(client.get("/second-factor/set-up/"))
    secret = client.session["second_factor_secret"]
    code = f"{totp(unhexlify(secret)):06}"
    answers.append(client.post("/second-factor/set-up/", {"code": code}))
    assert second_factor.device_of(ada) is not None
    pages = ("/second-factor/settings/", "/second-factor/codes/", "/second-factor/remove/")
    answers += [client.get(path) for path in pages]
    other = Client()
    other.force_login(ada)
    answers.append(other.get("/second-factor/"))
    assert [answer.status_code for answer in answers] == [200, 429, *[200] * 6]
    assert [faults_of(answer) for answer in answers] == [[]] * 8


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p style='color:red'>", "<p style>"),
        ("<a onclick='x()'>", "<a onclick>"),
        ("<script>x()</script>", "<script>"),
        ("<style>p {}</style>", "<style>"),
        ("<img src='//evil.example/x'>", "<img src=//evil.example/x>"),
        ("<a href='https://evil.example/'>", "<a href=https://evil.example/>"),
        ("<a href='javascript:x()'>", "<a href=javascript:x()>"),
    ],
)
def test_the_guard_itself_sees_what_must_not_be(page: str, fault: str) -> None:
    assert Faults(page).found == [fault]


def test_the_guard_lets_our_own_addresses_pass() -> None:
    own = ("/admin/", "?next=https://x", "#id", "", "data:image/svg+xml,x", "a/b:c")
    assert Faults("".join(f'<a href="{address}">' for address in own)).found == []
