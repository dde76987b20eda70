"""Whom PostgreSQL runs as, since it refuses root. Must never widen a folder's rights for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from orgo_audit.errors import Unavailable


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """How to run a program unprivileged, and which uid then owns its files."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def identity(self) -> _Identity:
        """Keywords for `subprocess`: none where the process keeps our own uid."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make the folder and all in it this account's own, where it is not yet."""
        if os.geteuid() == 0 and folder.stat().st_uid != self.uid:
            for path in (*folder.rglob("*"), folder):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


def find_account(program: Path, folder: Path) -> Account:
    """The first account that can run the program with its files in the folder."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for account in _candidates():
        if _can_run(account, program, folder.parent):
            account.give(folder)
            return account
    raise Unavailable(
        f"PostgreSQL refuses to run as root, and no other account can use {folder}"
        f" with {program}."
        " Start as an ordinary user, set ORGO_HOME to a folder that others may enter, allow user"
        " namespaces, or set DATABASE_URL to a server of your own."
    )


def _candidates() -> Iterator[Account]:
    nobody = pwd.getpwnam("nobody")
    yield Account(nobody.pw_uid, nobody.pw_gid)
    unshare = shutil.which("unshare")
    if unshare:
        # In a user namespace the server sees an ordinary uid, and our 0700 folders stay ours.
        maps = (f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
        yield Account(0, 0, prefix=(unshare, "--user", *maps))


def _can_run(account: Account, program: Path, home: Path) -> bool:
    check = 'test -x "$2" && exec "$1" --version'
    command = [*account.prefix, "/bin/sh", "-c", check, "sh", str(program), str(home)]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, cwd="/", check=False, **account.identity
        )
    except OSError:
        return False
    return done.returncode == 0
