"""Door of `backup`: says where what was saved, and what else has to be."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring import backups
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Saves the record (all of the database but the keys) as a new file in RECORD and, with"
        " --keys, the newest copy of the vault's keys, keyring and list of erasures in another"
        " folder, in place of the copy before. Needs the owner's login. Not in it: the secrets and"
        " the settings (docs/operations.md says which)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("record", type=Path, metavar="RECORD", help="a folder")
        parser.add_argument(
            "--keys", type=Path, metavar="KEYS", help="another folder, best on another machine"
        )

    def handle(self, *args: object, record: Path, keys: Path | None, **options: object) -> None:
        if keys is not None and keys.resolve() == record.resolve():
            raise CommandError("keys and record belong apart: who has both can read all of it")
        try:
            self.stderr.write("saving the record …", style_func=str)
            path, manifest = backups.dump_record(record, timezone.now())
            self.stdout.write(f"{path}\t{manifest.rows} rows in {len(manifest.tables)} tables")
            if keys is not None:
                backups.dump_keys(keys)
                self.stdout.write(f"{keys / backups.KEYS_DUMP}\tthe newest keys")
        except (OrgoError, OSError) as error:
            raise CommandError(str(error)) from error
        if keys is None:
            self.stderr.write("without --keys: what is sealed cannot be read from this alone")
