"""A row's way through COPY: whatever a text holds, PostgreSQL gives it back."""

from __future__ import annotations

import pytest

from logs.record.ingest import store_batch
from logs.record.models import Event
from logs.record.receipts import Sender
from tests.builders import an_organization, items_of, wire_event

HARD = (r"\N", r"\.", "\\", r"\t", "a\tb", "a\nb", "a\r\nb", "\x0b\x1f\x7f", "", " ", "é\u2028😀")


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender(an_organization(), "email_parser")


def test_texts_that_mean_something_to_copy_come_back_as_they_were(sender: Sender) -> None:
    sent = [
        wire_event(reason=text, status=text, **{"own key": text, "nested": {text: [text]}})
        for text in HARD
    ]
    store_batch(items_of(*sent), sender)
    stored = Event.objects.filter(organization=sender.organization).order_by("pk")
    assert [(event.reason, event.status) for event in stored] == [(text, text) for text in HARD]
    expected = [{"own key": text, "nested": {text: [text]}} for text in HARD]
    assert [event.details for event in stored] == expected


def test_an_absent_text_is_no_empty_one(sender: Sender) -> None:
    store_batch(items_of(wire_event(reason=""), wire_event()), sender)
    stored = Event.objects.filter(organization=sender.organization).order_by("pk")
    assert [(event.reason, event.details) for event in stored] == [("", {}), (None, {})]
