"""Calls an outside watchman such as healthchecks.io: when the calls stop, it raises the alarm."""

from __future__ import annotations

import logging

import httpx

logger = logging.getLogger(__name__)
LIMIT_SECONDS = 10.0


def ping(url: str) -> None:
    """One GET. That it failed is only logged: the watchman notices by itself."""
    try:
        httpx.get(url, timeout=LIMIT_SECONDS, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        logger.warning("the ping was not taken", extra={"error": type(error).__name__})
