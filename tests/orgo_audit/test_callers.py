"""Whose address is it? The connection's, unless our own proxies stand in front."""

from __future__ import annotations

import pytest
from django.test import RequestFactory, override_settings

from orgo_audit.callers import address_of

CONNECTION = "10.0.0.2"


def address(proxies: int, forwarded: str | None) -> str | None:
    request = RequestFactory().get("/", REMOTE_ADDR=CONNECTION)
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    with override_settings(ORGO_TRUSTED_PROXIES=proxies):
        return address_of(request)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, CONNECTION),
        (0, "198.51.100.7", CONNECTION),  # anybody can write that
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        (2, "1.1.1.1, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        (1, "198.51.100.7:4711", "198.51.100.7"),
        (1, "[2001:DB8::1]:443", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, None, CONNECTION),
        (2, "198.51.100.7", CONNECTION),  # shorter than it must be
        (1, "unknown", CONNECTION),
        (1, "198.51.100.7, ", CONNECTION),
        (1, "fe80::1%eth0", CONNECTION),
        (1, "' OR 1=1 --", CONNECTION),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    proxies: int, forwarded: str | None, expected: str
) -> None:
    assert address(proxies, forwarded) == expected
