"""Makes what a first start needs, and nothing twice: segments, policy, logins, tokens."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs import interface
from orgo_audit import people_changes, token_changes
from orgo_audit.accounts import secret_key
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.accounts.tokens import find_token
from orgo_audit.embedded import paths
from orgo_audit.embedded.secrets import keep_secret, private_folder, write_private
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator
from orgo_audit.policy import versions

DEFAULT_ORGANIZATION = "default"
SAMPLE_SERVICE = "sample_workflow"
CHANGED = "(its password was changed)"
SHORTEST_SECRET_KEY = 32
TOKEN_LIFETIME = timedelta(days=365)


class Command(BaseCommand):
    help = (
        "Makes what the embedded mode needs before its first start: this and the coming months'"
        " segments, the first policy, the organization `default`, one login per role and the sample"
        " workflow's tokens. What is there already stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--without-logins", action="store_true", help="no people, no tokens")
        parser.add_argument(
            "--accept-new-secret-key",
            action="store_true",
            help="ORGO_SECRET_KEY was changed: what only the old one knew is forgotten",
        )

    def handle(
        self, *args: Any, without_logins: bool, accept_new_secret_key: bool, **options: Any
    ) -> None:
        if len(settings.SECRET_KEY) < SHORTEST_SECRET_KEY:
            self.stderr.write(
                f"ORGO_SECRET_KEY has {len(settings.SECRET_KEY)} characters and can be guessed:"
                f" choose {SHORTEST_SECRET_KEY} or more at random"
            )
        is_new_key = self._make_secret_key_known(accept_new=accept_new_secret_key)
        interface.make_segments(timezone.now())
        organization = self._organization()
        if is_new_key:
            by = recorded_operator()
            interface.report_administration("Secret Key Replaced", organization, by, {})
        self._load_policy()
        if not without_logins:
            for role in Role:
                self._login(role, organization)
            self._token("sample_ingest_token", [Scope.INGEST], organization)
            self._token("sample_read_token", [Scope.READ], organization)
        interface.sync_grants()

    def _make_secret_key_known(self, *, accept_new: bool) -> bool:
        """Whether another key was known before. One that nobody accepted ends the start."""
        is_new_key = secret_key.is_known() is False
        if is_new_key and not accept_new:
            raise CommandError(
                f"{secret_key.AnotherSecretKey().full_sentence} If it is lost for good:"
                " --accept-new-secret-key. Then nobody is signed in any more, recovery codes are"
                " void, and later events of tasks and mails that are known as sensitive are stored"
                " as ordinary ones, unless they are sensitive by themselves."
            )
        secret_key.make_known()
        return is_new_key

    def _load_policy(self) -> None:
        """A first policy that cannot be used ends the start; a later one changes nothing."""
        try:
            interface.load_policy(settings.ORGO_POLICY)
        except OrgoError as error:
            raise CommandError(f"{settings.ORGO_POLICY}: {error.sentence}") from None
        if broken := versions.unusable():
            problem = f"{settings.ORGO_POLICY}: {broken.problem}"
            if versions.in_force() is None:
                raise CommandError(problem)
            self.stderr.write(f"the old policy stays in force. {problem}")

    def _organization(self) -> Organization:
        found = Organization.objects.filter(slug=DEFAULT_ORGANIZATION).first()
        by = recorded_operator()
        return found or people_changes.create_organization(DEFAULT_ORGANIZATION, by=by)

    def _login(self, role: Role, organization: Organization) -> None:
        """A login named like its role. Its password is kept first: no start can lose it."""
        password = keep_secret(settings.ORGO_HOME, f"login_{role.value}")
        user = User.objects.filter(username=role.value).first()
        if user is None:
            people_changes.create_user(
                role.value,
                role=role,
                organization=organization,
                password=password,
                by=recorded_operator(),
            )
        elif not user.check_password(password):
            folder = paths.secrets_folder(settings.ORGO_HOME)
            write_private(folder / f"login_{role.value}", CHANGED)

    def _token(self, file: str, scopes: list[Scope], organization: Organization) -> None:
        kept = paths.read_secret(settings.ORGO_HOME, file)
        if kept and find_token(kept):
            return
        made = token_changes.create(
            SAMPLE_SERVICE,
            organization,
            scopes,
            expires_at=timezone.now() + TOKEN_LIFETIME,
            by=recorded_operator(),
        )
        write_private(private_folder(paths.secrets_folder(settings.ORGO_HOME)) / file, made.text)
