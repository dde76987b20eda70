"""A task that became sensitive takes its later events along, however many arrive at once."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction

from logs.record import ingest, references
from logs.record.models import Event
from logs.record.receipts import Receipt, Sender
from tests.builders import an_organization, items_of, wire_event

REPORT = wire_event(workflow="harassment", task_id="T1")


def deliver(sender: Sender, **fields: str) -> Receipt:
    return ingest.store_batch(items_of(wire_event(**fields)), sender)


@pytest.mark.usefixtures("committed", "vault")
def test_an_event_that_was_judged_before_its_task_became_sensitive_is_sealed_after_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = Sender(an_organization(), "router")
    take_turn = references.take_turn
    overtaken: list[bool] = []

    def after_a_report(sender: Sender, *, alone: bool) -> None:
        if not overtaken:
            overtaken.append(True)
            report = threading.Thread(target=file_a_report, args=(sender,))
            report.start()
            report.join()
        take_turn(sender, alone=alone)

    monkeypatch.setattr(references, "take_turn", after_a_report)
    receipt = deliver(sender, task_id="T1")
    assert (receipt.accepted, receipt.sealed) == (1, 1)
    assert not Event.objects.filter(task_id="T1").exists()


def file_a_report(sender: Sender) -> None:
    try:
        ingest.store_batch(items_of(REPORT), sender)
    finally:
        connections.close_all()


@pytest.mark.usefixtures("committed", "vault")
def test_a_report_waits_for_the_ordinary_events_that_are_just_being_stored() -> None:
    sender = Sender(an_organization(), "router")
    report = threading.Thread(target=file_a_report, args=(sender,))
    with transaction.atomic():
        deliver(sender, task_id="T2")
        report.start()
        report.join(0.3)
        assert report.is_alive()
    report.join(10)
    assert not report.is_alive()
