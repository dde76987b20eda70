"""The menu of every page: where this person may go. Lets nobody in: each page decides by itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from orgo_audit.accounts.models import Role, User
from orgo_audit.admin import is_admin, site

# What the admin's pages are called in the menu, in its order: what people come for comes first.
RECORD = {
    "WatchMark": "Status",
    "Alert": "Alerts",
    "HealthCheckResult": "Health",
    "ActivityLog": "Activity",
    "SecurityLog": "Security",
    "ErrorLog": "Errors",
    "QuarantinedEvent": "Quarantine",
    "PlannedDestruction": "Retention",
    "LegalHold": "Legal holds",
    "DestructionCertificate": "Certificates",
    "ServiceToken": "Tokens",
    "PolicyVersion": "Policy",
}
# The restricted area: words, the name of the address, the roles that have it.
_AREA = (
    ("Cases", "cases", (Role.HR_MANAGER,)),
    ("Counts", "case-counts", (Role.HR_MANAGER,)),
    ("Reveal requests", "reveals", (Role.HR_MANAGER, Role.CUSTODIAN, Role.DPO, Role.AUDITOR)),
    ("Texts", "texts", (Role.CUSTODIAN,)),
    ("Passkeys", "passkeys", (Role.CUSTODIAN,)),
    ("Unassigned", "unassigned-cases", (Role.DPO,)),
    ("Access log", "case-access-log", (Role.DPO, Role.AUDITOR)),
    ("Certificates", "case-certificates", (Role.DPO, Role.AUDITOR)),
)


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A place of the menu; `current` is what `aria-current` says of it, if anything."""

    label: str
    href: str
    current: str = ""


def menu(request: HttpRequest) -> dict[str, object]:
    """For templates: the links of the world one is in, and one that leads to the other."""
    if not isinstance(getattr(request, "user", None), User):
        return {}
    record, area = _record(request), _area(request)
    if record and request.path.startswith(reverse("cases")):
        shown = [*area, ("The record", reverse("admin:index"))]
    else:
        shown = [*record, *(area[:1] if record else area)]
    return {"menu": _marked(shown, request.path)}


def _record(request: HttpRequest) -> list[tuple[str, str]]:
    if not is_admin(request):
        return []
    there = {
        model["object_name"]: model["admin_url"]
        for app in site.get_app_list(request)
        for model in app["models"]
    }
    return [(label, there[name]) for name, label in RECORD.items() if name in there]


def _area(request: HttpRequest) -> list[tuple[str, str]]:
    user = request.user
    held = {one.role for one in user.held_memberships} if isinstance(user, User) else set()
    return [(label, reverse(name)) for label, name, roles in _AREA if held.intersection(roles)]


def _marked(links: list[tuple[str, str]], path: str) -> list[MenuLink]:
    """The nearest place above this page is marked: a case is one of the cases."""
    near = max((href for _, href in links if path.startswith(href)), key=len, default="")
    return [
        MenuLink(label, href, "" if href != near else "page" if href == path else "true")
        for label, href in links
    ]
