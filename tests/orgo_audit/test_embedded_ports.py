"""A port that cannot be had is named, with the setting that changes it."""

from __future__ import annotations

import errno
import socket

import pytest

from orgo_audit.embedded import ports
from orgo_audit.embedded.ports import refuse_taken_port
from orgo_audit.errors import Unavailable


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"Port {port} is taken .* set ORGO_MAIL_PORT"):
            refuse_taken_port(port, "ORGO_MAIL_PORT")
    refuse_taken_port(port, "ORGO_MAIL_PORT")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (errno.EACCES, r"Port 80 is for the administrator alone. Set ORGO_PORT above 1023"),
        (errno.EADDRNOTAVAIL, r"Nothing can listen on 127.0.0.1, port 80: Cannot assign"),
    ],
)
def test_what_another_port_would_not_help_is_not_blamed_on_the_port(
    monkeypatch: pytest.MonkeyPatch, fault: int, sentence: str
) -> None:
    monkeypatch.setattr(ports, "_bind_fault", lambda address, port: fault)
    with pytest.raises(Unavailable, match=sentence):
        refuse_taken_port(80, "ORGO_PORT")
