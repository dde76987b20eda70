"""`rotate_keys`: a new key-encryption key, and the end of the old one."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from logs.vault import rotation
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Wraps every living key of the vault under a new key-encryption key and destroys the old"
        " one: what older backups hold of erased people can never be opened again. The vault does"
        f" this by itself before {rotation.LONGEST_EPOCH.days} days have passed. Copy the keyring"
        " file afterwards, and destroy older copies. Interrupted, it goes on when called again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.now().date()
        try:
            ring = rotation.ensure_keyring(today)
            with Progress(console=Console(file=sys.stderr), transient=True) as progress:
                bar = progress.add_task("Wrapping keys", total=rotation.waiting(ring))
                count = rotation.rotate(today, lambda done: progress.update(bar, completed=done))
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        self.stdout.write(f"{count} keys are under the new epoch; the old one is destroyed")
