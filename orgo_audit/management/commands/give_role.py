"""Gives a role in one organization to a person there is."""

from __future__ import annotations

from orgo_audit import people_changes
from orgo_audit.management.roles import RoleCommand


class Command(RoleCommand):
    help = "Gives a role in one organization to a person there is; on record at once."
    change = staticmethod(people_changes.give_role)
    done = "Role Given"
