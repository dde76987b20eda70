"""Takes a person's second factor away, for a lost phone."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from logs import interface
from orgo_audit.accounts import second_factor, sessions
from orgo_audit.accounts.people import get_user
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Takes a person's authenticator app and recovery codes away and ends the person's sessions;"
        " on record at once. Where the policy asks for a second factor, the next sign-in sets up a"
        " new one. Exit code 1 where there was none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name the person signs in with")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        try:
            person = get_user(name)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        with transaction.atomic():
            if not second_factor.remove(person):
                raise CommandError(f"{name} has no second factor; nothing was changed")
            ended = sessions.end(sessions.sessions_of(person, now=timezone.now()))
            told = {"person": name, "sessions_ended": ended}
            operator = recorded_operator()
            interface.report_account("Second Factor Reset", person, None, told, by=operator)
        self.stdout.write(f"{name} has no second factor any more; {ended} session(s) ended")
