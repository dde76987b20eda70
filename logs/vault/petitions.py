"""What custodians must approve, in the one form that they sign. Stores nothing, reads no clock.

The digest of the canonical form is the challenge that a passkey signs: whoever changes a word of
the petition has another challenge, and no approval for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from logs.cases.acts import LONGEST_TEXT, MAX_MINUTES, MAX_VIEWS, Act
from orgo_audit.errors import BadInput

APPROVALS = 2
OPEN_FOR = timedelta(days=7)

_SHA256_IN_HEX = re.compile(r"[0-9a-f]{64}")


class Objection(StrEnum):
    """Why a custodian may not decide."""

    REQUESTER = "requester"
    # Never to be told: it would say whom the case is about.
    PARTICIPANT = "participant"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """One act, asked for by one person. BadInput (`bad_petition`) where its words do not fit it.

    A reveal names case, label and field, with its minutes and views. An erasure has the person's
    digest for `subject`, an enrolment the new passkey's id and fingerprint (`passkeys.subject_of`).
    `requester` is the account's id: for an enrolment, the custodian whose passkey it is.
    """

    act: Act
    id: UUID
    organization: str
    requester: int
    nonce: str
    expires_at: datetime
    reason_digest: str = ""
    subject: str = ""
    case: UUID | None = None
    label: str = ""
    field: str = ""
    minutes: int = 0
    views: int = 0

    def __post_init__(self) -> None:
        for path, fault in _faults(self):
            raise BadInput(fault, path=path, code="bad_petition")

    def canonical(self) -> bytes:
        """Equal for equal petitions, in ASCII, and different for any two others."""
        words = asdict(self) | {
            "id": str(self.id),
            "case": str(self.case) if self.case else None,
            "expires_at": self.expires_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }
        return json.dumps(words, sort_keys=True, separators=(",", ":")).encode("ascii")

    def challenge(self) -> bytes:
        return hashlib.sha256(self.canonical()).digest()

    @classmethod
    def from_canonical(cls, canonical: bytes) -> Petition:
        """The petition again; BadInput (`bad_petition`) where a byte is not as it was written."""
        try:
            petition = msgspec.json.decode(canonical, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            petition = None
        if petition is None or petition.canonical() != canonical:
            raise BadInput("this is not a petition in its canonical form", code="bad_petition")
        return petition


def _faults(petition: Petition) -> Iterator[tuple[str, str]]:
    if petition.expires_at.utcoffset() is None:
        yield "", "the expiry needs a time zone"
    if not _SHA256_IN_HEX.fullmatch(petition.nonce):
        yield "", "the nonce must be 32 bytes in hexadecimal"
    if not _reason_fits(petition):
        yield "", "the reason must be given by its SHA-256 in hexadecimal"
    texts = (petition.organization, petition.subject, petition.label, petition.field)
    if not all(map(_is_plain, texts)):
        yield "", f"texts must be printable, of at most {LONGEST_TEXT} characters"
    if not _words_fit(petition):
        yield "", f"these are not the words of an act to {petition.act}"
    for name, told, most in (
        ("minutes", petition.minutes, MAX_MINUTES),
        ("views", petition.views, MAX_VIEWS),
    ):
        if not (1 <= told <= most if petition.act is Act.REVEAL else told == 0):
            yield name, f"a reveal lasts 1 to {MAX_MINUTES} minutes and 1 to {MAX_VIEWS} views"


def _reason_fits(petition: Petition) -> bool:
    if petition.act is Act.ENROL and not petition.reason_digest:
        return True
    return _SHA256_IN_HEX.fullmatch(petition.reason_digest) is not None


def _is_plain(text: str) -> bool:
    return text.isprintable() and len(text) <= LONGEST_TEXT


def _words_fit(petition: Petition) -> bool:
    place = (petition.label, petition.field)
    if petition.act is Act.REVEAL:
        return petition.case is not None and all(place) and not petition.subject
    return bool(petition.subject) and petition.case is None and not any(place)


def may_decide(
    petition: Petition,
    custodian_id: int,
    *,
    participant_ids: Collection[int],
    decided_by: Collection[int],
) -> Objection | None:
    """Why this custodian may neither approve nor deny, or None. Whether it is open is asked apart.

    `participant_ids` are the accounts of the people whom the petition is about.
    """
    if custodian_id == petition.requester:
        return Objection.REQUESTER
    if custodian_id in participant_ids:
        return Objection.PARTICIPANT
    return Objection.DECIDED if custodian_id in decided_by else None


def is_open(petition: Petition, *, now: datetime) -> bool:
    """An expiry further away than any petition lives was not set by the rules: it is closed."""
    return timedelta(0) < petition.expires_at - now <= OPEN_FOR


def are_enough(petition: Petition, approvers: Collection[int]) -> bool:
    """Whether as many different people as it takes have approved, the requester left out.

    Of a reveal or an erasure: a passkey is confirmed by one other person, and has signed itself.
    """
    return len(set(approvers) - {petition.requester}) >= APPROVALS


def view_is_allowed(
    petition: Petition, *, granted_at: datetime, views_done: int, now: datetime
) -> bool:
    ends_at = granted_at + timedelta(minutes=petition.minutes)
    return granted_at <= now < ends_at and 0 <= views_done < petition.views
