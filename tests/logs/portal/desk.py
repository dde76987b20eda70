"""An HR manager at the portal, and reports that come in: what the tests of these pages share."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client

from logs.cases.models import Case, CaseGrant, Look
from logs.cases.role import as_hr
from logs.vault.assigning import view_permission
from orgo_audit.accounts.models import Organization, Role, User
from tests.builders import Service, a_user
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

# Names that no page may ever show.
REPORTER, REPORTED = "jane.roe@organization.com", "john.doe@organization.com"


def a_report(**fields: Any) -> dict[str, Any]:
    """A sensitive event as a service sends it."""
    return {
        "timestamp": "2024-11-24T16:10:00Z",
        "action": "Report Filed",
        "workflow": "harassment",
        "case_id": "H-2024-17",
        "identities": {"reporter": REPORTER, "reported_user": REPORTED},
    } | fields


def come_in(vault: VaultAtHand, organization: Organization, *reports: dict[str, Any]) -> None:
    """They are delivered, and the vault has put them into their cases."""
    service = Service(organization)
    assert service.deliver(*reports).status == 202
    vault.drain()


def cases_of(organization: Organization) -> list[Case]:
    with as_hr():
        return list(Case.objects.filter(organization=organization).order_by("opened_on", "code"))


def looks_of(organization: Organization) -> list[tuple[str, str, str]]:
    """What the restricted access log says: what, which case, which purpose; the oldest first."""
    with as_hr():
        rows = Look.objects.filter(organization=organization).order_by("pk")
        return [(look.what, str(look.case_code or ""), look.purpose) for look in rows]


def give(case: Case, user: User) -> None:
    with the_vaults_rights():
        CaseGrant.objects.get_or_create(
            content_object=case, user=user, permission=view_permission()
        )


def take(case: Case, user: User) -> None:
    with the_vaults_rights():
        CaseGrant.objects.filter(content_object=case, user=user).delete()


class Desk:
    """A person at the portal; an HR manager who has said what for unless told otherwise."""

    def __init__(
        self,
        organization: Organization,
        role: Role = Role.HR_MANAGER,
        *,
        name: str = "",
        purpose: str = "work",
        user: User | None = None,
    ) -> None:
        self.user = user or a_user(role, organization, name)
        self.client = Client()
        self.client.force_login(self.user)
        if purpose and role is Role.HR_MANAGER:
            answer = self.client.post("/cases/purpose/", {"purpose": purpose})
            assert answer.status_code == 302

    def get(self, path: str) -> HttpResponse:
        return cast("HttpResponse", self.client.get(path))

    def post(self, path: str, told: dict[str, Any] | None = None) -> HttpResponse:
        return cast("HttpResponse", self.client.post(path, told or {}))

    def page(self, path: str) -> str:
        """The words of a page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.status_code
        return words_of(answer)


def words_of(answer: HttpResponse) -> str:
    """What a person reads, without marks and with single spaces."""
    body = answer.content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", f"<main{body}")).split())
