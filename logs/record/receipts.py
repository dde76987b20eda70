"""What a sender learns of its batch, in the shape of the answer. Decides nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from orgo_audit.accounts.models import Organization


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose batch it is. `source` is the token's service; never what the event says of itself."""

    organization: Organization
    source: str


class Receipt(msgspec.Struct, frozen=True):
    """How many were kept and sealed, what was refused and why; `ids` has one place per item."""

    accepted: int
    sealed: int
    rejected: list[dict[str, Any]]
    ids: list[str | None]
    batch: str

    @classmethod
    def of_nothing(cls) -> Receipt:
        """Of a request in which no item could be told from another: none was taken or refused."""
        return cls(accepted=0, sealed=0, rejected=[], ids=[], batch=str(uuid.uuid4()))

    @property
    def status(self) -> int:
        """The HTTP status that product.md gives to this outcome."""
        if not self.accepted:
            return 400
        if self.rejected:
            return 207
        return 202 if self.sealed else 201

    def as_json(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]  # a Struct gives a dict
