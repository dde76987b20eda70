"""Lets a person sign in again who was locked out by wrong passwords."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from logs import interface
from orgo_audit.accounts import lockout
from orgo_audit.accounts.people import get_user
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Forgets the wrong passwords that were counted against NAME, so that this person can sign"
        " in at once. A network address that they locked opens with them; one that wrong passwords"
        " for other names locked opens again after 15 minutes by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the person's user name")

    @transaction.atomic
    def handle(self, *args: Any, name: str, **options: Any) -> None:
        try:
            user = get_user(name)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        if not lockout.unlock(name):
            self.stdout.write(f"nothing was counted against {name}")
            return
        told = {"person": name}
        interface.report_account("Sign-in Unlocked", user, None, told, by=recorded_operator())
        self.stdout.write(f"{name} can sign in again")
