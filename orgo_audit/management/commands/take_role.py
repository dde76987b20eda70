"""Takes a role in one organization from a person there is."""

from __future__ import annotations

from orgo_audit import people_changes
from orgo_audit.management.roles import RoleCommand


class Command(RoleCommand):
    help = "Takes a role in one organization from a person there is; on record at once."
    change = staticmethod(people_changes.take_role)
    done = "Role Taken"
