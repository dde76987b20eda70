"""Makes what a first start needs, and nothing twice: segments, policy, logins, tokens."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs import interface
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.accounts.people import create_organization, create_user
from orgo_audit.accounts.tokens import create_token, find_token
from orgo_audit.embedded import paths
from orgo_audit.embedded.secrets import keep_secret, private_folder, write_private
from orgo_audit.errors import OrgoError
from orgo_audit.policy import versions

DEFAULT_ORGANIZATION = "default"
SAMPLE_SERVICE = "sample_workflow"
CHANGED = "(its password was changed)"
TOKEN_LIFETIME = timedelta(days=365)


class Command(BaseCommand):
    help = (
        "Makes what the embedded mode needs before its first start: this and the coming months'"
        " segments, the first policy, the organization `default`, one login per role and the sample"
        " workflow's tokens. What is there already stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--without-logins", action="store_true", help="no people, no tokens")

    def handle(self, *args: Any, without_logins: bool, **options: Any) -> None:
        interface.make_segments(timezone.now())
        organization = self._organization()
        self._load_policy()
        if not without_logins:
            for role in Role:
                self._login(role, organization)
            self._token("sample_ingest_token", [Scope.INGEST], organization)
            self._token("sample_read_token", [Scope.READ], organization)
        interface.sync_grants()

    def _load_policy(self) -> None:
        """A first policy that cannot be used ends the start; a later one changes nothing."""
        try:
            interface.load_policy(settings.ORGO_POLICY)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        if broken := versions.unusable():
            problem = f"{settings.ORGO_POLICY}: {broken.problem}"
            if versions.in_force() is None:
                raise CommandError(problem)
            self.stderr.write(f"the old policy stays in force. {problem}")

    def _organization(self) -> Organization:
        found = Organization.objects.filter(slug=DEFAULT_ORGANIZATION).first()
        return found or create_organization(DEFAULT_ORGANIZATION)

    def _login(self, role: Role, organization: Organization) -> None:
        """A login named like its role. Its password is kept first: no start can lose it."""
        password = keep_secret(settings.ORGO_HOME, f"login_{role.value}")
        user = User.objects.filter(username=role.value).first()
        if user is None:
            create_user(role.value, role=role, organization=organization, password=password)
        elif not user.check_password(password):
            folder = paths.secrets_folder(settings.ORGO_HOME)
            write_private(folder / f"login_{role.value}", CHANGED)

    def _token(self, file: str, scopes: list[Scope], organization: Organization) -> None:
        kept = paths.read_secret(settings.ORGO_HOME, file)
        if kept and find_token(kept):
            return
        expires_at = timezone.now() + TOKEN_LIFETIME
        made = create_token(SAMPLE_SERVICE, organization, scopes, expires_at=expires_at)
        write_private(private_folder(paths.secrets_folder(settings.ORGO_HOME)) / file, made.text)
