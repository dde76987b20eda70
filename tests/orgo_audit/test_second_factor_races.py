"""The same code at the same moment, from two browsers: one is let in."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django_otp.oath import totp

from orgo_audit.accounts import second_factor
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.second_factor import Verdict
from orgo_audit.errors import Conflict
from tests.builders import a_user, an_organization

pytestmark = pytest.mark.usefixtures("committed")
CALLERS = 4


def now_code(secret: str, *, ahead: int = 0) -> str:
    return f"{totp(unhexlify(secret), drift=ahead):06}"


def at_once(call: Callable[[], object]) -> list[object]:
    """What each of several callers gets, or the refusal it met."""
    barrier = Barrier(CALLERS)

    def one() -> object:
        try:
            barrier.wait(timeout=20)
            return call()
        except Conflict as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(CALLERS)]]


@pytest.fixture
def ada() -> User:
    return a_user(Role.ADMIN, an_organization())


def test_one_code_lets_one_in(ada: User) -> None:
    secret = second_factor.new_secret()
    assert second_factor.set_up(ada, secret, now_code(secret))
    (recovery_code, *_) = second_factor.make_recovery_codes(ada)
    for code, good in (
        (now_code(secret, ahead=1), Verdict.ACCEPTED),
        (recovery_code, Verdict.RECOVERED),
    ):
        verdicts = at_once(lambda code=code: second_factor.judge(ada, code).verdict)  # type: ignore[misc]  # bound now
        assert verdicts.count(good) == 1
        assert set(verdicts) <= {good, Verdict.REFUSED, Verdict.TOO_SOON}


def test_a_person_has_one_device_however_many_pages_set_one_up(ada: User) -> None:
    def made() -> object:
        secret = second_factor.new_secret()
        return bool(second_factor.set_up(ada, secret, now_code(secret)))

    assert sorted(map(str, at_once(made))) == ["True", "conflict", "conflict", "conflict"]
