"""Custodians' passkeys as the vault trusts them: confirmed, marked, not revoked.

The mark is made with a key that is in no database: a row that SQL confirmed has none, and opens
nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from django.conf import settings
from webauthn.helpers import bytes_to_base64url

from logs.vault import passkeys
from logs.vault.keys import Keys
from logs.vault.models import VaultPasskey
from logs.vault.passkeys import Passkey
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict

_SIGNED_PARTS = ("clientDataJSON", "authenticatorData", "signature")


def as_passkey(row: VaultPasskey) -> Passkey:
    return Passkey(
        credential_id=bytes(row.credential_id),
        public_key=bytes(row.public_key),
        sign_count=row.sign_count,
        rp_id=row.rp_id,
        origins=tuple(row.origins),
        backup_eligible=row.backup_eligible,
    )


def mark_of(row: VaultPasskey, keys: Keys) -> bytes:
    """What says that the vault itself confirmed exactly this key for exactly this person."""
    passkey = replace(as_passkey(row), sign_count=0)
    words = msgspec.json.encode((str(row.pk), row.user_id, passkey)).decode()
    return keys.index(row.organization_id, "passkey", words)


def is_usable(row: VaultPasskey, keys: Keys) -> bool:
    confirmed = row.confirmed_at is not None and row.revoked_at is None and row.mark is not None
    return confirmed and hmac.compare_digest(bytes(row.mark or b""), mark_of(row, keys))


def usable(user_id: int, organization: Organization, keys: Keys) -> list[VaultPasskey]:
    """The person's passkeys that may sign here, locked; Conflict (`no_passkey`) without any."""
    own = VaultPasskey.objects.filter(organization=organization, user_id=user_id, revoked_at=None)
    rows = [row for row in own.order_by("pk").select_for_update() if is_usable(row, keys)]
    if not rows:
        raise Conflict("this needs a confirmed passkey of your own", code="no_passkey")
    return rows


def options(rows: Sequence[VaultPasskey], challenge: bytes) -> dict[str, object]:
    """What the browser is to sign with one of these passkeys."""
    rp_id, _ = passkeys.rp_id_of(settings.ORGO_PUBLIC_URL)
    return passkeys.request_options(challenge, rp_id, [bytes(row.credential_id) for row in rows])


def signed_with(rows: Sequence[VaultPasskey], assertion: object, challenge: bytes) -> VaultPasskey:
    """Which of these passkeys signed exactly this; BadInput (`bad_assertion`) where none did.

    Its new count is stored, so that a copied passkey shows itself.
    """
    named = assertion.get("id") if isinstance(assertion, dict) else None
    row = next((row for row in rows if _id_of(row) == named), rows[0])
    row.sign_count = passkeys.check_assertion(
        assertion, passkey=as_passkey(row), challenge=challenge
    )
    row.save(update_fields=["sign_count"])
    return row


def _id_of(row: VaultPasskey) -> str:
    return bytes_to_base64url(bytes(row.credential_id))


def kept(assertion: Any) -> dict[str, Any]:
    """Of a checked assertion, what it takes to check it again."""
    own: dict[str, Any] = {name: assertion[name] for name in ("id", "rawId", "type")}
    return own | {"response": {name: assertion["response"][name] for name in _SIGNED_PARTS}}


def has_signed(row: VaultPasskey, assertion: object, challenge: bytes) -> bool:
    """Whether a kept assertion is one, whatever the passkey has signed since."""
    passkey = replace(as_passkey(row), sign_count=0)
    try:
        passkeys.check_assertion(assertion, passkey=passkey, challenge=challenge)
    except BadInput:
        return False
    return True
