"""The quarantine in Django admin: why, replay, discard, one item or several."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from logs.record import drafts
from logs.record.models import Event, QuarantinedEvent
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_refused_item, a_user, an_organization

pytestmark = pytest.mark.django_db

LIST = "/admin/logs/quarantinedevent/"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>{{ 7|add:7 }}"


@pytest.fixture
def home() -> Organization:
    return an_organization("north")


@pytest.fixture
def admin(home: Organization) -> Client:
    client = Client()
    client.force_login(a_user(Role.ADMIN, home))
    return client


def page_of(item: QuarantinedEvent) -> str:
    return f"{LIST}{item.pk}/change/"


def text_of(answer: Any) -> str:
    """The page's words as a person reads them, between single spaces."""
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def press(client: Client, address: str, do: str, *items: QuarantinedEvent, reason: str = "") -> str:
    """Presses a button, and returns what the page then says."""
    chosen = [str(item.pk) for item in items]
    answer = client.post(address, {"do": do, "chosen": chosen, "reason": reason}, follow=True)
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def waiting(organization: Organization) -> int:
    return QuarantinedEvent.objects.filter(organization=organization).count()


def items_then_fixed(
    organization: Organization, count: int, monkeypatch: pytest.MonkeyPatch
) -> list[QuarantinedEvent]:
    """Refused while our clock was behind; the clock is right now."""
    minutes = drafts.MAX_AHEAD + timedelta(minutes=5)
    sent = (timezone.now() + minutes).isoformat()
    items = [a_refused_item(organization, timestamp=sent, task_id="T1") for _ in range(count)]
    monkeypatch.setattr(drafts, "MAX_AHEAD", 2 * minutes)
    return items


# --- the list -----------------------------------------------------------------------------------


def test_the_list_says_what_was_refused_and_why(admin: Client, home: Organization) -> None:
    a_refused_item(home, source="router")
    a_refused_item(an_organization("south"), source="southern_service")
    page = text_of(admin.get(LIST))
    assert "1 item" in page
    assert "wrong_type expected a text; leave the key out where there is no value task_id" in page
    assert "southern_service" not in page


def test_every_value_leads_to_the_list_filtered_by_it(admin: Client, home: Organization) -> None:
    a_refused_item(home, source="router")
    a_refused_item(home, source="parser", task_id="T1", timestamp="x")
    page = admin.get(LIST).content.decode()
    for query in ("source=router", "log_type=activity", "code=bad_timestamp"):
        assert f'href="?{query}"' in page
    filtered = admin.get(f"{LIST}?source=router&range=24h")
    assert "Source: router" in text_of(filtered)
    assert "bad_timestamp" not in text_of(filtered)


@pytest.mark.parametrize("query", ["user=x", "since=x", "log_type=x", "range=x", "cursor=x"])
def test_a_filter_that_means_nothing_is_refused_with_its_name(query: str, admin: Client) -> None:
    answer = admin.get(f"{LIST}?{query}")
    assert answer.status_code == 400
    assert b"This filter cannot be used" in answer.content


def test_an_empty_list_says_why_it_is_empty(admin: Client, home: Organization) -> None:
    assert "Nothing waits here" in text_of(admin.get(LIST))
    a_refused_item(home)
    assert "No refused item matches" in text_of(admin.get(f"{LIST}?code=nothing"))


def test_a_long_list_has_pages(admin: Client, home: Organization) -> None:
    for _ in range(101):
        a_refused_item(home)
    first = admin.get(LIST)
    assert "101 items" in text_of(first)
    found = re.search(r'rel="next" href="([^"]+)"', first.content.decode())
    assert found
    second = admin.get(f"{LIST}{unescape(found[1])}")
    assert second.content.decode().count('name="chosen"') == 1


def test_the_front_page_leads_to_it(admin: Client, home: Organization) -> None:
    a_refused_item(home)
    page = admin.get("/admin/").content.decode()
    assert f'<a href="{LIST}">Quarantine</a>' in page
    assert "1 item waits" in page


# --- one item -----------------------------------------------------------------------------------


def test_an_items_page_shows_all_that_was_sent(admin: Client, home: Organization) -> None:
    item = a_refused_item(home, task_id=5, deep={"a": [1]}, user="jane")
    page = text_of(admin.get(page_of(item)))
    assert '"deep": { "a": [ 1 ] }, "user": "jane"' in page
    assert "expected a text" in page


def test_hostile_text_is_only_text(admin: Client, home: Organization) -> None:
    item = a_refused_item(home, source=HOSTILE[:100], **{HOSTILE: {HOSTILE: HOSTILE}, "task_id": 5})
    for address in (LIST, page_of(item)):
        page = admin.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{ 7|add:7 }}" in page


