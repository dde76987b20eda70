"""Who types a command: the name under which the record keeps it, and whom the command is about."""

from __future__ import annotations

import os
import pwd
import sys

from django.core.management.base import OutputWrapper

from orgo_audit.errors import BadInput

COMMAND = "system:"  # no person of the portal can have such a name


def operator_name() -> str:
    """The user of the operating system, whatever the environment says.

    A number where it has no name, as in a container.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def recorded_operator() -> str:
    """The same as an actor: who types on the server is not known by name to the portal."""
    return f"{COMMAND}{operator_name()}"


def typed_person(stderr: OutputWrapper) -> str:
    """One line of stdin, so that nobody's name is in a list of processes; no error repeats it."""
    source = sys.stdin.buffer
    if sys.stdin.isatty():
        stderr.write("Address or name of the person: ", style_func=str, ending="")
        stderr.flush()
        typed = source.readline()
    else:
        typed = source.read()
    lines = typed.decode(errors="replace").strip().splitlines()
    if len(lines) != 1 or "\N{REPLACEMENT CHARACTER}" in lines[0]:
        raise BadInput("expected the person's address or name on stdin: one line of UTF-8")
    return lines[0]
