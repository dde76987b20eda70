"""A case with two people, its HR manager, and custodians: what every request is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from logs.cases import errands
from logs.cases.models import ApprovalRequest, Case
from orgo_audit.accounts.models import Organization, Role, User
from tests.builders import Service, a_user, an_organization
from tests.custodians import Custodian, a_custodian
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

REPORT = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "workflow": "harassment",
    "case_id": "H-2024-17",
    "identities": {
        "reporter": "Jane Roe <jane.roe@organization.com>",
        "reported_user": "john.doe@organization.com",
    },
}
REASON = "The reporter asked to be called back."


@dataclass(frozen=True)
class Scene:
    """Anon1 is Jane Roe, Anon2 is John Doe; `anna` and `ben` may decide."""

    home: Organization
    case: Case
    hr: User
    anna: Custodian
    ben: Custodian

    def ask(self, kind: str, by: User | None = None, **body: Any) -> dict[str, Any]:
        return errands.ask(kind, self.home, body, by=by or self.hr)

    def reveal(self, by: User | None = None, **changes: Any) -> str:
        """A request for Jane Roe's address; its id."""
        wanted: dict[str, Any] = {"case": str(self.case.code), "label": "Anon1", "field": "email"}
        wanted |= {"minutes": 10, "views": 2, "reason": REASON}
        return str(self.ask("ask_reveal", by, **wanted | changes)["id"])

    def granted(self, **changes: Any) -> str:
        request = self.reveal(**changes)
        self.anna.approve(request)
        self.ben.approve(request)
        return request

    def view(self, request: str, by: User | None = None) -> dict[str, Any]:
        return self.ask("view", by, id=request)


def a_scene(vault: VaultAtHand, home: Organization | None = None) -> Scene:
    home = home or an_organization()
    hr = a_user(Role.HR_MANAGER, home)
    Service(home).deliver(REPORT)
    vault.drain()
    with the_vaults_rights():
        case = Case.objects.get(organization=home)
    return Scene(home, case, hr, a_custodian(home), a_custodian(home))


def shown(request: str) -> ApprovalRequest:
    """The request as pages show it."""
    with the_vaults_rights():
        return ApprovalRequest.objects.get(pk=request)
