"""Door of the sample workflow's SMTP server: reads settings, serves until it is told to stop."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.sample_workflow.mail_door import DoorSettings, MailDoor
from orgo_audit.embedded import paths

TOKEN_FILE = "sample_ingest_token"  # noqa: S105  # a file's name


class Command(BaseCommand):
    help = (
        "Takes mails by SMTP on 127.0.0.1:ORGO_MAIL_PORT and runs the sample workflow on them. "
        f"Its token is the file ORGO_HOME/secrets/{TOKEN_FILE}. Stops on SIGTERM or Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.ORGO_MAIL_PORT)

    def handle(self, *args: object, port: int, **options: object) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        door = MailDoor(
            DoorSettings(
                folder=settings.ORGO_HOME / "mail",
                port=port,
                portal_url=settings.ORGO_PUBLIC_URL,
                token=_token(),
            )
        )
        self.stderr.write(f"mail door: 127.0.0.1:{port}")
        try:
            door.serve_until(stopping)
        except OSError as fault:
            raise CommandError(
                f"the mail door cannot open port {port}: {fault.strerror}"
            ) from fault


def _token() -> str:
    token = paths.read_secret(settings.ORGO_HOME, TOKEN_FILE)
    if not token:
        raise CommandError(
            f"{settings.ORGO_HOME / 'secrets' / TOKEN_FILE} is missing: `make up` makes it, or "
            "write the output of `manage.py create_token sample_workflow --organization default "
            "--scope ingest` into it"
        )
    return token
