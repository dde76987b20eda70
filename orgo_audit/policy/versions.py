"""Loads the policy file into versions and says which is in force; never asks the file for that."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from django.db import connection, models, transaction
from django.utils import timezone

from orgo_audit.errors import Conflict, NotFound, PolicyError, Unavailable
from orgo_audit.policy.changes import consequences
from orgo_audit.policy.contradictions import LONGEST_NOTICE
from orgo_audit.policy.loading import load_policy, read_policy_file
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.nodes import decode
from orgo_audit.policy.schema import Policy, as_plain

RECHECK_SECONDS = 2.0
# Comparing takes the square of the lines; no policy is so long.
LONGEST_DIFF_LINES = 5000
# Any number will do, as long as nothing else in this database locks the same one.
_LOCK_KEY = 0x6F72676F_706F6C


@dataclass(frozen=True, slots=True)
class _Known:
    """What this process last learned: the version in force (0: none) and its policy."""

    version_id: int
    policy: Policy
    checked_at: float


_known: _Known | None = None


def current() -> Policy:
    """The policy in force: the newest accepted version, at most RECHECK_SECONDS old.

    The shipped defaults hold only while no version was ever accepted. Raises Unavailable if the
    version in force cannot be read any more, rather than working with another one.
    """
    global _known
    known = _known
    if known is not None and monotonic() - known.checked_at < RECHECK_SECONDS:
        return known.policy
    version_id = _accepted().values_list("id", flat=True).first() or 0
    unchanged = known is not None and known.version_id == version_id
    policy = known.policy if known is not None and unchanged else _policy_of(version_id)
    _known = _Known(version_id, policy, monotonic())
    return policy


def heeded() -> list[Policy]:
    """The policy in force, and each that was within the longest notice.

    Nothing is destroyed that one of them keeps: SQL's `heeded_versions` has the last word.
    """
    found, since = [current()], LONGEST_NOTICE.before(timezone.now())
    accepted = list(_accepted()[:1])
    while accepted and accepted[0].decided_at and accepted[0].decided_at > since:
        accepted = list(_accepted().filter(id__lt=accepted[0].pk)[:1])
        found += filter(None, map(readable_policy, accepted))
    return found


def forget_cache() -> None:
    """Makes the next `current()` ask the database."""
    global _known
    _known = None


def load_file(path: Path, *, now: datetime | None = None) -> PolicyVersion | None:
    """Makes a version of the file's text, or None where nothing changed since the newest load.

    Accepted at once are the very first usable text and a change without consequences; another one
    waits in place of what waited before. A broken text is refused. Going back to the text in force
    makes no version, and withdraws what waited. Raises PolicyError where the file is unreadable.
    """
    raw = read_policy_file(path)
    author = _owner(path)
    with one_at_a_time():
        loaded = _load(raw, path.name, author, now or timezone.now())
    forget_cache()
    return loaded


def waiting() -> PolicyVersion | None:
    """The version that waits for a decision."""
    return PolicyVersion.objects.filter(state=PolicyState.WAITING).first()


def in_force() -> PolicyVersion | None:
    """The newest accepted version."""
    return _accepted().first()


def policy_at(instant: datetime) -> Policy | None:
    """The policy that was in force then, if any was and this release can read it."""
    version = _accepted().filter(decided_at__lte=instant).first()
    return readable_policy(version) if version is not None else None


def refused_by_a_person(path: Path) -> PolicyVersion | None:
    """The version that holds the file's text, where that is the newest and a person refused it."""
    newest = PolicyVersion.objects.first()
    if newest is None or newest.state != PolicyState.REFUSED or not newest.decided_by:
        return None
    return newest if newest.digest == hashlib.sha256(read_policy_file(path)).hexdigest() else None


def unusable() -> PolicyVersion | None:
    """The newest load, where it was a file that could not be used."""
    newest = PolicyVersion.objects.first()
    return newest if newest is not None and newest.problem else None


def accept(version_id: int, by: str) -> PolicyVersion:
    """Puts the waiting version into force. Raises NotFound, or Conflict where it does not wait."""
    return _decide(version_id, PolicyState.ACCEPTED, by)


