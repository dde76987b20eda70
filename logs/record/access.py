"""Who may read what: the one place that decides; nothing else calls guardian for events.

A grant hangs on a LogScope, never on an event. A superuser is not a role, a global permission is
not a grant, and a leaver is nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, Group
from guardian.shortcuts import assign_perm, get_objects_for_user, remove_perm

from logs.record.models import LogScope, LogScopeGroupGrant
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import group_name, role_of_group
from orgo_audit.policy import versions

PERMISSION = "logs.view_logscope"
_LOG_TYPE_OF_VIEW = {log_type.view: log_type for log_type in LogType}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a person or a service's token, under the name that the record will keep."""

    identity: User | ServiceToken
    address: str | None = None

    @property
    def name(self) -> str:
        if isinstance(self.identity, User):
            return self.identity.get_username()
        return f"service:{self.identity.name}"


# What somebody may read: log types by organization.
Readable = dict[Organization, frozenset[LogType]]


def readable(identity: User | ServiceToken | AnonymousUser) -> Readable:
    """The logs this person or token may read, organization by organization; empty means nothing."""
    if isinstance(identity, ServiceToken):
        may_read = identity.has_scope(Scope.READ)
        return {identity.organization: frozenset(LogType)} if may_read else {}
    if not identity.is_active:
        return {}
    found: dict[Organization, set[LogType]] = {}
    for scope in _granted_scopes(identity):
        if log_type := _LOG_TYPE_OF_VIEW.get(scope.view):
            found.setdefault(scope.organization, set()).add(log_type)
    return {organization: frozenset(kinds) for organization, kinds in found.items()}


def narrowed(scopes: Readable, log_types: Iterable[LogType]) -> Readable:
    """The part of `scopes` that concerns these log types."""
    wanted = frozenset(log_types)
    return {
        organization: kinds & wanted for organization, kinds in scopes.items() if kinds & wanted
    }


def granted_views(user: User, role: Role) -> dict[Organization, frozenset[str]]:
    """The views that the policy gives this person in this role, organization by organization."""
    held = {member.organization_id for member in user.held_memberships if member.role == role}
    found: dict[Organization, set[str]] = {}
    for scope in _granted_scopes(user) if user.is_active else []:
        if scope.organization_id in held:
            found.setdefault(scope.organization, set()).add(scope.view)
    return {organization: frozenset(views) for organization, views in found.items()}


def _granted_scopes(user: User) -> list[LogScope]:
    scopes = get_objects_for_user(
        user, PERMISSION, LogScope, with_superuser=False, accept_global_perms=False
    )
    # The membership is what makes a role; a group alone, left behind, opens nothing.
    groups = [group_name(held.organization, Role(held.role)) for held in user.held_memberships]
    granted = scopes.filter(logscopegroupgrant__group__name__in=groups).distinct()
    return list(granted.select_related("organization"))


def sync_grants() -> int:
    """Puts the policy's `access_control` into force everywhere; returns how many grants changed."""
    with versions.one_at_a_time():
        versions.forget_cache()  # an older policy must not grant again what was just narrowed
        policy = versions.current()
        organizations = {tenant.pk: tenant for tenant in Organization.objects.all()}
        wanted = {
            (tenant.pk, role, view)
            for tenant in organizations.values()
            for role in Role
            for view in policy.for_organization(tenant.slug).views_of(role.value)
        }
        held = _held_grants()
        for pk, role, view in wanted - held:
            assign_perm(PERMISSION, *_group_and_scope(organizations[pk], role, view))
        for pk, role, view in held - wanted:
            remove_perm(PERMISSION, *_group_and_scope(organizations[pk], role, view))
    return len(wanted ^ held)


def _group_and_scope(organization: Organization, role: Role, view: str) -> tuple[Group, LogScope]:
    group, _ = Group.objects.get_or_create(name=group_name(organization, role))
    scope, _ = LogScope.objects.get_or_create(organization=organization, view=view)
    return group, scope


def _held_grants() -> set[tuple[int, Role, str]]:
    grants = LogScopeGroupGrant.objects.select_related("content_object", "group")
    return {
        (
            grant.content_object.organization_id,
            role_of_group(grant.group),
            grant.content_object.view,
        )
        for grant in grants
    }
