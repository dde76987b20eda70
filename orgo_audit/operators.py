"""Who types a command: the name under which the record keeps it."""

from __future__ import annotations

import getpass
import os


def operator_name() -> str:
    """The user of the operating system; a number where it has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def recorded_operator() -> str:
    """The same as an actor: who types on the server is not known by name to the portal."""
    return f"system:{operator_name()}"
