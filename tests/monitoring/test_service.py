"""One mail through all stages: what the portal hears, once each, and what it never hears."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.sample_workflow.mail import Mail, MailRefused, Reason, read_mail
from monitoring.sample_workflow.reporter import Reporter, Stopped
from monitoring.sample_workflow.service import SampleWorkflow, task_id_of
from monitoring.sample_workflow.spool import Envelope, Outcome, Spool
from tests.monitoring.portal_fake import TOKEN, Portal, a_portal

RAW = b"From: Ann <ann@example.org>\r\nSubject: %s\r\n\r\nsecret words\r\n"


class InProcess:
    """Reads mails without a child."""

    def read(self, raw: bytes) -> Mail | Reason:
        try:
            return read_mail(raw)
        except MailRefused as refusal:
            return refusal.reason


@pytest.fixture
def portal() -> Iterator[Portal]:
    with a_portal() as portal:
        yield portal


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def keep(spool: Spool, raw: bytes, to: str = "maintenance@organization.com") -> str:
    return spool.keep(Envelope("ann@example.org", (to,), "2024-11-25T09:00:00Z"), raw)


def process(
    spool: Spool, portal: Portal, email_id: str, stopping: threading.Event | None = None
) -> Outcome:
    reporter = Reporter(portal.url, TOKEN, stopping or threading.Event())
    try:
        return SampleWorkflow(spool, InProcess(), reporter).process(email_id)
    finally:
        reporter.close()


def test_an_urgent_mail_says_every_stage_once_and_in_order(spool: Spool, portal: Portal) -> None:
    email_id = keep(spool, RAW % b"Urgent: leak")
    outcome = process(spool, portal, email_id)
    assert outcome == Outcome(task_id=task_id_of(email_id)) == spool.outcome(email_id)
    assert portal.actions() == [
        "Email Received",
        "Email Parsed",
        "Task Created",
        "Task Routed",
        "Task Escalated",
        "Task Completed",
    ]
    received, parsed, created, routed, escalated, completed = portal.events()
    assert received == {
        "timestamp": "2024-11-25T09:00:00Z",
        "action": "Email Received",
        "email_id": email_id,
        "from": "ann@example.org",
        "to": "maintenance@organization.com",
        "status": "Success",
    }
    assert "task_id" not in parsed
    assert (created["task_id"], created["email_id"]) == (outcome.task_id, email_id)
    assert (routed["from"], routed["to"]) == ("email_parser", "maintenance_queue")
    assert escalated["to"] == "supervisor@organization.com"
    assert completed["workflow"] == "maintenance"
    assert spool.waiting() == []


def test_no_ordinary_event_carries_subject_or_text(spool: Spool, portal: Portal) -> None:
    process(spool, portal, keep(spool, RAW % b"Urgent: leak"))
    process(spool, portal, keep(spool, b"Subject: leak\r\n\r\nsecret words"))
    said = json.dumps(portal.stored)
    assert "leak" not in said
    assert "secret" not in said


def test_a_malformed_mail_is_received_and_then_one_error_event(
    spool: Spool, portal: Portal
) -> None:
    email_id = keep(spool, b"no header")
    assert process(spool, portal, email_id) == Outcome(error="Malformed Header")
    (error,) = portal.events("error-logs")
    assert error.pop("timestamp")
    assert error == {
        "error": "Email Parsing Failed",
        "email_id": email_id,
        "reason": "Malformed Header",
    }
    assert portal.actions() == ["Email Received", "Email Parsing Failed"]


@pytest.mark.parametrize("raw", [RAW % b"Urgent", b"To: harassment@organization.com\nbroken"])
def test_every_event_of_a_sensitive_mail_says_so(spool: Spool, portal: Portal, raw: bytes) -> None:
    process(spool, portal, keep(spool, raw, to="harassment@organization.com"))
    assert portal.stored
    for _, event in portal.stored:
        assert event["workflow"] == "harassment"
        assert str(event["case_id"]).startswith("H-")


def test_a_sensitive_report_is_filed_with_its_reporter(spool: Spool, portal: Portal) -> None:
    process(spool, portal, keep(spool, RAW % b"x", to="harassment@organization.com"))
    assert "Report Filed" in portal.actions()
    assert all(event["identities"] == {"reporter": "ann@example.org"} for event in portal.events())


def test_a_health_check_is_marked_in_every_event(spool: Spool, portal: Portal) -> None:
    process(spool, portal, keep(spool, b"X-Orgo-Test: health_check\r\n" + RAW % b"x"))
    assert {event["source"] for event in portal.events()} == {"health_check"}


def test_busy_answers_and_lost_ones_are_retried_without_doubles(
    spool: Spool, portal: Portal
) -> None:
    portal.sick = [(503, {}), (429, {"Retry-After": "1"}), (401, {})]
    portal.lost_answers = 2
    process(spool, portal, keep(spool, RAW % b"x"))
    assert len(portal.actions()) == len(set(map(str, portal.actions()))) == 5
    assert portal.tries >= 8


def test_a_refused_event_ends_the_mail_in_one_error_event(spool: Spool, portal: Portal) -> None:
    portal.refused_action = "Task Routed"
    assert process(spool, portal, keep(spool, RAW % b"x")) == Outcome(error="bad_field")
    assert portal.actions() == ["Email Received", "Email Parsed", "Task Created", "Event Refused"]


def test_a_restart_goes_on_where_the_last_process_stopped(spool: Spool, portal: Portal) -> None:
    email_id = keep(spool, RAW % b"x")
    stopping = threading.Event()
    stopping.set()
    portal.sick = [(503, {})]
    with pytest.raises(Stopped):
        process(spool, portal, email_id, stopping)
    assert spool.waiting() == [email_id]
    portal.lost_answers = 1
    with pytest.raises(Stopped):
        process(spool, portal, email_id, stopping)
    process(spool, portal, email_id)
    assert portal.actions().count("Email Received") == 1
    assert len(portal.actions()) == 5


def test_a_line_that_was_torn_by_a_crash_is_forgotten(spool: Spool, tmp_path: Path) -> None:
    spool.stages("mail-1").keep("Email Received", {"action": "Email Received"})
    with (tmp_path / "stages" / "mail-1").open("ab") as file:
        file.write(b'["Email Par')
    stages = spool.stages("mail-1")
    assert stages.event("Email Received")
    stages.keep("Email Parsed", {"action": "Email Parsed"})
    assert spool.stages("mail-1").event("Email Parsed")
