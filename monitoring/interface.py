"""All that other apps may touch of monitoring."""

from __future__ import annotations
