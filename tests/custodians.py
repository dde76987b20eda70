"""Custodians with passkeys, and requests in every state, all made by the vault's own questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from logs.cases import errands
from logs.cases.models import CustodianPasskey, PasskeyState
from logs.vault import custodians, enrolment, keys, passkeys
from logs.vault.models import VaultPasskey
from logs.vault.petitions import OPEN_FOR
from orgo_audit.accounts.models import Organization, Role, User
from tests.authenticator import Authenticator
from tests.builders import a_user
from tests.vault_at_hand import the_vaults_rights


@dataclass
class Custodian:
    """A person with a browser; `passkeys` are the ids of what was enrolled with it."""

    organization: Organization
    user: User
    browser: Authenticator = field(default_factory=Authenticator)
    passkeys: list[str] = field(default_factory=list)

    def ask(self, kind: str, **body: Any) -> dict[str, Any]:
        return errands.ask(kind, self.organization, body, by=self.user)

    def enrol(self, name: str = "laptop") -> str:
        """Until it has proven itself; its id."""
        begun = self.ask("enrol_begin", name=name)
        made = self.browser.create(begun["options"])
        finished = self.ask("enrol_finish", id=begun["id"], response=made)
        signed = self.browser.get(finished["options"])
        self.ask("enrol_prove", id=begun["id"], assertion=signed)
        self.passkeys.append(begun["id"])
        return str(begun["id"])

    def sign(self, request: str) -> dict[str, Any]:
        return self.browser.get(self.ask("challenge", id=request)["options"])

    def approve(self, request: str) -> str:
        """The request's state afterwards."""
        told = self.ask("approve", id=request, assertion=self.sign(request))
        return str(told["state"])

    def deny(self, request: str, why: str = "no need") -> str:
        return str(self.ask("deny", id=request, why=why)["state"])


def a_custodian(organization: Organization, name: str = "", *, ready: bool = True) -> Custodian:
    """One who is `ready` has a passkey that the operator has confirmed."""
    custodian = Custodian(organization, a_user(Role.CUSTODIAN, organization, name))
    if ready:
        _give_passkey(custodian)
    return custodian


def _give_passkey(custodian: Custodian) -> None:
    """The rows that `enrol` and `confirm` leave, without their ten questions and signatures."""
    credential_id, public_key = custodian.browser.made_before()
    rp_id, origins = passkeys.rp_id_of(settings.ORGO_PUBLIC_URL)
    now = timezone.now()
    whose: dict[str, Any] = {"organization": custodian.organization, "user": custodian.user}
    row = VaultPasskey(
        id=uuid4(),
        organization=custodian.organization,
        user_id=custodian.user.pk,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=custodian.browser.count - 1,
        rp_id=rp_id,
        origins=list(origins),
        backup_eligible=False,
        expires_at=now + OPEN_FOR,
        proven_at=now,
        confirmed_at=now,
    )
    with the_vaults_rights(), keys.session() as own:
        row.mark = custodians.mark_of(row, own)
        row.save(force_insert=True)
        CustodianPasskey.objects.create(
            id=row.pk,
            name="laptop",
            fingerprint=passkeys.fingerprint(custodians.as_passkey(row)),
            state=PasskeyState.CONFIRMED,
            added_at=now,
            confirmed_by="system:test",
            **whose,
        )
    custodian.passkeys.append(str(row.pk))


def confirm(passkey: str) -> None:
    """As the operator does it."""
    with the_vaults_rights(), keys.session() as own:
        enrolment.confirm_as_operator(UUID(passkey), "system:test", own)
