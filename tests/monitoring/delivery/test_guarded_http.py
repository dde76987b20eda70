"""Which addresses a webhook may reach: those of the public internet, however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.delivery.guarded_http import is_public

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1"),
    *("fec0::1", "not an address", ""),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_reached(address: str) -> None:
    assert is_public(address)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_address_means_the_same_written_as_ipv6(address: IPv4Address) -> None:
    assert is_public(str(address)) == is_public(f"::ffff:{address}")


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.sampled_from(["64:ff9b::", "2002:"]))
def test_no_translation_carries_an_address_past_the_guard(
    address: IPv4Address, prefix: str
) -> None:
    words = f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"
    written = f"{prefix}{words}" if prefix.startswith("64") else f"{prefix}{words}::"
    assert not is_public(str(IPv6Address(written)))
