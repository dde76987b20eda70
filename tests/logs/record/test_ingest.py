"""The one writer: all of a batch or nothing, counted once committed, bounded beside."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from logs.record import bounds, idempotency, ingest
from logs.record.digests import keyed_digest
from logs.record.drafts import Draft
from logs.record.idempotency import IdempotencyKey
from logs.record.identifiers import new_ids
from logs.record.ingest import store_batch
from logs.record.models import Batch, Event, QuarantinedEvent, ReadMark, SensitiveReference
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType, Outcome
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Conflict
from tests.builders import (
    Vault,
    an_organization,
    instant_of,
    items_of,
    setting_the_scene,
    wire_event,
)

BAD = wire_event(task_id=5)
REPORT = wire_event(action="Report Filed", task_id="T1")


@pytest.fixture
def sender(db: None, settings: Settings) -> Sender:
    settings.ORGO_VAULT_PUBLIC_KEY = Vault().public_key_pem
    return Sender(an_organization(), "email_parser")


def key(name: str = "one", body: bytes = b"body") -> IdempotencyKey:
    return IdempotencyKey.of(name, "/", body)


def metric(name: str, log_type: str) -> float:
    return REGISTRY.get_sample_value(name, {"log_type": log_type}) or 0.0


# --- one batch ----------------------------------------------------------------------------------


def test_ids_name_our_clock_and_rise_with_the_items(sender: Sender) -> None:
    receipt = store_batch(items_of(*[wire_event()] * 50), sender)
    events = list(Event.objects.filter(organization=sender.organization).order_by("pk"))
    assert [str(event.pk) for event in events] == receipt.ids
    assert len({event.recorded_at for event in events}) == 1
    assert abs(instant_of(events[0].pk) - events[0].recorded_at) < timedelta(milliseconds=2)
    assert abs(events[0].recorded_at - timezone.now()) < timedelta(minutes=1)


def test_an_old_event_lies_in_the_month_in_which_it_came(sender: Sender) -> None:
    store_batch(items_of(wire_event(timestamp="1999-01-01T00:00:00Z")), sender)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM event")
        assert cursor.fetchall() == [(f"event_activity_{timezone.now():%Y_%m}",)]


def test_where_one_part_cannot_be_stored_nothing_is(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(ingest, "_quarantine", fail)
    with pytest.raises(DatabaseError), transaction.atomic():
        store_batch(items_of(wire_event(), REPORT, BAD), sender, key=key())
    for model in (Event, Batch, QuarantinedEvent, SensitiveReference):
        assert not model.objects.filter(organization=sender.organization).exists()


def test_a_known_key_gives_the_first_receipt_even_where_sealing_is_impossible_now(
    sender: Sender, settings: Settings
) -> None:
    first = store_batch(items_of(REPORT), sender, key=key())
    settings.ORGO_VAULT_PUBLIC_KEY = ""
    assert store_batch(items_of(REPORT), sender, key=key()) == first


def test_a_key_with_another_body_is_a_conflict_and_stores_nothing(sender: Sender) -> None:
    store_batch(items_of(wire_event()), sender, key=key())
    with pytest.raises(Conflict):
        store_batch(items_of(wire_event()), sender, key=key(body=b"other"))
    assert Event.objects.filter(organization=sender.organization).count() == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([wire_event()], 201),
        ([REPORT], 202),
        ([wire_event(), REPORT], 202),
        ([wire_event(), BAD], 207),
        ([REPORT, BAD], 207),
        ([BAD], 400),
    ],
    ids=repr,
)
def test_the_receipt_knows_its_status(sender: Sender, sent: list[Any], status: int) -> None:
    assert store_batch(items_of(*sent), sender).status == status


def test_sealed_refusals_are_neither_accepted_nor_sealed_nor_quarantined(sender: Sender) -> None:
    receipt = store_batch(items_of(REPORT | {"user": None}), sender)
    assert (receipt.accepted, receipt.sealed, receipt.status) == (0, 0, 400)
    assert not QuarantinedEvent.objects.filter(organization=sender.organization).exists()


# --- counting -----------------------------------------------------------------------------------


def test_events_are_counted_once_they_are_committed(
    sender: Sender, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stored, refused = "orgo_audit_events_stored_total", "orgo_audit_events_refused_total"
    before = metric(stored, "activity"), metric(refused, "activity")
    with django_capture_on_commit_callbacks() as callbacks:
        store_batch(items_of(wire_event(), wire_event(), REPORT, BAD), sender)
    assert (metric(stored, "activity"), metric(refused, "activity")) == before
    for callback in callbacks:
        callback()
    assert metric(stored, "activity") == before[0] + 2
    assert metric(refused, "activity") == before[1] + 1


def test_a_retry_is_not_counted_again(
    sender: Sender, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    store_batch(items_of(wire_event()), sender, key=key())
    before = metric("orgo_audit_events_stored_total", "activity")
    with django_capture_on_commit_callbacks(execute=True):
        store_batch(items_of(wire_event()), sender, key=key())
    assert metric("orgo_audit_events_stored_total", "activity") == before


# --- our own events -----------------------------------------------------------------------------


def own_draft(**fields: Any) -> Draft:
    return Draft(
        log_type=LogType.SECURITY,
        occurred_at=timezone.now(),
        code="logs.viewed",
        outcome=Outcome.SUCCESS,
        **{"action": "Logs Viewed", **fields},
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"task_id": "T1"},
        {"actor": "harassment@organization.com"},
        {"details": {"reporter": "x"}},
        {"action": "Report Filed"},
    ],
    ids=repr,
)
def test_our_own_events_are_never_sealed_so_that_nobody_acts_unseen(
    sender: Sender, fields: dict[str, Any]
) -> None:
    store_batch(items_of(REPORT), sender)
    receipt = ingest.record([own_draft(**fields)], sender.organization)
    assert (receipt.accepted, receipt.sealed) == (1, 0)
    assert Event.objects.get(organization=sender.organization).source == "portal"


# --- digests ------------------------------------------------------------------------------------


def test_parts_of_a_digest_cannot_run_into_each_other() -> None:
    digests = {
        keyed_digest("a", b"bc"),
        keyed_digest("ab", b"c"),
        keyed_digest("a", b"b", b"c"),
        keyed_digest("a", b"", b"bc"),
        keyed_digest("a", b"bc", b""),
    }
    assert len(digests) == 5


# --- what a dump tells of a receipt --------------------------------------------------------------


def kept_receipts(organization: Organization) -> list[bytes]:
    return [bytes(batch.receipt) for batch in Batch.objects.filter(organization=organization)]


def test_a_kept_receipt_tells_nobody_whether_something_was_sealed(sender: Sender) -> None:
    store_batch(items_of(wire_event(), wire_event()), sender, key=key("ordinary"))
    store_batch(items_of(wire_event(), REPORT), sender, key=key("sensitive"))
    ordinary, sensitive = kept_receipts(sender.organization)
    assert len(ordinary) == len(sensitive)
    assert b"sealed" not in ordinary + sensitive


def test_a_kept_receipt_opens_for_its_own_sender_and_key_alone(sender: Sender) -> None:
    store_batch(items_of(wire_event()), sender, key=key())
    other = Sender(sender.organization, "another")
    store_batch(items_of(wire_event()), other, key=key())
    one, two = kept_receipts(sender.organization)
    assert one != two
    with pytest.raises(InvalidTag):
        idempotency._unlocked(two, key(), sender)
    with pytest.raises(InvalidTag):
        idempotency._unlocked(one, key("two"), sender)


def test_of_a_receipts_time_the_day_alone_is_kept(sender: Sender) -> None:
    store_batch(items_of(wire_event()), sender, key=key())
    assert {type(value) for value in Batch.objects.values_list("recorded_on", flat=True)} == {date}
    fields = {field.name for field in Batch._meta.get_fields()}
    assert "recorded_at" not in fields


# --- what stands beside the record is bounded ---------------------------------------------------


def quarantined(organization: Organization, recorded_at: datetime, count: int = 1) -> None:
    QuarantinedEvent.objects.bulk_create(
        QuarantinedEvent(
            id=identifier,
            organization=organization,
            source="x",
            recorded_at=recorded_at,
            code="wrong_type",
            detail="no",
            sent="{}",
        )
        for identifier in new_ids(recorded_at, count)
    )


@pytest.mark.usefixtures("as_worker")
def test_an_idempotency_key_is_kept_for_weeks_and_then_forgotten(sender: Sender) -> None:
    now = timezone.now()
    store_batch(items_of(wire_event()), sender, key=key())
    bounds.forget_spent_rows(now + timedelta(days=29))
    assert Batch.objects.filter(organization=sender.organization).exists()
    bounds.forget_spent_rows(now + timedelta(days=31))
    assert not Batch.objects.filter(organization=sender.organization).exists()


@pytest.mark.usefixtures("as_worker")
def test_quarantine_is_bounded_by_age_and_number(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(bounds, "MAX_QUARANTINED", 10)
    quarantined(sender.organization, now - timedelta(days=31))
    quarantined(sender.organization, now - timedelta(days=1), 5)
    quarantined(sender.organization, now, 8)
    bounds.prune_quarantine(now)
    ages = [now - kept.recorded_at for kept in QuarantinedEvent.objects.all()]
    assert sorted(ages) == [timedelta(0)] * 8 + [timedelta(days=1)] * 2


@pytest.mark.usefixtures("as_worker", "sender")
def test_read_marks_go_after_a_day() -> None:
    ReadMark.objects.create(digest=b"x" * 32)
    bounds.forget_spent_rows(timezone.now() + timedelta(hours=23))
    assert ReadMark.objects.exists()
    bounds.forget_spent_rows(timezone.now() + timedelta(hours=25))
    assert not ReadMark.objects.exists()


def test_the_scene_is_set_with_other_rights_than_the_test_has(sender: Sender) -> None:
    with setting_the_scene(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == "orgo_test_builder"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == "orgo_web"
