"""Puts a policy into force for a test."""

from __future__ import annotations

from datetime import datetime

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


def in_force(text: str, *, since: datetime | None = None) -> None:
    """This policy holds, since now or that instant, whatever accepting it took."""
    with setting_the_scene():
        now = since or timezone.now()
        PolicyVersion.objects.create(
            text=text,
            plain=as_plain(load_policy(text, name="test.yaml")),
            digest=f"{PolicyVersion.objects.count():064}",
            author="ops",
            loaded_at=now,
            decided_at=now,
            state=PolicyState.ACCEPTED,
        )
    versions.forget_cache()
