"""Makes a service's token and prints it, once."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from logs import interface
from orgo_audit.accounts.models import Scope
from orgo_audit.accounts.people import get_organization
from orgo_audit.accounts.tokens import create_token
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator
from orgo_audit.periods import Period, parse_period

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def scopes(text: str) -> list[Scope]:
    try:
        return [Scope(name) for name in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected one or more of {','.join(Scope.values)}") from None


def expiry(text: str) -> Period:
    """`90d`, or the policy's own way of saying it: `90 days`."""
    short = re.fullmatch(r"(\d+)([hdw])", text)
    try:
        return parse_period(f"{short[1]} {_UNITS[short[2]]}" if short else text)
    except OrgoError as error:
        raise ArgumentTypeError(f"{error.sentence}, or in short 12h, 90d, 8w") from None


class Command(BaseCommand):
    help = (
        "Makes a token for a service and prints it, and nothing else, on stdout. It is shown only"
        " this once; NAME becomes the `source` of the service's events."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the service, such as email_parser")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--scope", required=True, type=scopes, metavar="ingest[,read,alerts]", dest="scopes"
        )
        parser.add_argument(
            "--expires", type=expiry, default="90d", metavar="90d", help="default: 90d"
        )

    def handle(
        self,
        *args: Any,
        name: str,
        organization: str,
        scopes: list[Scope],
        expires: Period,
        **options: Any,
    ) -> None:
        try:
            tenant = get_organization(organization)
            expires_at = expires.after(timezone.now())
            with transaction.atomic():
                token = create_token(name, tenant, scopes, expires_at=expires_at)
                told = {"service": name, "scopes": [scope.value for scope in scopes]}
                interface.report_administration("Token Created", tenant, recorded_operator(), told)
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(token)
