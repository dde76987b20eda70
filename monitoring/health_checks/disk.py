"""Whether there is room on the disk where the portal keeps its state."""

from __future__ import annotations

import shutil
from datetime import datetime

from django.conf import settings

from monitoring.health_checks.base import Finding, Outcome, outcome_of

LEAST_SHARE, LEAST_BYTES = 0.10, 1_000_000_000


class Disk:
    name = "disk"
    verifies = "a tenth of the disk under ORGO_HOME is free, and a gigabyte at least"

    def run(self, now: datetime) -> Outcome:
        use = shutil.disk_usage(settings.ORGO_HOME)
        share = use.free / use.total
        facts = {"free_bytes": use.free, "free_share": round(share, 4)}
        told = f"{share:.0%} of the disk is free ({use.free / 1e9:,.1f} GB)"
        is_well = share >= LEAST_SHARE and use.free >= LEAST_BYTES
        return outcome_of([Finding(told, is_well=is_well, facts=facts)])
