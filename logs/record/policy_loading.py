"""Loads the policy file for the record: a new version is put on record, its grants into force."""

from __future__ import annotations

import logging
from pathlib import Path

from django.db import transaction

from logs.record import access, own_events
from orgo_audit.errors import Unavailable
from orgo_audit.policy import versions
from orgo_audit.policy.models import PolicyState, PolicyVersion

logger = logging.getLogger(__name__)

ACTION_OF_STATE = {
    PolicyState.ACCEPTED: "Policy Accepted",
    PolicyState.WAITING: "Policy Loaded",
    PolicyState.REFUSED: "Policy Refused",
}


@transaction.atomic
def load(path: Path) -> PolicyVersion | None:
    """The new version, where the file changed since it was last looked at."""
    version = versions.load_file(path)
    if version is None:
        return None
    try:
        put_on_record(version)
        access.sync_grants()
    except Unavailable:  # the policy in force cannot be read; only a new one can end that
        logger.exception("a loaded policy is not on record", extra={"version": version.pk})
    return version


@transaction.atomic
def accept(version_id: int, by: str) -> PolicyVersion:
    """A person accepts what waits; the worker then puts its grants into force."""
    version = versions.accept(version_id, by)
    put_on_record(version)
    return version


@transaction.atomic
def refuse(version_id: int, by: str) -> PolicyVersion:
    """A person refuses what waits."""
    version = versions.refuse(version_id, by)
    put_on_record(version)
    return version


def put_on_record(version: PolicyVersion) -> None:
    action = ACTION_OF_STATE[PolicyState(version.state)]
    if version.problem:
        action = "Policy File Refused"
    told = {"version": version.pk, "state": version.state}
    own_events.report_policy(action, version.decided_by or version.author, told)
