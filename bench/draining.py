"""Takes all out of the vault's inbox for each line of stdin; answers with a line of JSON.

One process with the vault's login and keys, as `run_vault` is: how many events, in how many
seconds, with how much CPU.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "orgo_audit.settings"
    django.setup()
    from django.utils import timezone

    from logs.vault import inbox, rotation

    rotation.ensure_keyring(timezone.now().date())
    print("ready", flush=True)
    for _ in sys.stdin:
        before = _count()
        cpu, began = time.process_time(), time.perf_counter()
        while inbox.drain():
            pass
        spent, took = time.process_time() - cpu, time.perf_counter() - began
        told = {"events": _count() - before, "seconds": took, "cpu_seconds": spent}
        print(json.dumps(told), flush=True)


def _count() -> int:
    from logs.cases.models import CaseEvent

    return CaseEvent.objects.count()


if __name__ == "__main__":
    main()
