"""One POST to an address that a policy names: never into the own network, never without an end.

The name is resolved once, all its addresses are judged, and one of these very addresses is
connected to: a name that answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM, gaierror, getaddrinfo
from typing import Any

import httpcore

TOTAL_SECONDS = 10.0
# They carry an IPv4 address to whoever translates: 6to4, Teredo, NAT64 (RFC 3056, 4380, 6052).
_TRANSLATED = tuple(map(IPv6Network, ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")))


class NotPublic(Exception):
    """The name leads to an address that is not of the public internet."""


class Unreachable(Exception):
    """Nobody answers there, or not in time, or not with HTTP."""


def post(url: str, headers: Mapping[str, str], body: bytes, *, may_be_private: bool = False) -> int:
    """The status of the answer, whose body is not read; redirects are not followed."""
    deadline = time.monotonic() + TOTAL_SECONDS
    backend = _Guarded(deadline, may_be_private=may_be_private)
    context = ssl.create_default_context()
    limits = dict.fromkeys(("connect", "read", "write", "pool"), TOTAL_SECONDS)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(
                "POST",
                url,
                headers=list(headers.items()),
                content=body,
                extensions={"timeout": limits},
            ) as answer,
        ):
            return answer.status
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        httpcore.UnsupportedProtocol,
        OSError,
    ) as error:
        raise Unreachable from error


def is_public(address: str) -> bool:
    """Whether everybody's packets may go there, and to nobody's own network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return _is_public(ip.ipv4_mapped)
        if any(ip in network for network in _TRANSLATED) or ip.is_site_local:
            return False
    return _is_public(ip)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class _Guarded(httpcore.SyncBackend):
    """Resolves, judges and connects; what it opens ends at the deadline."""

    def __init__(self, deadline: float, *, may_be_private: bool) -> None:
        self._deadline = deadline
        self._may_be_private = may_be_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port)
        stream = super().connect_tcp(
            addresses[0], port, _left(self._deadline), local_address, socket_options
        )
        return _Limited(stream, self._deadline)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = [str(one[4][0]) for one in getaddrinfo(host, port, type=SOCK_STREAM)]
        except (gaierror, UnicodeError) as error:
            raise httpcore.ConnectError from error
        if not self._may_be_private and not all(map(is_public, found)):
            raise NotPublic
        return found


class _Limited(httpcore.NetworkStream):
    """Each step gets what is left of the whole time: a server that drips holds nobody."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _Limited(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
