"""Custodians with passkeys, and requests in every state, all made by the vault's own questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from logs.cases import errands
from logs.vault import enrolment, keys
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
        confirm(custodian.enrol())
    return custodian


def confirm(passkey: str) -> None:
    """As the operator does it."""
    with the_vaults_rights(), keys.session() as own:
        enrolment.confirm_as_operator(UUID(passkey), "system:test", own)
