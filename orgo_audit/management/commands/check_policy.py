"""The operator's door to the policy: validates, shows, accepts; decides nothing by itself."""

from __future__ import annotations

import io
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, transaction
from django.utils import timezone
from ruamel.yaml import YAML

from logs import interface
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Conflict, PolicyError, Unavailable
from orgo_audit.operators import recorded_operator
from orgo_audit.policy import versions
from orgo_audit.policy.changes import Consequence, consequences
from orgo_audit.policy.contradictions import suggestion
from orgo_audit.policy.loading import load_policy, read_policy_file
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.nodes import decode
from orgo_audit.policy.regimes import notes
from orgo_audit.policy.schema import OrganizationPolicy, Policy, as_plain


class Command(BaseCommand):
    help = (
        "Validates the policy file and prints the policy that it makes, for each organization; "
        "shows what waits for a decision. Exit code 1, and FILE:LINE:COLUMN: SENTENCE on stderr, "
        "if the file cannot be used."
    )
    # A file can be checked where there is no database.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help=f"default: {settings.ORGO_POLICY}", metavar="FILE"
        )
        parser.add_argument(
            "--accept", action="store_true", help="load the file and accept what waits"
        )

    def handle(self, *, file: Path | None, accept: bool, **_: object) -> None:
        path = file or settings.ORGO_POLICY
        policy = self._validated(path)
        self._print_policy(path, policy)
        try:
            self._note_strangers(policy)
            if accept:
                self._accept(path)
            else:
                self._print_in_force()
                self._print_waiting()
                self._print_changes(path, policy)
        except DatabaseError:
            self._note("the database cannot be reached or is not set up; only the file was checked")
            if accept:
                sys.exit(1)

    def _validated(self, path: Path) -> Policy:
        try:
            return load_policy(decode(read_policy_file(path), name=path.name), name=path.name)
        except PolicyError as error:
            self._refuse(path, error)

    def _refuse(self, path: Path, error: PolicyError) -> NoReturn:
        place = f"{path}:{max(error.line, 1)}:{max(error.column, 1)}"
        self.stderr.write(f"{place}: {error.placed_sentence}")
        sys.exit(1)

    def _print_policy(self, path: Path, policy: Policy) -> None:
        self.stdout.write(f"# what {path} says, for")
        self._print_rules(
            "every organization without rules of its own", policy.for_organization("")
        )
        for slug, rules in policy.organizations.items():
            self._print_rules(f"organization {slug}", rules)

    def _print_rules(self, title: str, rules: OrganizationPolicy) -> None:
        self.stdout.write(f"# {title}\n{_as_yaml(rules)}")
        for note in notes(rules):
            self.stdout.write(f"# {note}")

    def _note_strangers(self, policy: Policy) -> None:
        """A slip in a slug would leave the organization without its rules."""
        known = list(Organization.objects.values_list("slug", flat=True).order_by("slug"))
        for slug in policy.organizations:
            if slug not in known:
                self._note(f"there is no organization {slug} (yet); {suggestion(slug, known)}")

    def _print_in_force(self) -> None:
        version = versions.in_force()
        if version is None:
            self.stdout.write("# no policy is in force yet: the shipped defaults hold")
        else:
            self.stdout.write(
                f"# version {version.pk} is in force since {version.decided_at:%c} UTC"
            )

    def _print_waiting(self) -> None:
        version = versions.waiting()
        if version is None:
            return
        self.stdout.write(f"# version {version.pk} waits; accepting it would mean:")
        self._print_consequences(version)
        self.stdout.write(version.diff)
        self._note("check_policy --accept loads the file and accepts what waits")

    def _print_consequences(self, version: PolicyVersion) -> None:
        for found in version.consequences:
            self.stdout.write(f"# {found['kind']}: {Consequence(**found)}")
        if policy := versions.readable_policy(version):
            self._print_destruction(policy)

    def _print_destruction(self, policy: Policy) -> None:
        try:
            for line in interface.described_destruction(policy, now=timezone.now()):
                self.stdout.write(f"# would destroy earlier: {line}")
        except Unavailable as problem:
            self._note(f"what it would destroy earlier cannot be told: {problem}")

    def _print_changes(self, path: Path, policy: Policy) -> None:
        """What loading the file would make wait, for one that was not loaded yet."""
        if versions.in_force() is None or versions.waiting() is not None:
            return
        if refused := versions.refused_by_a_person(path):
            self.stdout.write(f"# {_told(refused)}")
            return
        try:
            found = consequences(versions.current(), policy)
        except Unavailable as problem:
            self._note(f"loading this file would wait for a decision: {problem}")
            return
        if not found:
            return
        self.stdout.write("# loading this file would wait for a decision; it would mean:")
        for consequence in found:
            self.stdout.write(f"# {consequence.kind}: {consequence}")
        self._print_destruction(policy)

    def _accept(self, path: Path) -> None:
        if path.resolve() != settings.ORGO_POLICY.resolve():
            self._note(f"the portal watches {settings.ORGO_POLICY} and will load that file again")
        try:
            with transaction.atomic():
                version = interface.load_policy(path)
                waits = versions.waiting()
                if waits is not None:
                    self._print_consequences(waits)
                    version = interface.accept_policy(waits.pk, recorded_operator())
                interface.sync_grants()
        except (Conflict, PolicyError) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        self._report(path, version)

    def _report(self, path: Path, version: PolicyVersion | None) -> None:
        if version is None and (refused := versions.refused_by_a_person(path)):
            self.stderr.write(_told(refused))
            sys.exit(1)
        if version is None:
            self._note("nothing waits")
        elif version.state == PolicyState.ACCEPTED:
            self._note(f"version {version.pk} is in force")
        else:  # the file was broken after it had been validated
            self.stderr.write(version.problem)
            sys.exit(1)

    def _note(self, sentence: str) -> None:
        self.stderr.write(sentence)


def _told(refused: PolicyVersion) -> str:
    return (
        f"this text was refused as version {refused.pk} by {refused.decided_by};"
        " change the file to ask again"
    )


def _as_yaml(rules: OrganizationPolicy) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # short lists and mappings on one line
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    yaml.width = 100
    text = io.StringIO()
    yaml.dump(as_plain(rules), text)
    return text.getvalue()
