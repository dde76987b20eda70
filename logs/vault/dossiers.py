"""The vault's own copy of each request, under a key of its own: the only one that counts.

What pages show of a request is in `hr.approval_request`; nothing is ever decided by that.
An erasure's copy names the person, so its key ends with the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from logs.cases.acts import Act
from logs.cases.models import ApprovalRequest, RequestState
from logs.retention import erasing
from logs.vault.keyring import KeysLost
from logs.vault.keys import Keys, destroy
from logs.vault.models import KeyKind, VaultRequest, WrappedKey
from logs.vault.petitions import Petition
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Conflict, NotFound

_PURPOSE = "request"


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What is encrypted: the canonical petition, why, about whom, and what became of it.

    `case` is of an erasure alone: the case in which a name is to be erased.
    """

    canonical: str
    reason: str
    person: str = ""
    case: UUID | None = None
    granted_at: datetime | None = None
    refusal: str = ""

    @property
    def person_in_case(self) -> str:
        """As `subjects.sought` reads it."""
        return f"{self.person} in {self.case}" if self.case else self.person


@dataclass(slots=True)
class Dossier:
    """A request, opened."""

    row: VaultRequest
    words: Words
    petition: Petition

    @property
    def challenge(self) -> bytes:
        return self.petition.challenge()

    @property
    def is_over(self) -> bool:
        return self.row.ended_at is not None

    def note(self, keys: Keys, **changes: object) -> None:
        """Keeps what became of it, where SQL alone cannot write."""
        self.words = msgspec.structs.replace(self.words, **changes)
        self.row.content = _sealed(self.row.pk, self.words, keys)
        self.row.save(update_fields=["content"])

    def end(self, state: RequestState, *, now: datetime) -> None:
        end(self.row.pk, state, now=now)
        self.row.ended_at = now


def put(organization: Organization, petition: Petition, words: Words, keys: Keys) -> None:
    """Keeps a new request."""
    keys.make(KeyKind.REQUEST, petition.id)
    content = _sealed(petition.id, words, keys)
    VaultRequest.objects.create(id=petition.id, organization=organization, content=content)


def take(identifier: UUID, organization: Organization, keys: Keys) -> Dossier:
    """The request, locked until the transaction ends.

    NotFound where this organization has none, Conflict where it ended and does not open any more,
    KeysLost where it is not as the vault wrote it.
    """
    rows = VaultRequest.objects.select_for_update().filter(pk=identifier)
    row = rows.filter(organization=organization).first()
    if row is None:
        raise NotFound
    if row.ended_at is not None and not keys.has(row.pk):
        raise Conflict("this request is no longer open", code="not_open")
    dossier = read(row, keys)
    if dossier.petition.organization != organization.slug:
        raise NotFound
    return dossier


def read(row: VaultRequest, keys: Keys) -> Dossier:
    words = msgspec.json.decode(keys.decrypt(row.pk, bytes(row.content), _PURPOSE), type=Words)
    return Dossier(row, words, Petition.from_canonical(words.canonical.encode()))


def all_of(organization: Organization, keys: Keys) -> Iterator[Dossier]:
    """Every request of the organization that still opens."""
    kept = WrappedKey.objects.filter(kind=KeyKind.REQUEST).values("owner")
    requests = VaultRequest.objects.filter(organization=organization, pk__in=kept)
    rows = list(requests.order_by("pk"))
    keys.load([row.pk for row in rows])
    for row in rows:
        try:
            yield read(row, keys)
        except KeysLost:
            continue


def _sealed(identifier: UUID, words: Words, keys: Keys) -> bytes:
    return keys.encrypt(identifier, msgspec.json.encode(words), _PURPOSE)


def end(identifier: UUID, state: RequestState, *, now: datetime) -> None:
    """Nothing can be decided or seen any more; an erasure's key is destroyed.

    Of one that was not carried out the plan goes too.
    """
    VaultRequest.objects.filter(pk=identifier, ended_at=None).update(ended_at=now)
    rows = ApprovalRequest.objects.filter(pk=identifier)
    rows.update(state=state)
    if rows.filter(act=Act.ERASE).exists():
        destroy([identifier])
        if state != RequestState.DONE:
            erasing.forget(identifier)
