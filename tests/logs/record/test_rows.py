"""A row's way through COPY: whatever a text holds, PostgreSQL gives it back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from logs.record.drafts import Draft
from logs.record.ingest import store_batch
from logs.record.models import Event
from logs.record.receipts import Sender
from logs.record.rows import COLUMNS, row_of
from tests.builders import an_organization, items_of, wire_event

HARD = (r"\N", r"\.", "\\", r"\t", "a\tb", "a\nb", "a\r\nb", "\x0b\x1f\x7f", "", " ", "é\u2028😀")


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender(an_organization(), "email_parser")


def test_each_value_of_a_row_stands_in_its_column() -> None:
    texts = {name: name for name in Draft.__struct_fields__}
    moment, details = datetime(2026, 11, 1, tzinfo=UTC), {"name": "details"}
    draft = Draft(**texts | {"occurred_at": moment, "details": details})  # type: ignore[arg-type]  # names as values
    row = row_of(
        draft,
        identifier="id",
        organization_id="organization_id",
        recorded_at="recorded_at",
        source="source",
    )
    named = {name: name for name in COLUMNS}
    told = {"occurred_at": moment.isoformat(), "details": '{"name":"details"}'}
    assert dict(zip(COLUMNS, row, strict=True)) == named | told


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
