"""Somebody at the pages of requests and passkeys, and their browser, in software."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from django.test import Client

from orgo_audit.accounts.models import User
from tests.custodians import Custodian

LIST = "/cases/reveals/"
PASSKEYS = "/cases/passkeys/"
ERASURE = "/cases/erasures/new/"
NO_ONE = "00000000-0000-4000-8000-000000000000"


def page_of(request: str) -> str:
    return f"{LIST}{request}/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def as_custodian(custodian: Custodian) -> Client:
    return signed_in(custodian.user)


def text_of(answer: Any, status: int = 200) -> str:
    """The page's words as a person reads them, between single spaces."""
    assert answer.status_code == status
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def options_of(answer: Any) -> Any:
    """What the page's script hands to the browser."""
    found = re.findall(r' data-passkey="([^"]*)"', answer.content.decode())
    assert len(found) == 1
    return json.loads(unescape(found[0]))


def hidden(answer: Any) -> dict[str, str]:
    """What the page's ceremony sends along."""
    page = answer.content.decode()
    form = next(
        form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'name="answer"' in form
    )
    return dict(
        re.findall(r'<input type="hidden" name="(do|id|organization)" value="([^"]*)"', form)
    )


def signs(client: Client, custodian: Custodian, path: str) -> Any:
    """Presses the page's button, as a browser with this custodian's passkey does."""
    page = client.get(path)
    answer = custodian.browser.get(options_of(page))
    return client.post(path, hidden(page) | {"answer": json.dumps(answer)}, follow=True)
