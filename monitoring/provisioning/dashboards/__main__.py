"""For developers: writes the dashboards' files anew after a change of their modules."""

from __future__ import annotations

from pathlib import Path

from monitoring.provisioning.dashboards.catalog import files

FOLDER = Path(__file__).resolve().parents[1] / "grafana" / "dashboards" / "orgo"

for name, text in files().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
