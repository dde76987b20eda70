"""The logins that a first start made, for the operator's screen; must never change one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orgo_audit.embedded import paths

PREFIX = "login_"
LEADS_TO = {
    "admin": "/admin/",
    "hr_manager": "/cases/",
    "custodian": "/cases/reveals/",
    "auditor": "/compliance/",
    "dpo": "/compliance/",
    "user": "/",
}


def lines(home: Path, address: str) -> Iterator[str]:
    """One a role: name, the password it began with, where it leads."""
    for role, path in LEADS_TO.items():
        password = paths.read_secret(home, f"{PREFIX}{role}")
        if password:
            yield f"  {role:<10}  {password}  {address}{path}"
