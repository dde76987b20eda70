"""Saves watched tasks, half of them new and half changed, for as many seconds as a line says.

One process with one connection, each save a transaction of its own. Answers each line of stdin
with a line of JSON: the log entries that were written, the seconds and the CPU that it took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.watched.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, run_syncdb=True, verbosity=0)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_save_for(float(line))), flush=True)


def _save_for(seconds: float) -> dict[str, float]:
    from auditlog.models import LogEntry

    before = LogEntry.objects.count()
    number = 0
    cpu, began = time.process_time(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        _create_and_change(number)
        number += 1
    spent, took = time.process_time() - cpu, time.perf_counter() - began
    return {"events": LogEntry.objects.count() - before, "seconds": took, "cpu_seconds": spent}


def _create_and_change(number: int) -> None:
    from bench.watched.models import Task

    task = Task(
        name=f"task-{number:09}",
        actor=f"person.{number % 40:02}@organization.com",
        route_from=f"mailbox_{number % 8}",
        route_to="it_support_queue",
        status="Pending",
        due=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
    )
    task.save()
    task.status = "Success"
    task.route_to = "facilities_queue"
    task.save()


if __name__ == "__main__":
    main()
