"""Where a command gets a new person's password from: the environment, else the terminal."""

from __future__ import annotations

import getpass
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from orgo_audit.accounts.models import User
from orgo_audit.operator_settings import env


def new_password(name: str) -> str:
    """`ORGO_PASSWORD`, else asked twice; CommandError if it is too weak or the two differ."""
    password = env.str("ORGO_PASSWORD", default="") or _asked()
    try:
        validate_password(password, User(username=name))
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password


def _asked() -> str:
    if not sys.stdin.isatty():
        raise CommandError("no terminal to ask on: give the password in ORGO_PASSWORD")
    password = getpass.getpass("Password: ")
    again = getpass.getpass("Again: ")
    if password != again:
        raise CommandError("the two passwords differ")
    return password
