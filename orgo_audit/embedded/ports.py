"""Whether the ports we want are free, said in words; holds none of them."""

from __future__ import annotations

import errno
import os
import socket

from orgo_audit.errors import Unavailable

IPV4_LOOPBACK = "127.0.0.1"
IPV6_LOOPBACK = "::1"


def has_ipv6_loopback() -> bool:
    return socket.has_ipv6 and _bind_fault(IPV6_LOOPBACK, 0) is None


def refuse_taken_port(port: int, setting: str) -> None:
    """A sentence that names the port and the setting, if we could not listen there."""
    addresses = [IPV4_LOOPBACK, *([IPV6_LOOPBACK] if has_ipv6_loopback() else [])]
    for address in addresses:
        fault = _bind_fault(address, port)
        if fault == errno.EADDRINUSE:
            raise Unavailable(
                f"Port {port} is taken by another program. Stop it, or set {setting} to a free one."
            )
        if fault == errno.EACCES:
            raise Unavailable(
                f"Port {port} is for the administrator alone. Set {setting} above 1023."
            )
        if fault is not None:
            raise Unavailable(
                f"Nothing can listen on {address}, port {port}: {os.strerror(fault)}."
            )


def _bind_fault(address: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the servers do: an address that a closed connection still names is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            probe.listen(1)
    except OSError as error:
        return error.errno
    return None
