"""A person's second factor: one-time passwords from an app, and recovery codes.

Never says in which way a code was wrong. A recovery code is kept as a keyed digest only; an app's
secret is kept as it is, because every check needs it.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from orgo_audit.accounts.models import User
from orgo_audit.errors import Conflict
from orgo_audit.policy import versions

RECOVERY_CODES = 10
RECOVERY_DIGITS = 12
_KEPT_CHARACTERS = 16


class Standing(Enum):
    """What a signed-in person still owes before anything opens."""

    CLEAR = auto()
    CODE_DUE = auto()
    SET_UP_DUE = auto()


class Verdict(Enum):
    """What a typed code was."""

    ACCEPTED = auto()
    RECOVERED = auto()
    REFUSED = auto()
    TOO_SOON = auto()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict; after TOO_SOON, for how long no code is looked at."""

    verdict: Verdict
    wait_seconds: int = 0

    @property
    def is_good(self) -> bool:
        return self.verdict in (Verdict.ACCEPTED, Verdict.RECOVERED)


def is_demanded(user: User) -> bool:
    """Whether the policy of an organization where the person has a role asks for it."""
    policy = versions.current()
    rules = (policy, *policy.organizations.values())
    if not any(one.access_control.second_factor for one in rules):
        return False
    return any(
        policy.for_organization(held.organization.slug).asks_second_factor_of(held.role)
        for held in user.held_memberships
    )


def standing_of(user: User, verified_with: object) -> Standing:
    """What is due from a session in which a code of the device `verified_with` was given."""
    device_id = TOTPDevice.objects.filter(user=user).values_list("pk", flat=True).first()
    if device_id is not None:
        return Standing.CLEAR if verified_with == device_id else Standing.CODE_DUE
    return Standing.SET_UP_DUE if is_demanded(user) else Standing.CLEAR


def device_of(user: User) -> TOTPDevice | None:
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user).first()
    return found


def new_secret() -> str:
    """An app's secret, in hexadecimal."""
    return str(default_key())


def unsaved_device(user: User, secret: str) -> TOTPDevice:
    """The device that the secret would make: for its address and its text."""
    return TOTPDevice(user=user, name="authenticator app", key=secret)


@transaction.atomic
def set_up(user: User, secret: str, code: str) -> TOTPDevice | None:
    """The person's device, once the app shows the right code; None for a wrong one.

    Conflict where another page has set one up meanwhile.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if device_of(user) is not None:
        raise Conflict("this account has a second factor already")
    device = unsaved_device(user, secret)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time()
    if not totp.verify(int(code), device.tolerance):
        return None
    device.last_t, device.drift = totp.t(), totp.drift  # this code opens nothing again
    device.save(force_insert=True)
    return device


@transaction.atomic
def make_recovery_codes(user: User) -> list[str]:
    """New ones in the place of all old ones. This is the only time their text exists."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    device, _ = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery codes"})
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.filter(device=device).delete()
    kept = [StaticToken(device=device, token=_digest(user, code)) for code in codes]
    StaticToken.objects.bulk_create(kept)
    return codes


def recovery_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def judge(user: User, code: str) -> Judgement:
    """Whether these digits are the app's, or a recovery code, which they then are no longer.

    django-otp makes the wait after each wrong code in a row twice as long.
    """
    is_recovery = len(code) == RECOVERY_DIGITS
    kind = StaticDevice if is_recovery else TOTPDevice
    device = kind.objects.select_for_update().filter(user=user).first()
    if device is None:
        return Judgement(Verdict.REFUSED)
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        left: timedelta = why["locked_until"] - timezone.now()
        return Judgement(Verdict.TOO_SOON, wait_seconds=math.ceil(left.total_seconds()))
    if not device.verify_token(_digest(user, code) if is_recovery else code):
        return Judgement(Verdict.REFUSED)
    return Judgement(Verdict.RECOVERED if is_recovery else Verdict.ACCEPTED)


@transaction.atomic
def remove(user: User) -> bool:
    """Takes app and recovery codes away; False where there were none."""
    StaticToken.objects.filter(device__user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    return bool(TOTPDevice.objects.filter(user=user).delete()[0])


def _recovery_code() -> str:
    return f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}d}"


def _digest(user: User, code: str) -> str:
    """What is kept of a recovery code: 64 bits that nobody can try out without our secret key."""
    keyed = salted_hmac("recovery code", f"{user.pk} {code}", algorithm="sha256")
    return keyed.hexdigest()[:_KEPT_CHARACTERS]
