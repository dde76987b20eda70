"""Lists service tokens: whose, for what, how long, last used when. Never a token itself."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgo_audit.accounts.models import ServiceToken
from orgo_audit.accounts.people import get_organization
from orgo_audit.accounts.token_states import Row, row_of
from orgo_audit.errors import OrgoError

HEAD = ("ID", "NAME", "ORGANIZATION", "SCOPES", "CREATED", "LAST USED", "EXPIRES", "STATE")


class Command(BaseCommand):
    help = "Lists the service tokens, ended ones too. No token itself is shown: none is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="default: all")
        parser.add_argument("--json", action="store_true", help="one JSON array")

    def handle(self, *args: Any, organization: str | None, **options: Any) -> None:
        now = timezone.now()
        found = ServiceToken.objects.select_related("organization")
        try:
            if organization:
                found = found.filter(organization=get_organization(organization))
        except OrgoError as error:
            raise CommandError(error.sentence) from None
        rows = [row_of(token, now) for token in found.order_by("organization__slug", "name", "pk")]
        if options["json"]:
            self.stdout.write(json.dumps([as_json(row) for row in rows], indent=2))
        elif rows:
            self.stdout.write(table([HEAD, *map(cells, rows)]))
        else:
            self.stderr.write("There is no service token; create_token makes one.")


def cells(row: Row) -> tuple[str, ...]:
    token = row.token
    return (
        str(token.pk),
        token.name,
        token.organization.slug,
        ",".join(token.scopes),
        f"{token.created_at:%Y-%m-%d}",
        row.last_used,
        row.ends,
        row.state,
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart; the last one is not filled up."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def as_json(row: Row) -> dict[str, Any]:
    token = row.token
    return {
        "id": token.pk,
        "name": token.name,
        "organization": token.organization.slug,
        "scopes": token.scopes,
        "created_at": wire_time(token.created_at),
        "last_used_at": wire_time(token.last_used_at),
        "expires_at": wire_time(token.expires_at),
        "revoked_at": wire_time(token.revoked_at),
        "state": row.state,
    }


def wire_time(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
