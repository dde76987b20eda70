"""Our settings, for the yardstick's server: the same in everything but the addresses."""

from __future__ import annotations

from orgo_audit.settings import *  # noqa: F403

ROOT_URLCONF = "bench.plain_view"
