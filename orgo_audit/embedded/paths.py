"""Where the embedded mode keeps its state under ORGO_HOME. Only names and reading; starts nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

DATABASE_NAME = "orgo_audit"
# A Unix socket's path may have 107 bytes on Linux and 103 elsewhere; the longest name in the folder has 30.
SOCKET_FOLDER_LIMIT = 70


def secrets_folder(home: Path) -> Path:
    return home / "secrets"


def read_secret(home: Path, name: str) -> str:
    """The secret of that name, or nothing where `up` has not made it yet."""
    file = secrets_folder(home) / name
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def socket_folder(home: Path) -> Path:
    """Where the sockets live: in the home, or in a short private folder if the home's path is too long."""
    folder = home / "run"
    if len(os.fsencode(folder)) <= SOCKET_FOLDER_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"orgo-{os.getuid()}-{digest}"


def database_url(home: Path, role: str, password: str) -> str:
    host = quote(str(socket_folder(home)), safe="")
    return f"postgres://{role}:{quote(password, safe='')}@{host}/{DATABASE_NAME}"


def valkey_socket(home: Path) -> Path:
    return socket_folder(home) / "valkey.sock"
