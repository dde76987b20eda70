"""Door of the pipeline's test: follows a test mail, and the alert about a task that waits."""

from __future__ import annotations

import time
from argparse import ArgumentParser

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.sample_workflow.alarm import ALERT, DelayedTask
from monitoring.sample_workflow.following import STAGES, TEST_MAIL, Follower, NotAllowedToFollow
from monitoring.sample_workflow.mail_door import HOST
from monitoring.sample_workflow.sending import HOW_TO_START, DoorClosed, MailSender
from orgo_audit.embedded import paths

READ_TOKEN = "sample_read_token"  # noqa: S105  # a file's name
INGEST_TOKEN = "sample_ingest_token"  # noqa: S105
TIMEOUT_SECONDS = 30.0
# An alert leaves within a minute of its cause.
ALERT_SECONDS = 90.0
OPEN = frozenset({"firing", "escalated", "acknowledged", "silenced"})


class Command(BaseCommand):
    help = (
        "Sends a test mail and follows it through every stage by the public API, with the tokens in"
        f" ORGO_HOME/secrets/{READ_TOKEN} and {INGEST_TOKEN}. Exit code 1 and the missing stage if"
        " it gets lost. With --alerts it also delays a task of its own: the alert has to fire, to"
        " reach people (who are really told) and to resolve once the task is completed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout",
            type=float,
            default=TIMEOUT_SECONDS,
            help="for a stage of the mail, in seconds (default: %(default)g)",
        )
        parser.add_argument("--alerts", action="store_true", help="test an alert as well")

    def handle(self, *args: object, timeout: float, alerts: bool, **options: object) -> None:
        try:
            self._follow_mail(timeout)
            if alerts:
                self._follow_alert()
        except NotAllowedToFollow as fault:
            raise CommandError("the portal does not accept the tokens") from fault

    def _follow_mail(self, timeout: float) -> None:
        email_id = _send()
        seen: list[str] = []
        follower = Follower(settings.ORGO_PUBLIC_URL, _token(READ_TOKEN))
        try:
            for stage in follower.follow(email_id, timeout):
                seen.append(stage)
                self.stdout.write(f"{stage}: seen")
        finally:
            follower.close()
        if len(seen) < len(STAGES):
            missing = STAGES[len(seen)]
            self.stdout.write(f"{missing}: missing")
            raise CommandError(f"the test mail got lost: no `{missing}` in {timeout:g} seconds")

    def _follow_alert(self) -> None:
        task = DelayedTask(settings.ORGO_PUBLIC_URL, _token(INGEST_TOKEN), _token(READ_TOKEN))
        try:
            self._delay(task)
        except httpx.TransportError as fault:
            raise CommandError("the portal stopped answering") from fault
        finally:
            task.close()

    def _delay(self, task: DelayedTask) -> None:
        began = time.monotonic()
        task.begin()
        try:
            if task.alert_in(OPEN, ALERT_SECONDS) is None:
                self.stdout.write(f"{ALERT}: missing")
                raise CommandError(f"no alert about the delayed task in {ALERT_SECONDS:g} seconds")
            self.stdout.write(f"{ALERT}: fired after {time.monotonic() - began:.0f} s")
            tries = task.tries(ALERT_SECONDS)
            for one in tries:
                self.stdout.write(f"told {one}")
            if any(one.outcome == "sent" for one in tries):
                self.stdout.write(f"people were told after {time.monotonic() - began:.0f} s")
        finally:
            task.end()
        if task.alert_in(frozenset({"resolved"}), ALERT_SECONDS) is None:
            raise CommandError("the alert did not resolve although the task was completed")
        self.stdout.write(f"{ALERT}: resolved")
        if not any(one.outcome == "sent" for one in tries):
            raise CommandError("nobody was told about the alert")


def _send() -> str:
    try:
        with MailSender(HOST, settings.ORGO_MAIL_PORT) as sender:
            sent = sender.send(TEST_MAIL)
    except DoorClosed as fault:
        raise CommandError(
            f"{STAGES[0]}: missing; the mail door does not answer at "
            f"{HOST}:{settings.ORGO_MAIL_PORT}: {HOW_TO_START}"
        ) from fault
    if not sent.email_id:
        raise CommandError(f"{STAGES[0]}: missing; the mail door refused the test mail")
    return sent.email_id


def _token(file: str) -> str:
    token = paths.read_secret(settings.ORGO_HOME, file)
    if not token:
        raise CommandError(
            f"{settings.ORGO_HOME / 'secrets' / file} is missing: `make up` makes it, or "
            "write a token into it"
        )
    return token
