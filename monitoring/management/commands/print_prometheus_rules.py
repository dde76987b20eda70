"""The operator's door to Prometheus's rules: makes them from a policy file, and no more."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.provisioning.rules_file import rules_file
from orgo_audit.errors import BadInput, PolicyError
from orgo_audit.policy.loading import load_policy, read_policy_file
from orgo_audit.policy.nodes import decode


class Command(BaseCommand):
    help = (
        "Prints the rules for Prometheus that the policy file makes. Exit code 1 if the file"
        " cannot be used."
    )
    # The file is made where there is no database.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help=f"default: {settings.ORGO_POLICY}", metavar="FILE"
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="write there instead of printing"
        )

    def handle(self, *, file: Path | None, output: Path | None, **_: object) -> None:
        text = _made(file or settings.ORGO_POLICY)
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}") from None
        self.stderr.write(f"{output} is written; Prometheus reads it after a reload")


def _made(path: Path) -> str:
    try:
        policy = load_policy(decode(read_policy_file(path), name=path.name), name=path.name)
        return rules_file(policy)
    except PolicyError as error:
        place = f"{path}:{max(error.line, 1)}:{max(error.column, 1)}"
        raise CommandError(f"{place}: {error.placed_sentence}") from None
    except BadInput as error:
        raise CommandError(f"{path}: {error.placed_sentence}") from None
