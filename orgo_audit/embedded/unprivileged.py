"""Whom PostgreSQL runs as, since it refuses root. Must never widen a folder's rights for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


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
    # It cannot walk to its folders: we open them, and it finds them by descriptor.
    by_descriptor: bool = False

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
    """The plainest account that can run the program with its files in the folder."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    last_resort = Account(nobody.pw_uid, nobody.pw_gid, by_descriptor=True)
    able = (one for one in _candidates(nobody) if can_run(one, program, home=folder.parent))
    account = next(able, last_resort)
    account.give(folder)
    return account


@contextmanager
def view(account: Account, *folders: Path) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """How the account's programs name the folders, and the descriptors to pass for that."""
    if not account.by_descriptor:
        yield [str(folder) for folder in folders], ()
        return
    held = tuple(os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders)
    try:
        yield [f"/proc/self/fd/{descriptor}" for descriptor in held], held
    finally:
        for descriptor in held:
            os.close(descriptor)


def _candidates(nobody: pwd.struct_passwd) -> Iterator[Account]:
    yield Account(nobody.pw_uid, nobody.pw_gid)
    unshare = shutil.which("unshare")
    if unshare:
        # In a user namespace the server sees an ordinary uid, and our 0700 folders stay ours.
        maps = (f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
        yield Account(0, 0, prefix=(unshare, "--user", *maps))


def can_run(account: Account, program: Path, home: Path = Path("/")) -> bool:
    """The account reaches the program and the folder; tried, since modes do not tell all."""
    check = 'test -x "$2" && exec "$1" --version'
    command = [*account.prefix, "/bin/sh", "-c", check, "sh", str(program), str(home)]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, cwd="/", check=False, **account.identity
        )
    except OSError:
        return False
    return done.returncode == 0
