"""A trace tells how many of its events went on somebody's request, and of whom nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from logs.record import erasures
from orgo_audit.accounts.models import Organization, Role
from tests.builders import (
    API,
    Caller,
    a_user,
    an_organization,
    setting_the_scene,
    stored,
    wire_event,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Organization:
    home = an_organization()
    stored(home, wire_event(task_id="T1"), wire_event(task_id="T2"))
    return home


def erased(home: Organization, **tasks: int) -> None:
    with setting_the_scene():
        erasures.note(home, tasks)


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1 event erased on request."), (2, "2 events erased on request.")],
)
def test_the_page_says_it(home: Organization, client: Client, number: int, words: str) -> None:
    erased(home, T1=number)
    client.force_login(a_user(Role.ADMIN, home))
    pages = {
        task: client.get(f"/admin/logs/activitylog/trace/{task}/").content.decode()
        for task in ("T1", "T2")
    }
    assert words in pages["T1"]
    assert "erased on request" not in pages["T2"]


def test_the_api_tells_it_where_there_is_something_to_tell(home: Organization) -> None:
    erased(home, T1=1)
    erased(home, T1=2)
    erased(an_organization(), T2=1)
    admin = Caller(user=a_user(Role.ADMIN, home))
    assert admin.get(f"{API}/traces/T1/").json["erased"] == 3
    assert set(admin.get(f"{API}/traces/T2/").json) == {"task_id", "state", "stages", "events"}
