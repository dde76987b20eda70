"""A port that cannot be had is named, with the setting that changes it."""

from __future__ import annotations

import socket

import pytest

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
