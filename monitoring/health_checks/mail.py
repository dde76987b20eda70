"""Whether mail works: a conversation with the mail server, and a test mail through the pipeline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from smtplib import SMTPException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend

from monitoring.health_checks.base import Finding, Outcome, outcome_of
from monitoring.sample_workflow.following import STAGES, TEST_MAIL, Follower, NotAllowedToFollow
from monitoring.sample_workflow.mail_door import HOST
from monitoring.sample_workflow.sending import DoorClosed, MailSender
from orgo_audit.embedded import paths

PATIENCE_SECONDS = 60.0
TOKEN_FILE = "sample_read_token"  # noqa: S105  # a file's name


class Mail:
    name = "mail"
    verifies = "the mail server takes mail; a test mail becomes a completed task"

    def run(self, now: datetime) -> Outcome:
        return outcome_of([_conversation(), *_pipeline()])


def _conversation() -> Finding:
    """Up to the receiver, and taken back: no mail is sent."""
    if not settings.EMAIL_URL:
        return Finding("no mail server is set (EMAIL_URL): nobody is told by mail", None)
    began = time.perf_counter()
    try:
        with get_connection() as mail:
            if isinstance(mail, EmailBackend) and (problem := _refusal(mail)):
                return Finding(problem, is_well=False)
    except SMTPServerDisconnected:  # also whatever takes longer than EMAIL_TIMEOUT
        return Finding("the mail server hangs, or hangs up", is_well=False)
    except SMTPException as error:
        return Finding(f"the mail server refused us ({type(error).__name__})", is_well=False)
    except OSError:
        return Finding("the mail server cannot be reached", is_well=False)
    facts = {"smtp_ms": round(1000 * (time.perf_counter() - began))}
    return Finding("the mail server takes mail from us", facts=facts)


def _refusal(mail: EmailBackend) -> str:
    """What the server refused, if anything."""
    smtp, own = mail.connection, settings.DEFAULT_FROM_EMAIL
    if smtp is None:
        return "the mail server cannot be reached"
    smtp.ehlo_or_helo_if_needed()
    for command, (code, _) in (("MAIL", smtp.mail(own)), ("RCPT", smtp.rcpt(own))):
        if code >= 400:
            return f"the mail server refused {command} with {code}"
    smtp.rset()
    return ""


def _pipeline() -> Iterator[Finding]:
    """By the mail door and the public API, as an operator's test mail would."""
    token = paths.read_secret(settings.ORGO_HOME, TOKEN_FILE)
    if not token:
        yield Finding("no sample workflow here: no test mail was sent", None)
        return
    began = time.perf_counter()
    try:
        with MailSender(HOST, settings.ORGO_MAIL_PORT) as sender:
            sent = sender.send(TEST_MAIL)
    except DoorClosed:
        yield Finding("the mail door does not answer", is_well=False)
        return
    if not sent.email_id:
        yield Finding("the mail door refused the test mail", is_well=False)
        return
    yield _followed(sent.email_id, token, began)


def _followed(email_id: str, token: str, began: float) -> Finding:
    follower = Follower(settings.ORGO_PUBLIC_URL, token)
    try:
        seen = list(follower.follow(email_id, PATIENCE_SECONDS))
    except NotAllowedToFollow:
        return Finding("the portal does not accept the token of scope read", is_well=False)
    finally:
        follower.close()
    if len(seen) < len(STAGES):
        return Finding(f"the test mail got lost: no `{STAGES[len(seen)]}`", is_well=False)
    seconds = round(time.perf_counter() - began, 1)
    return Finding("the test mail became a completed task", facts={"pipeline_seconds": seconds})
