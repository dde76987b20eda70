"""What the token commands share: how scopes, periods and the token that is meant are typed."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime

from django.core.management.base import CommandError

from orgo_audit.accounts.models import Scope, ServiceToken
from orgo_audit.accounts.people import get_organization
from orgo_audit.accounts.tokens import choose_tokens
from orgo_audit.errors import NotFound, OrgoError
from orgo_audit.periods import Period, parse_period

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def scopes(text: str) -> list[Scope]:
    try:
        return [Scope(name) for name in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected one or more of {','.join(Scope.values)}") from None


def period(text: str) -> Period:
    """`90d`, or the policy's own way of saying it: `90 days`."""
    short = re.fullmatch(r"([0-9]{1,8})([hdw])", text)
    try:
        return parse_period(f"{short[1]} {_UNITS[short[2]]}" if short else text)
    except OrgoError as error:
        raise ArgumentTypeError(f"{error.sentence}, or in short 12h, 90d, 8w") from None


def overlap(text: str) -> Period | None:
    """A period; nothing for `0h` and its like."""
    return None if re.fullmatch("0[hdw]?", text) else period(text)


def add_expires(parser: ArgumentParser) -> None:
    parser.add_argument("--expires", type=period, default="90d", metavar="90d", help="default: 90d")


def add_choice(parser: ArgumentParser) -> None:
    parser.add_argument("name", help="the service, such as email_parser")
    parser.add_argument(
        "--organization", metavar="SLUG", help="needed where several have such a service"
    )
    parser.add_argument(
        "--id", type=int, dest="token_id", metavar="N", help="this token alone; see list_tokens"
    )


def chosen_tokens(
    name: str, organization: str | None, token_id: int | None, *, now: datetime, otherwise: str
) -> list[ServiceToken]:
    """The valid tokens that `add_choice` names; where there is none, `otherwise` says what now."""
    tenant = get_organization(organization) if organization else None
    try:
        return choose_tokens(name, tenant, token_id, now=now)
    except NotFound as error:
        raise CommandError(f"{error.sentence}: {otherwise}") from None
