"""Door of the pipeline's test: sends one marked mail and names the stage at which it got lost."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.sample_workflow.following import STAGES, TEST_MAIL, Follower, NotAllowedToFollow
from monitoring.sample_workflow.mail_door import HOST
from monitoring.sample_workflow.sending import HOW_TO_START, DoorClosed, MailSender
from orgo_audit.embedded import paths

TOKEN_FILE = "sample_read_token"  # noqa: S105  # a file's name
TIMEOUT_SECONDS = 30.0


class Command(BaseCommand):
    help = (
        "Sends a test mail and follows it through every stage by the public API, with the token in "
        f"ORGO_HOME/secrets/{TOKEN_FILE}. Exit code 1 and the missing stage if it gets lost."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout",
            type=float,
            default=TIMEOUT_SECONDS,
            help="in seconds (default: %(default)g)",
        )

    def handle(self, *args: object, timeout: float, **options: object) -> None:
        email_id = _send()
        seen: list[str] = []
        follower = Follower(settings.ORGO_PUBLIC_URL, _token())
        try:
            for stage in follower.follow(email_id, timeout):
                seen.append(stage)
                self.stdout.write(f"{stage}: seen")
        except NotAllowedToFollow as fault:
            raise CommandError("the portal does not accept the token of scope read") from fault
        finally:
            follower.close()
        if len(seen) < len(STAGES):
            missing = STAGES[len(seen)]
            self.stdout.write(f"{missing}: missing")
            raise CommandError(f"the test mail got lost: no `{missing}` in {timeout:g} seconds")


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


def _token() -> str:
    token = paths.read_secret(settings.ORGO_HOME, TOKEN_FILE)
    if not token:
        raise CommandError(
            f"{settings.ORGO_HOME / 'secrets' / TOKEN_FILE} is missing: `make up` makes it, or "
            "write a token of scope read into it"
        )
    return token
