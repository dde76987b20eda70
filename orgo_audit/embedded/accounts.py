"""The logins that a first start made, for the operator's screen; must never change one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orgo_audit.embedded import paths
from orgo_audit.policy.schema import ROLES

PREFIX = "login_"


def lines(home: Path, address: str) -> Iterator[str]:
    """Where to sign in, then one login a role: its name and the password it began with."""
    yield f"sign in at {address}/ as"
    for role in ROLES:
        if password := paths.read_secret(home, f"{PREFIX}{role}"):
            yield f"  {role:<10}  {password}"