def test_a_cut_item_offers_no_replay(admin: Client, home: Organization) -> None:
    item = a_refused_item(home, note="x" * 70_000)
    page = text_of(admin.get(page_of(item)))
    assert "cannot be replayed" in page
    assert "Replay this item" not in page
    assert "only the beginning was kept" in press(admin, LIST, "replay", item)


def test_an_item_that_is_refused_again_stays_on_its_page(admin: Client, home: Organization) -> None:
    item = a_refused_item(home)
    answer = admin.post(page_of(item), {"do": "replay"})
    assert answer.headers["Location"] == page_of(item)
    assert "1 item refused again." in text_of(admin.get(page_of(item)))


def test_a_settled_item_leads_back_to_the_list(
    admin: Client, home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = items_then_fixed(home, 1, monkeypatch)
    answer = admin.post(page_of(item), {"do": "replay"})
    assert answer.headers["Location"] == LIST
    assert "1 item accepted." in text_of(admin.get(LIST))
    assert admin.get(page_of(item)).status_code == 404
    assert "already settled" in press(admin, page_of(item), "discard", reason="late")


# --- several ------------------------------------------------------------------------------------


def test_several_are_replayed_and_each_verdict_is_counted(
    admin: Client, home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = items_then_fixed(home, 2, monkeypatch), a_refused_item(home)
    gone = a_refused_item(home)
    QuarantinedEvent.objects.filter(pk=gone.pk).delete()
    said = press(admin, LIST, "replay", *good, bad, gone)
    assert said == "2 items accepted, 1 refused again, 1 already settled by somebody else."
    assert Event.objects.filter(organization=home, task_id="T1").count() == 2
    assert waiting(home) == 1


def test_several_are_discarded_with_one_reason(admin: Client, home: Organization) -> None:
    items = [a_refused_item(home) for _ in range(3)]
    assert press(admin, LIST, "discard", *items[:2], reason="a test") == "2 items discarded."
    discarded = Event.objects.filter(organization=home, action="Quarantine Discarded")
    assert [event.details["reason"] for event in discarded] == ["a test"] * 2
    assert waiting(home) == 1


def test_the_same_list_is_shown_after_settling(admin: Client, home: Organization) -> None:
    item = a_refused_item(home)
    address = f"{LIST}?code=wrong_type"
    answer = admin.post(address, {"do": "replay", "chosen": [str(item.pk)]})
    assert answer.headers["Location"] == address


def test_without_a_reason_or_a_choice_nothing_happens(admin: Client, home: Organization) -> None:
    item = a_refused_item(home)
    for address in (LIST, page_of(item)):
        answer = admin.post(address, {"do": "discard", "chosen": [str(item.pk)], "reason": " "})
        assert (answer.status_code, "says why" in answer.content.decode()) == (400, True)
    answer = admin.post(LIST, {"do": "replay"})
    assert (answer.status_code, "Nothing was chosen" in answer.content.decode()) == (400, True)
    assert waiting(home) == 1


def test_what_was_chosen_and_typed_is_still_there_after_a_refusal(
    admin: Client, home: Organization
) -> None:
    chosen, other = a_refused_item(home), a_refused_item(home)
    without_reason = admin.post(f"{LIST}?code=wrong_type", {"do": "discard", "chosen": chosen.pk})
    page = without_reason.content.decode()
    assert f'value="{chosen.pk}" checked' in page
    assert f'value="{other.pk}" checked' not in page
    assert 'id="reason" rows="2" maxlength="500" autofocus aria-invalid="true"' in page
    assert "Code: wrong_type" in page
    without_choice = admin.post(LIST, {"do": "discard", "reason": "a test of the router"})
    assert ">a test of the router</textarea>" in without_choice.content.decode()


def test_another_organizations_item_is_not_settled(admin: Client) -> None:
    elsewhere = an_organization("south")
    item = a_refused_item(elsewhere)
    for do in ("replay", "discard"):
        assert "already settled" in press(admin, LIST, do, item, reason="why")
    assert admin.get(page_of(item)).status_code == 404
    assert waiting(elsewhere) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"do": "drop"},
        {"do": "replay", "chosen": "x"},
        {"do": "replay", "chosen": ["x"] * 101},
    ],
    ids=repr,
)
def test_a_form_that_is_not_ours_is_refused(sent: Any, admin: Client) -> None:
    assert admin.post(LIST, sent).status_code == 400


def test_without_the_forms_secret_nothing_is_settled(home: Organization) -> None:
    item, client = a_refused_item(home), Client(enforce_csrf_checks=True)
    client.force_login(a_user(Role.ADMIN, home))
    assert client.post(LIST, {"do": "replay", "chosen": [str(item.pk)]}).status_code == 403
