"""Takes one mail from receipt to a completed task; never tells of a sensitive mail in the open.

Each stage is one event, sent when it happens. A mail is parsed before its first event, because only
then is it known whether it is sensitive. Ordinary events carry mailbox addresses and no subject or
text; sensitive ones carry the reporter under `identities`, which the portal seals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from monitoring.sample_workflow.mail import Mail, Reason, normalised_address
from monitoring.sample_workflow.reporter import ACTIVITY, ERROR, Receipt
from monitoring.sample_workflow.routing import Route, is_ours, route, route_unread
from monitoring.sample_workflow.spool import Outcome, Spool, SpooledMail, Stages

Fields = dict[str, object]
Stage = tuple[str, Fields]

PARSING_FAILED = "Email Parsing Failed"
EVENT_REFUSED = "Event Refused"
WORKFLOW_FAILED = "Workflow Failed"
SUCCESS = "Success"


class Delivers(Protocol):
    """Where events go."""

    def deliver(self, log: str, body: bytes, idempotency_key: str) -> Receipt: ...


class Parses(Protocol):
    """Who reads mails."""

    def read(self, raw: bytes) -> Mail | Reason: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def wire_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def task_id_of(email_id: str) -> str:
    """A mail's task always has the same id, so that a restart cannot make a second one."""
    return f"task-{email_id.removeprefix('mail-')}"


class SampleWorkflow:
    """The workflow of one worker: a spool, a parser and a line to the portal."""

    def __init__(
        self,
        spool: Spool,
        parser: Parses,
        reporter: Delivers,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._spool = spool
        self._parser = parser
        self._reporter = reporter
        self._now = now

    def process(self, email_id: str) -> Outcome:
        """Exactly one task or one error event; `Stopped` leaves the mail to the next start."""
        if known := self._spool.outcome(email_id):
            self._spool.finish(email_id, known)
            return known
        spooled = self._spool.load(email_id)
        mail = self._parser.read(spooled.raw)
        if isinstance(mail, Mail):
            outcome = self._task(spooled, mail)
        else:
            outcome = self._refuse(spooled, mail)
        self._spool.finish(email_id, outcome)
        return outcome

    def give_up(self, email_id: str) -> Outcome:
        """The end of a mail that this program itself cannot handle: its one error event says so."""
        spooled = self._spool.load(email_id)
        where = route_unread(spooled.raw, spooled.envelope.recipients)
        outcome = self._error(spooled, _context(email_id, where), WORKFLOW_FAILED, WORKFLOW_FAILED)
        self._spool.finish(email_id, outcome)
        return outcome

    def _task(self, spooled: SpooledMail, mail: Mail) -> Outcome:
        where = route(mail, spooled.envelope.recipients)
        context = _context(spooled.email_id, where) | (
            {"source": "health_check"} if mail.is_test else {}
        )
        if where.is_sensitive:
            context["identities"] = {"reporter": mail.sender}
        for stage in _stages(spooled, mail, where):
            refusal = self._say(spooled, stage, context)
            if refusal:
                return self._error(spooled, context, EVENT_REFUSED, refusal)
        return Outcome(task_id=task_id_of(spooled.email_id))

    def _refuse(self, spooled: SpooledMail, reason: Reason) -> Outcome:
        where = route_unread(spooled.raw, spooled.envelope.recipients)
        context = _context(spooled.email_id, where)
        self._say(spooled, _received(spooled, normalised_address(spooled.envelope.sender)), context)
        return self._error(spooled, context, PARSING_FAILED, reason.value)

    def _say(self, spooled: SpooledMail, stage: Stage, context: Fields) -> str:
        """Sends one stage; returns the portal's code if it refused it."""
        action, fields = stage
        event = {"timestamp": wire_time(self._now()), "action": action} | fields | context
        return self._deliver(spooled.email_id, ACTIVITY, action, event)

    def _error(self, spooled: SpooledMail, context: Fields, error: str, reason: str) -> Outcome:
        about = {"error": error, "email_id": spooled.email_id, "reason": reason}
        event = {"timestamp": wire_time(self._now())} | about | context
        self._deliver(spooled.email_id, ERROR, "error", event)
        return Outcome(error=reason)

    def _deliver(self, email_id: str, log: str, stage: str, event: Fields) -> str:
        stages: Stages = self._spool.stages(email_id)
        body = stages.event(stage) or stages.keep(stage, event)
        return self._reporter.deliver(log, body, f"{email_id}:{stage}").refusal


def _context(email_id: str, where: Route) -> Fields:
    """What every event of this mail carries."""
    if not where.is_sensitive:
        return {}
    return {"workflow": where.workflow, "case_id": f"H-{email_id.removeprefix('mail-')}"}


def _stages(spooled: SpooledMail, mail: Mail, where: Route) -> Iterator[Stage]:
    task: Fields = {"task_id": task_id_of(spooled.email_id), "workflow": where.workflow}
    email: Fields = {"email_id": spooled.email_id}
    yield _received(spooled, mail.sender)
    yield "Email Parsed", email | {"status": SUCCESS}
    yield "Task Created", task | email | {"status": SUCCESS}
    if where.is_sensitive:
        yield "Report Filed", task | email | {"status": SUCCESS}
    yield "Task Routed", task | {"from": "email_parser", "to": where.queue, "status": SUCCESS}
    if where.escalates_to:
        yield (
            "Task Escalated",
            task | {"from": where.mailbox, "to": where.escalates_to, "status": SUCCESS},
        )
    yield "Task Completed", task | {"from": where.queue, "status": SUCCESS}


def _received(spooled: SpooledMail, sender: str) -> Stage:
    """Told with the time at which the door took the mail, not the time at which it is said."""
    envelope = spooled.envelope
    mailbox = next(
        filter(is_ours, envelope.recipients), envelope.recipients[0] if envelope.recipients else ""
    )
    addresses = {"from": sender, "to": normalised_address(mailbox)}
    fields: Fields = {"timestamp": envelope.received_at, "email_id": spooled.email_id}
    return "Email Received", fields | {key: one for key, one in addresses.items() if one} | {
        "status": SUCCESS
    }


def report_undelivered(
    reporter: Delivers, email_id: str, reason: str, now: Callable[[], datetime] = utc_now
) -> Outcome:
    """The one error event of a mail that the door did not take."""
    event = {
        "timestamp": wire_time(now()),
        "error": PARSING_FAILED,
        "email_id": email_id,
        "reason": reason,
    }
    reporter.deliver(ERROR, json.dumps(event).encode(), f"{email_id}:error")
    return Outcome(error=reason)
