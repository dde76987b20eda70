"""Takes a role in one organization from a person there is."""

from __future__ import annotations

from orgo_audit.accounts.people import take_role
from orgo_audit.management.roles import RoleCommand


class Command(RoleCommand):
    help = "Takes a role in one organization from a person there is; on record at once."
    change = staticmethod(take_role)
    action = "Role Taken"
