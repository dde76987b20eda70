"""`run_vault`: the vault's own process."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from logs.vault import process
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Runs the vault: takes sensitive events out of the inbox, writes what HR may see of them,"
        " and answers the portal's questions. Listens on no port. Ends on Ctrl-C or SIGTERM."
        " Needs the vault's login, its key (ORGO_VAULT_KEY) and its keyring (ORGO_VAULT_KEYRING)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            process.run(stopped, self.stderr.write)
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
