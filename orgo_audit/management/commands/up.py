"""Door of `up`: reads the settings, hands over to the supervisor; starts nothing itself."""

from __future__ import annotations

from argparse import ArgumentParser

import environ
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orgo_audit import logins
from orgo_audit.embedded import environments
from orgo_audit.embedded.console import Progress
from orgo_audit.embedded.supervisor import Plan, Supervisor
from orgo_audit.errors import OrgoError

env = environ.FileAwareEnv()


class Command(BaseCommand):
    help = (
        "Runs everything on this machine: PostgreSQL, Valkey, web, worker, beat, mail door. Prints"
        " `ready: http://localhost:PORT` and the logins. Ctrl-C or SIGTERM stops all, exit code 0."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-sample", action="store_true", help="no sample workflow at start")

    def handle(self, *args: object, no_sample: bool, **options: object) -> None:
        try:
            plan = _plan(with_sample=not no_sample)
            Supervisor(plan, results=self.stdout, progress=Progress()).run()
        except OrgoError as error:
            raise CommandError(error.sentence) from error


def _plan(*, with_sample: bool) -> Plan:
    return Plan(
        home=settings.ORGO_HOME,
        port=settings.ORGO_PORT,
        mail_port=settings.ORGO_MAIL_PORT,
        urls=_given_urls(),
        with_valkey=not all(map(environments.is_given, ("REDIS_URL", "CELERY_BROKER_URL"))),
        with_sample=with_sample and env.str("ORGO_SAMPLE", default="1") != "0",
    )


def _given_urls() -> dict[str, str]:
    named = {login: env.str(environments.login_variable(login), "") for login in logins.LOGINS}
    given = {login: url for login, url in named.items() if url}
    if given and logins.OWNER not in given:
        raise CommandError("DATABASE_URL, the owner's, is needed beside the logins' own URLs.")
    return given
