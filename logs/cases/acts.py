"""What custodians are asked for, and within which bounds: as pages, API and vault know it. Pure."""

from __future__ import annotations

from enum import StrEnum

MAX_MINUTES = 15
MAX_VIEWS = 3
# Of a reason, and of whatever else is written in a request.
LONGEST_TEXT = 2000
LONGEST_PASSKEY_NAME = 60


class Act(StrEnum):
    """What is asked for. It is part of what is signed: no act's approval serves another."""

    REVEAL = "reveal"
    ERASE = "erase"
    ENROL = "enrol"


class Happening(StrEnum):
    """What happened to it. A notice's kind is its act and this, as in `reveal_asked`."""

    ASKED = "asked"
    APPROVED = "approved"
    DENIED = "denied"
    VIEWED = "viewed"
    EXPIRED = "expired"
    ADDED = "added"
    CONFIRMED = "confirmed"
    REVOKED = "revoked"
