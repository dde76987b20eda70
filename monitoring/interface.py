"""All that other apps may touch of monitoring."""

from __future__ import annotations

from monitoring.health_checks.running import failed_checks
from monitoring.heartbeat import missed
from monitoring.watching import is_fresh as watch_is_fresh

__all__ = ["failed_checks", "missed", "watch_is_fresh"]
