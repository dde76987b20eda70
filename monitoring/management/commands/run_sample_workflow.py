"""Door of the sample workflow: sends mails through the mail door and tells what became of each."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from monitoring.sample_workflow.mail_door import HOST
from monitoring.sample_workflow.mail_files import SHIPPED_MAILS, find_mails
from monitoring.sample_workflow.reporter import Reporter, is_alive
from monitoring.sample_workflow.sending import HOW_TO_START, DoorClosed, MailSender, Sent
from monitoring.sample_workflow.service import report_undelivered
from monitoring.sample_workflow.spool import Outcome, Spool, new_email_id
from orgo_audit.embedded import paths

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1
NO_OUTCOME = Outcome(error="No Outcome In Time")


@dataclass(slots=True)
class Fate:
    """One mail of this run and, in time, what became of it."""

    name: str
    email_id: str
    outcome: Outcome | None = None

    def __str__(self) -> str:
        outcome = self.outcome or NO_OUTCOME
        words = f"task {outcome.task_id}" if outcome.task_id else f"error {outcome.error}"
        return f"{self.name}\t{words}"


class Command(BaseCommand):
    help = (
        "Sends real mails by SMTP through parse, route, escalate and complete. Prints one line per "
        "mail: the file, then `task ID` or `error REASON`; then the counts. Exit code 0 if every "
        "mail is accounted for."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("places", nargs="*", type=Path, metavar="MAIL_OR_FOLDER")
        parser.add_argument(
            "--timeout",
            type=float,
            default=PATIENCE_SECONDS,
            help="give up when no mail was finished for so many seconds (default: %(default)s)",
        )

    def handle(self, *args: object, places: list[Path], timeout: float, **options: object) -> None:
        for place in places:
            if not place.exists():
                raise CommandError(f"{place}: there is no such file or folder")
        if not is_alive(settings.ORGO_PUBLIC_URL):
            raise CommandError(
                f"the portal does not answer at {settings.ORGO_PUBLIC_URL}: {HOW_TO_START}"
            )
        fates = _run(places or [SHIPPED_MAILS], timeout)
        for fate in fates:
            self.stdout.write(str(fate))
        self.stdout.write(_counts(fates))
        if not places:
            self.stderr.write("(an error for each mail named `malformed`: they are, on purpose)")
        if any(fate.outcome is None for fate in fates):
            raise CommandError("some mails had no outcome in time")


def _run(places: list[Path], timeout: float) -> list[Fate]:
    fates: list[Fate] = []
    with _progress() as bar:
        task = bar.add_task("mails", total=None)
        for fate in _send_all(places):
            fates.append(fate)
            bar.update(task, total=len(fates))
        spool = Spool(settings.ORGO_HOME / "mail")
        for finished in _watch(fates, spool, timeout):
            bar.update(task, completed=finished)
    return fates


def _send_all(places: list[Path]) -> Iterator[Fate]:
    try:
        with MailSender(HOST, settings.ORGO_MAIL_PORT) as sender:
            for mail in find_mails(places):
                yield _fate(mail.name, sender.send(mail.raw))
    except DoorClosed as fault:
        raise CommandError(
            f"the mail door does not answer at {HOST}:{settings.ORGO_MAIL_PORT}: {HOW_TO_START}"
        ) from fault


def _fate(name: str, sent: Sent) -> Fate:
    if sent.email_id:
        return Fate(name, sent.email_id)
    # The door never had this mail, so its one error event is told from here.
    email_id = new_email_id()
    token = paths.read_secret(settings.ORGO_HOME, "sample_ingest_token")
    reporter = Reporter(settings.ORGO_PUBLIC_URL, token, threading.Event())
    try:
        return Fate(name, email_id, report_undelivered(reporter, email_id, sent.refusal))
    finally:
        reporter.close()


def _watch(fates: list[Fate], spool: Spool, timeout: float) -> Iterator[int]:
    """How many mails are finished, until all are or nothing has happened for too long."""
    last_change = time.monotonic()
    finished = -1
    while finished < len(fates) and time.monotonic() - last_change < timeout:
        for fate in fates:
            fate.outcome = fate.outcome or spool.outcome(fate.email_id)
        count = sum(fate.outcome is not None for fate in fates)
        if count != finished:
            finished, last_change = count, time.monotonic()
            yield finished
        if finished < len(fates):
            time.sleep(POLL_SECONDS)


def _counts(fates: list[Fate]) -> str:
    tasks = sum(bool(fate.outcome and fate.outcome.task_id) for fate in fates)
    return f"{len(fates)} mails: {tasks} tasks, {len(fates) - tasks} errors"


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
