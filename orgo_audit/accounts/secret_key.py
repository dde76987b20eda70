"""Whether `ORGO_SECRET_KEY` is the one that this database was prepared with. Never shows either.

Under another key no sensitive task or mail is known again: its events would be stored as ordinary.
"""

from __future__ import annotations

import hmac
from time import monotonic

from django.conf import settings

from orgo_audit.accounts.models import KnownSecret
from orgo_audit.errors import Unavailable

RECHECK_SECONDS = 2.0
_fits_until = 0.0


class AnotherSecretKey(Unavailable):
    """The database was prepared with another key; nothing may be stored under this one."""

    code = "another_secret_key"

    def __init__(self) -> None:
        super().__init__(
            "ORGO_SECRET_KEY is not the one that this database was prepared with"
            " (embedded: secrets/secret_key under ORGO_HOME); put its copy back"
        )


def require_known() -> None:
    """AnotherSecretKey where the key is another one. Asks every two seconds at most."""
    global _fits_until
    if monotonic() < _fits_until:
        return
    if is_known() is False:
        raise AnotherSecretKey
    _fits_until = monotonic() + RECHECK_SECONDS


def is_known() -> bool | None:
    """None where the database was never prepared."""
    digest = KnownSecret.objects.values_list("digest", flat=True).first()
    return None if digest is None else hmac.compare_digest(bytes(digest), _digest())


def make_known() -> None:
    """From now on the key is the one in use: what was known under another one is forgotten."""
    KnownSecret.objects.update_or_create(defaults={"digest": _digest()})


def forget_check() -> None:
    """Makes the next `require_known()` ask the database."""
    global _fits_until
    _fits_until = 0.0


def _digest() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"the key of this database", "sha256")
