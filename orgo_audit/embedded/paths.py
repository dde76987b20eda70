"""Where the embedded mode keeps its state under ORGO_HOME. Names and reading; starts nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

DATABASE_NAME = "orgo_audit"
# A Unix socket's path may have 107 bytes on Linux, 103 elsewhere; our longest name has 30.
SOCKET_FOLDER_LIMIT = 70
# Not TMPDIR: a command typed in another shell must find the same folder. `up` verifies its owner.
SHORT_ROOT = Path("/tmp")  # noqa: S108


def secrets_folder(home: Path) -> Path:
    return home / "secrets"


def read_secret(home: Path, name: str) -> str:
    """The secret of that name, or nothing where `up` has not made it yet."""
    file = secrets_folder(home) / name
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def address_file(home: Path) -> Path:
    """Where `up` leaves its ports and its public URL for commands typed in another shell."""
    return home / "address"


def running_address(home: Path) -> dict[str, str]:
    """What it left, by setting; nothing where it never ran."""
    file = address_file(home)
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return dict(line.split("=", 1) for line in lines)


def log_folder(home: Path) -> Path:
    return home / "log"


def metrics_folder(home: Path) -> Path:
    """Where the counters of several processes meet (PROMETHEUS_MULTIPROC_DIR)."""
    return home / "metrics"


def socket_folder(home: Path) -> Path:
    """Where the sockets live: in the home, or in a short private folder if its path is too long."""
    folder = home / "run"
    if len(os.fsencode(folder)) <= SOCKET_FOLDER_LIMIT:
        return folder
    return _short_folder(home)


def binaries_folder(home: Path) -> Path:
    """Where a copy of PostgreSQL lies while it runs, if its account cannot reach the packages."""
    folder = _short_folder(home)
    return folder.with_name(f"{folder.name}-postgresql")


def _short_folder(home: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return SHORT_ROOT / f"orgo-{os.getuid()}-{digest}"


def database_url(home: Path, role: str, password: str) -> str:
    """The socket's folder is no host here: django-environ would write it in lower case."""
    host = quote(str(socket_folder(home)), safe="")
    return f"postgres://{role}:{quote(password, safe='')}@/{DATABASE_NAME}?host={host}"


def valkey_socket(home: Path) -> Path:
    return socket_folder(home) / "valkey.sock"
