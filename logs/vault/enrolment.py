"""How a passkey becomes a custodian's: it proves itself, then somebody else confirms it.

Anybody can make up a registration, so a new key opens nothing before both. Nobody confirms himself.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from logs.cases.acts import LONGEST_PASSKEY_NAME, Act, Happening
from logs.cases.models import (
    ApprovalRequest,
    CustodianPasskey,
    Decision,
    LookedAt,
    PasskeyState,
)
from logs.cases.models import RequestState as State
from logs.vault import custodians, dossiers, marks, notices, passkeys
from logs.vault.accounts import account_of, asking, with_role
from logs.vault.keys import Keys
from logs.vault.models import VaultApproval, VaultPasskey
from logs.vault.petitions import OPEN_FOR, Objection, Petition, is_open, may_decide
from logs.vault.questions import Question, answers
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound

MOST_PASSKEYS = 10
_UNFINISHED = (PasskeyState.PENDING, PasskeyState.PROVEN)


# --- a new passkey --------------------------------------------------------------------------------


@answers("enrol_begin")
def begin(question: Question) -> dict[str, Any]:
    """What the browser is to make a new passkey from.

    Replaces one of their own that was made here and never proven: a device that holds it would
    make no other one.
    """
    custodian = asking(question, Role.CUSTODIAN)
    name, organization = question.text("name", LONGEST_PASSKEY_NAME), question.organization
    if not name.isprintable():
        raise BadInput("expected a name of printable characters", path="name")
    made = VaultPasskey.objects.filter(organization=organization, user_id=custodian.id)
    unproven = made.filter(proven_at=None, revoked_at=None).values_list("pk", flat=True)
    _revoke(list(unproven), timezone.now())
    own = CustodianPasskey.objects.filter(organization=organization, user=custodian.id)
    if own.exclude(state=PasskeyState.REVOKED).count() >= MOST_PASSKEYS:
        raise Conflict("revoke a passkey before you add another one", code="too_many_passkeys")
    rp_id, _ = passkeys.rp_id_of(settings.ORGO_PUBLIC_URL)
    row = CustodianPasskey.objects.create(
        id=uuid.uuid4(),
        organization=organization,
        user_id=custodian.id,
        name=name,
        state=PasskeyState.PENDING,
        added_at=timezone.now(),
    )
    known = VaultPasskey.objects.filter(user_id=custodian.id, revoked_at=None)
    options = passkeys.creation_options(
        question.keys.index(organization.pk, "passkey's user", str(custodian.id)),
        custodian.username,
        _registration_challenge(row.pk, question),
        rp_id,
        [bytes(each) for each in known.values_list("credential_id", flat=True)],
    )
    return {"id": str(row.pk), "options": options}


def _registration_challenge(identifier: UUID, question: Question) -> bytes:
    """Nobody can guess it, and nothing has to keep it."""
    return question.keys.index(
        question.organization.pk, "registration", f"{identifier} {question.asker}"
    )


@answers("enrol_finish")
def finish(question: Question) -> dict[str, Any]:
    """Takes the new passkey in; it has to sign its own enrolment next."""
    custodian = asking(question, Role.CUSTODIAN)
    identifier, organization = question.identifier("id"), question.organization
    begun = CustodianPasskey.objects.filter(
        pk=identifier, organization=organization, user=custodian.id, state=PasskeyState.PENDING
    ).first()
    if begun is None or VaultPasskey.objects.filter(pk=identifier).exists():
        raise NotFound
    rp_id, origins = passkeys.rp_id_of(settings.ORGO_PUBLIC_URL)
    made = passkeys.registered(
        question.body.get("response"),
        challenge=_registration_challenge(identifier, question),
        rp_id=rp_id,
        origins=origins,
    )
    if VaultPasskey.objects.filter(credential_id=made.credential_id).exists():
        raise Conflict("this passkey is enrolled already", code="passkey_known")
    row = VaultPasskey.objects.create(
        id=identifier,
        organization=organization,
        user_id=custodian.id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        rp_id=made.rp_id,
        origins=list(made.origins),
        backup_eligible=made.backup_eligible,
        expires_at=begun.added_at + OPEN_FOR,
    )
    fingerprint = passkeys.fingerprint(made)
    CustodianPasskey.objects.filter(pk=identifier).update(fingerprint=fingerprint)
    challenge = _open_petition(row, question.keys).challenge()
    return {"fingerprint": fingerprint, "options": custodians.options([row], challenge)}


def _open_petition(row: VaultPasskey, keys: Keys) -> Petition:
    """What the new key and its confirmer both sign; Conflict (`enrolment_over`) when too late.

    Built anew each time from the passkey itself: a challenge that lay in a table could be swapped
    for that of a reveal.
    """
    petition = Petition(
        act=Act.ENROL,
        id=row.pk,
        organization=row.organization.slug,
        requester=row.user_id,
        nonce=keys.index(row.organization_id, "enrolment", str(row.pk)).hex(),
        expires_at=row.expires_at,
        subject=passkeys.subject_of(custodians.as_passkey(row)),
    )
    if row.revoked_at is not None or not is_open(petition, now=timezone.now()):
        raise Conflict("this enrolment is over: begin another one", code="enrolment_over")
    return petition


@answers("enrol_prove")
def prove(question: Question) -> dict[str, Any]:
    """The new passkey signs its own enrolment."""
    custodian = asking(question, Role.CUSTODIAN)
    row = _locked(question.identifier("id"), question.organization)
    if row.user_id != custodian.id:
        raise NotFound
    challenge = _open_petition(row, question.keys).challenge()
    if row.proven_at is not None:
        raise Conflict("this passkey has proven itself already", code="proven_already")
    custodians.signed_with([row], question.body.get("assertion"), challenge)
    row.proven_at = timezone.now()
    row.save(update_fields=["proven_at"])
    CustodianPasskey.objects.filter(pk=row.pk).update(state=PasskeyState.PROVEN)
    _put_on_record(row, Happening.ADDED, by=custodian.id)
    return {"state": PasskeyState.PROVEN.value}


# --- somebody else --------------------------------------------------------------------------------


@answers("enrol_confirm")
def confirm(question: Question) -> dict[str, Any]:
    """By another custodian, who has compared the fingerprint aloud.

    Without an assertion: what is to be compared, and what the browser is to sign.
    """
    custodian = asking(question, Role.CUSTODIAN)
    own = custodians.usable(custodian.id, question.organization, question.keys)
    row = _locked(question.identifier("id"), question.organization)
    petition = _open_petition(row, question.keys)
    objection = may_decide(petition, custodian.id, participant_ids=[], decided_by=[])
    if objection is Objection.REQUESTER:
        raise NotAllowed("nobody confirms a passkey of their own", code="own_passkey")
    owner = _owner_of(row)
    if "assertion" not in question.body:
        return {
            "user": owner,
            "fingerprint": passkeys.fingerprint(custodians.as_passkey(row)),
            "options": custodians.options(own, petition.challenge()),
        }
    custodians.signed_with(own, question.body["assertion"], petition.challenge())
    _confirm(row, question.keys, by=custodian.username)
    _put_on_record(row, Happening.CONFIRMED, by=custodian.id)
    return {"state": PasskeyState.CONFIRMED.value}


def confirm_as_operator(identifier: UUID, operator: str, keys: Keys) -> None:
    """By whoever runs the server, who has compared the fingerprint by another way.

    An operator is no account: the line in the access log is the owner's, and says who confirmed.
    """
    row = VaultPasskey.objects.select_for_update().filter(pk=identifier).first()
    if row is None:
        raise NotFound("there is no such passkey")
    _open_petition(row, keys)
    _owner_of(row)
    _confirm(row, keys, by=operator)
    _put_on_record(row, Happening.CONFIRMED, by=row.user_id, operator=operator)


def _owner_of(row: VaultPasskey) -> str:
    """The name of the custodian; NotFound where it is none any more, or nothing is proven yet."""
    owner = with_role(row.user_id, row.organization, Role.CUSTODIAN)
    if owner is None or row.proven_at is None:
        raise NotFound
    return owner.username


def _confirm(row: VaultPasskey, keys: Keys, *, by: str) -> None:
    if row.confirmed_at is not None:
        raise Conflict("this passkey is confirmed already", code="confirmed_already")
    row.confirmed_at, row.mark = timezone.now(), custodians.mark_of(row, keys)
    row.save(update_fields=["confirmed_at", "mark"])
    CustodianPasskey.objects.filter(pk=row.pk).update(state=PasskeyState.CONFIRMED, confirmed_by=by)


def waiting() -> list[VaultPasskey]:
    """The proven passkeys that nobody has confirmed yet, of custodians alone."""
    rows = VaultPasskey.objects.filter(confirmed_at=None, revoked_at=None).exclude(proven_at=None)
    found = rows.filter(expires_at__gt=timezone.now()).select_related("organization")
    return [
        row
        for row in found.order_by("proven_at")
        if with_role(row.user_id, row.organization, Role.CUSTODIAN)
    ]


def _locked(identifier: UUID, organization: Organization) -> VaultPasskey:
    rows = VaultPasskey.objects.select_for_update().filter(pk=identifier)
    row = rows.filter(organization=organization).first()
    if row is None:
        raise NotFound
    return row


# --- its end --------------------------------------------------------------------------------------


@answers("revoke_passkey")
def revoke(question: Question) -> dict[str, Any]:
    """By its owner or another custodian, at once. Its approvals of what is still open are void."""
    identifier, organization = question.identifier("id"), question.organization
    shown = CustodianPasskey.objects.filter(pk=identifier, organization=organization).first()
    if shown is None or account_of(question.asker) is None:
        raise NotFound
    if shown.user_id != question.asker:
        asking(question, Role.CUSTODIAN)
    for row in _revoke([identifier], timezone.now()):
        _put_on_record(row, Happening.REVOKED, by=question.asker)
    return {"state": PasskeyState.REVOKED.value}


def _revoke(identifiers: list[UUID], now: datetime) -> list[VaultPasskey]:
    """Returns those that had proven themselves: their beginning is on record, so is their end."""
    living = VaultPasskey.objects.filter(pk__in=identifiers, revoked_at=None)
    proven = list(living.exclude(proven_at=None).select_related("organization"))
    living.update(revoked_at=now)
    CustodianPasskey.objects.filter(pk__in=identifiers).update(state=PasskeyState.REVOKED)
    for approval in VaultApproval.objects.filter(
        passkey__in=identifiers, request__ended_at=None
    ).order_by("request"):
        _void(approval, now)
    return proven


def _void(approval: VaultApproval, now: datetime) -> None:
    """Says so where pages look; that the signature counts no longer needs no writing."""
    given = Decision.objects.filter(request=approval.request_id, custodian=approval.user_id)
    given.update(voided_at=now)
    granted = ApprovalRequest.objects.filter(pk=approval.request_id, state=State.APPROVED)
    for request in granted.select_related("organization"):
        dossiers.end(request.pk, State.EXPIRED, now=now)
        act, case = Act(request.act), request.case_code
        notices.tell(request.organization, act, Happening.EXPIRED, case)


def expire(now: datetime) -> None:
    """Revokes what was begun and not confirmed in time."""
    begun = CustodianPasskey.objects.filter(state__in=_UNFINISHED, added_at__lte=now - OPEN_FOR)
    for row in _revoke(list(begun.values_list("pk", flat=True)), now):
        notices.tell(row.organization, Act.ENROL, Happening.EXPIRED, also=[row.user_id])


# --- its trace ------------------------------------------------------------------------------------


def _put_on_record(row: VaultPasskey, happening: Happening, *, by: int, operator: str = "") -> None:
    """A line in the restricted access log, and a notice to the overseers and to the owner."""
    owner = names_of({row.user_id})[row.user_id]
    told = f"passkey {happening} by {operator}" if operator else f"passkey of {owner} {happening}"
    marks.leave(row.organization, by, LookedAt.PASSKEY, told)
    notices.tell(row.organization, Act.ENROL, happening, also=[row.user_id])
