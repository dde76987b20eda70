"""Which of our processes are at work, by the beats that they leave at even intervals."""

from __future__ import annotations

from datetime import datetime, timedelta

from logs.record.models import Beat
from orgo_audit.policy.models import PolicyVersion

# Six of the vault's beats, four of the worker's: a restart of the database passes unnoticed.
SILENT_AFTER = {
    Beat.Process.VAULT: timedelta(minutes=1),
    Beat.Process.WORKER: timedelta(minutes=2),
}


def leave(process: Beat.Process, now: datetime, problem: str = "") -> None:
    """Says that the process is at work, or which problem keeps it from that."""
    told = {"beaten_at": now, "problem": problem}
    Beat.objects.update_or_create(process=process, defaults=told)


def problem_of(process: Beat.Process, now: datetime) -> str | None:
    """None while it is at work; else why it is not, empty where it did not say."""
    beat = Beat.objects.filter(process=process).first()
    if beat is None or beat.problem:
        return beat.problem if beat else ""
    return None if beat.beaten_at > now - SILENT_AFTER[process] else ""


def vault_problem(now: datetime) -> str | None:
    return problem_of(Beat.Process.VAULT, now)


def vault_is_behind(now: datetime, limit: timedelta) -> bool:
    """Whether the vault has not been at work for so long, or says that it cannot be.

    One that never was has as long from the first policy on.
    """
    beat = Beat.objects.filter(process=Beat.Process.VAULT).first()
    if beat is not None:
        return bool(beat.problem) or beat.beaten_at <= now - limit
    first = PolicyVersion.objects.order_by("loaded_at").values_list("loaded_at", flat=True).first()
    return first is not None and first <= now - limit


def vault_seen() -> datetime | None:
    """When the vault was last at work; None where it never was, or says that it cannot be."""
    at_work = Beat.objects.filter(process=Beat.Process.VAULT, problem="")
    return at_work.values_list("beaten_at", flat=True).first()


def worker_problem(now: datetime) -> str | None:
    return problem_of(Beat.Process.WORKER, now)


def watch(now: datetime) -> None:
    """The worker's own beat: beat, broker and worker are at work."""
    leave(Beat.Process.WORKER, now)
