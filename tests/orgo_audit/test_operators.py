"""Who types a command is who the process belongs to, whatever the environment says."""

from __future__ import annotations

import os
import pwd
from typing import NoReturn

import pytest

from orgo_audit.operators import operator_name, recorded_operator


@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_environment_names_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "somebody-else")
    assert operator_name() == pwd.getpwuid(os.getuid()).pw_name
    assert recorded_operator() == f"system:{operator_name()}"


def test_who_has_no_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert operator_name() == str(os.getuid())
