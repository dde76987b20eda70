"""Door of `up`: reads the settings, hands over to the supervisor; starts nothing itself."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orgo_audit import logins, operator_settings
from orgo_audit.embedded.console import Progress
from orgo_audit.embedded.supervisor import Plan, Supervisor
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Runs everything on this machine: PostgreSQL, Valkey, web, worker, beat, mail door, vault."
        " Prints `ready: http://localhost:PORT`, where the API's documentation and the mail door"
        " are, and the logins. Ctrl-C or SIGTERM stops all, exit code 0."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-sample", action="store_true", help="no sample workflow at start")
        parser.add_argument(
            "--accept-new-secret-key", action="store_true", help="as `prepare` has it"
        )

    def handle(
        self, *args: object, no_sample: bool, accept_new_secret_key: bool, **options: object
    ) -> None:
        try:
            plan = _plan(with_sample=not no_sample, accepts_new_secret_key=accept_new_secret_key)
            Supervisor(plan, results=self.stdout, progress=Progress()).run()
        except OrgoError as error:
            raise CommandError(error.sentence) from error
        except OSError as error:
            place = error.filename or settings.ORGO_HOME
            raise CommandError(f"{place}: {error.strerror or error}") from error


def _plan(*, with_sample: bool, accepts_new_secret_key: bool) -> Plan:
    return Plan(
        home=settings.ORGO_HOME,
        port=settings.ORGO_PORT,
        mail_port=settings.ORGO_MAIL_PORT,
        public_url=settings.ORGO_PUBLIC_URL,
        urls=_given_urls(),
        with_valkey=not all(map(operator_settings.is_given, ("REDIS_URL", "CELERY_BROKER_URL"))),
        with_sample=with_sample and settings.ORGO_SAMPLE,
        accepts_new_secret_key=accepts_new_secret_key,
    )


def _given_urls() -> dict[str, str]:
    named = {login: operator_settings.given_database_url(login) for login in logins.LOGINS}
    given = {login: url for login, url in named.items() if url}
    if given and logins.OWNER not in given:
        raise CommandError("DATABASE_URL, the owner's, is needed beside the logins' own URLs.")
    return given
