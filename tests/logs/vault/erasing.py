"""Cases that are closed, and erasures that two custodians have approved."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from logs.cases.models import ApprovalRequest, Case, CaseState
from orgo_audit.accounts.models import Role
from tests.builders import Service, a_user
from tests.logs.vault.scene import REPORT, Scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights


def a_case(scene: Scene, vault: VaultAtHand, case_id: str, **identities: Any) -> Case:
    """What the report made, closed so that an erasure may be carried out."""
    with the_vaults_rights():
        before = list(Case.objects.values_list("pk", flat=True))
    Service(scene.home).deliver(REPORT | {"case_id": case_id, "identities": identities})
    vault.drain()
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())
        return Case.objects.exclude(pk__in=before).get()


def erased(scene: Scene, person: str) -> ApprovalRequest:
    """The request after both custodians have approved it."""
    officer = a_user(Role.DPO, scene.home)
    request = str(scene.ask("ask_erasure", officer, person=person, reason="a letter")["id"])
    scene.anna.approve(request)
    scene.ben.approve(request)
    return shown(request)


def seen(scene: Scene, case: Case, field: str) -> dict[str, Any]:
    """What a granted reveal of the case's first label shows."""
    return scene.view(scene.granted(case=str(case.code), label="Anon1", field=field))


def certificate(request: ApprovalRequest) -> dict[str, str]:
    return {line["store"]: line["result"] for line in request.certificate or ()}
