"""`confirm_custodian`: the operator vouches for a custodian's passkey."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from logs.cases.models import CustodianPasskey
from logs.vault import custodians, enrolment, keys, passkeys
from logs.vault.models import VaultPasskey
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator


class Command(BaseCommand):
    help = (
        "Confirms a custodian's passkey that no other custodian can confirm: the first ones of an"
        " organization. Compare the fingerprint with what the custodian reads aloud from the"
        " portal. Without an id, lists the passkeys that wait. Exit code 1: nothing was confirmed."
        " Needs the vault's login and its keyring (ORGO_VAULT_KEYRING)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("passkey", nargs="?", type=UUID, metavar="PASSKEY_ID")
        parser.add_argument("--yes", action="store_true", help="the fingerprint is compared")

    def handle(self, *args: Any, passkey: UUID | None, yes: bool, **options: Any) -> None:
        waiting = enrolment.waiting()
        if passkey is None:
            self._list(waiting)
            return
        chosen = [row for row in waiting if row.pk == passkey]
        if not chosen:
            raise CommandError("no such passkey waits for confirmation")
        self._list(chosen)
        if not yes and input("Does the custodian read the same fingerprint? [y/N] ") != "y":
            raise CommandError("nothing was confirmed")
        try:
            with keys.session() as own:
                enrolment.confirm_as_operator(passkey, recorded_operator(), own)
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        self.stdout.write("confirmed")

    def _list(self, rows: list[VaultPasskey]) -> None:
        users = names_of({row.user_id for row in rows})
        shown = CustodianPasskey.objects.in_bulk([row.pk for row in rows])
        for row in rows:
            told = (str(row.pk), row.organization.slug, users[row.user_id], shown[row.pk].name)
            self.stdout.write("  ".join(told))
            self.stdout.write(f"  {passkeys.fingerprint(custodians.as_passkey(row))}")
        if not rows:
            self.stdout.write("no passkey waits for confirmation")