def refuse(version_id: int, by: str) -> PolicyVersion:
    """Refuses the waiting version. Raises NotFound, or Conflict where it does not wait."""
    return _decide(version_id, PolicyState.REFUSED, by)


def _accepted() -> models.QuerySet[PolicyVersion]:
    return PolicyVersion.objects.filter(state=PolicyState.ACCEPTED).order_by("-id")


def _policy_of(version_id: int) -> Policy:
    if not version_id:
        return Policy()
    text = PolicyVersion.objects.values_list("text", flat=True).get(id=version_id)
    try:
        return load_policy(text, name=f"policy version {version_id}")
    except PolicyError:
        raise Unavailable(
            f"this release cannot read policy version {version_id}, which is in force;"
            " `manage.py check_policy` says what is wrong in the file; `--accept` accepts it"
        ) from None


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A transaction in which no other process loads, decides or puts a version into force."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        yield


def _load(raw: bytes, name: str, author: str, now: datetime) -> PolicyVersion | None:
    newest = PolicyVersion.objects.first()
    old = in_force()
    digest = hashlib.sha256(raw).hexdigest()
    if newest and newest.digest == digest and newest.withdrawn_at is None:
        return None
    if old and old.digest == digest:
        _withdraw(newest, now)
        return None
    _supersede()
    version = PolicyVersion(
        text=_storable(raw), digest=digest, author=author, loaded_at=now, decided_at=now
    )
    version.diff = _diff(old.text if old else "", version.text, name)
    _judge(version, raw, name, old)
    version.save(force_insert=True)
    return version


def _judge(version: PolicyVersion, raw: bytes, name: str, old: PolicyVersion | None) -> None:
    """Sets the version's state and its reason."""
    try:
        new = load_policy(decode(raw, name=name), name=name)
    except PolicyError as error:
        version.state, version.problem = PolicyState.REFUSED, str(error)
        return
    version.state, version.plain = PolicyState.ACCEPTED, as_plain(new)
    before = readable_policy(old) if old else new
    if before is None:  # nobody can tell what the change would do, so a person decides
        version.state, version.decided_at = PolicyState.WAITING, None
        return
    found = consequences(before, new)
    version.consequences = [consequence.as_json() for consequence in found]
    if found:
        version.state, version.decided_at = PolicyState.WAITING, None


def readable_policy(version: PolicyVersion) -> Policy | None:
    """Its policy; None for one that an older release loaded and this one cannot read."""
    try:
        return load_policy(version.text, name=f"policy version {version.pk}")
    except PolicyError:
        return None


def _supersede() -> None:
    waits = PolicyVersion.objects.filter(state=PolicyState.WAITING)
    waits.update(state=PolicyState.SUPERSEDED)


def _withdraw(newest: PolicyVersion | None, now: datetime) -> None:
    """The file went back: the same change, made once more, is to be judged again."""
    _supersede()
    if newest and newest.withdrawn_at is None:
        PolicyVersion.objects.filter(id=newest.id).update(withdrawn_at=now)


def _decide(version_id: int, state: PolicyState, by: str) -> PolicyVersion:
    with one_at_a_time():
        waits = PolicyVersion.objects.filter(id=version_id, state=PolicyState.WAITING)
        decided = waits.update(state=state, decided_by=by)  # the database says when
        version = PolicyVersion.objects.filter(id=version_id).first()
    if version is None:
        raise NotFound(f"there is no policy version {version_id}")
    if not decided:
        raise Conflict(f"policy version {version_id} does not wait; it is {version.state}")
    forget_cache()
    return version


def _diff(old: str, new: str, name: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > LONGEST_DIFF_LINES:
        return f"more than {LONGEST_DIFF_LINES} lines; not compared"
    titles = f"{name} (in force)", f"{name} (loaded)"
    return "\n".join(difflib.unified_diff(before, after, *titles, lineterm=""))


def _storable(raw: bytes) -> str:
    """The text as it can be kept: what is not UTF-8, and NUL, become the replacement character."""
    return raw.decode("utf-8", errors="replace").replace("\0", "\ufffd")


def _owner(path: Path) -> str:
    """The name of the file's owner, or the number of one without a name."""
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)
