"""Where the developers' shared data lies, beside the project: tests pass without it."""

from __future__ import annotations

from pathlib import Path

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
