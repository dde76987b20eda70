"""The policy's versions in Django admin: what is in force, what waits, what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from logs import tasks
from logs.record import policy_loading
from logs.retention.facts import within_a_page
from logs.retention.foresight import would_destroy
from logs.retention.plan import Sooner
from orgo_audit.accounts.models import Organization
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import Conflict, NotFound, Unavailable
from orgo_audit.policy import versions
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.schema import Policy

DECISIONS = {"accept": policy_loading.accept, "refuse": policy_loading.refuse}


def decides_on_policy(request: HttpRequest) -> bool:
    """One policy serves all tenants: only admins of the oldest, the portal's own, decide on it."""
    home = Organization.objects.order_by("pk").first()
    return home in own_organizations(request)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a unified diff, and what it is: `added`, `removed`, `place`, `same`."""

    kind: str
    text: str


def diff_lines(diff: str) -> list[DiffLine]:
    """The diff line by line. Its two head lines name files and are left out."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    return [DiffLine(kinds.get(line[:1], "same"), line) for line in diff.splitlines()[2:]]


def _sooner(policy: Policy, now: datetime) -> tuple[list[Sooner], str]:
    """What would be destroyed earlier, or why the page cannot tell."""
    try:
        with within_a_page():
            return would_destroy(policy, now=now), ""
    except Unavailable:
        return [], (
            "What it would destroy earlier cannot be shown here: a hold on a person has all events"
            " read, which takes longer than a page may. `manage.py check_policy` tells it."
        )


@admin.register(PolicyVersion, site=site)
class PolicyVersionAdmin(ReadOnlyAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return decides_on_policy(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return decides_on_policy(request)

    def get_urls(self) -> list[URLPattern]:
        name = "policy_policyversion"
        one, decision = self.page(self.version_view), self.page(self.decide_view)
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("<int:version_id>/change/", one, name=f"{name}_change"),
            path("<int:version_id>/decide/", decision, name=f"{name}_decide"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {
            "title": "Policy",
            "versions": PolicyVersion.objects.all()[:100],
            "in_force": versions.in_force(),
            "waiting": versions.waiting(),
        }
        return self.render(request, "logs/policy_list.html", context)

    def version_view(self, request: HttpRequest, version_id: int) -> HttpResponse:
        version = PolicyVersion.objects.filter(pk=version_id).first()
        if version is None:
            raise Http404
        now = timezone.now()
        waits = version.state == PolicyState.WAITING
        policy = versions.readable_policy(version) if waits else None
        sooner, untold = _sooner(policy, now) if policy else ([], "")
        context = {
            "title": f"Policy version {version.pk}",
            "version": version,
            "in_force": versions.in_force(),
            "diff": diff_lines(version.diff),
            "sooner": sooner,
            "untold": untold,
        }
        return self.render(request, "logs/policy_version.html", context)

    def decide_view(self, request: HttpRequest, version_id: int) -> HttpResponse:
        if request.method != "POST":
            return redirect("admin:policy_policyversion_change", version_id)
        wanted = [name for name in DECISIONS if name in request.POST]
        if len(wanted) != 1:
            raise SuspiciousOperation("one decision at a time")
        decide = DECISIONS[wanted[0]]
        try:
            version = decide(version_id, request.user.get_username())
        except NotFound:
            raise Http404 from None
        except Conflict as conflict:
            messages.error(request, conflict.sentence)
        else:
            messages.success(
                request, f"Policy version {version.pk} is {version.get_state_display()}."
            )
            tasks.nudge(tasks.sync_grants)
        return HttpResponseRedirect(reverse("admin:policy_policyversion_changelist"))
