"""Puts a policy into force for a test."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from orgo_audit.policy import versions
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.schema import as_plain
from tests.builders import setting_the_scene

_COPIED = (
    "text, digest, state, author, loaded_at, decided_at, decided_by, diff, problem, consequences"
)


def rewritten(plain: str) -> str:
    """SQL: one more version in force, as the newest but for what SQL reads, an expression."""
    return (
        f"INSERT INTO policy_policyversion ({_COPIED}, plain) SELECT {_COPIED}, {plain}"  # noqa: S608
        " FROM policy_policyversion ORDER BY id DESC LIMIT 1"
    )


def in_force(text: str, *, since: datetime | None = None, using: str = "default") -> None:
    """This policy holds, since now or that instant, whatever accepting it took.

    Only `using="owner"` gives a worker's test another instant than now.
    """
    with setting_the_scene():
        now = since or timezone.now()
        PolicyVersion.objects.using(using).create(
            text=text,
            plain=as_plain(load_policy(text, name="test.yaml")),
            digest=f"{PolicyVersion.objects.count():064}",
            author="ops",
            loaded_at=now,
            decided_at=now,
            state=PolicyState.ACCEPTED,
        )
    versions.forget_cache()


def alone_in_force(text: str, *, using: str = "default") -> None:
    """As `in_force`, for so long that what was in force before is heeded no more."""
    in_force(text, since=timezone.now() - timedelta(days=3), using=using)
