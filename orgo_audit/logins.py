"""Which database login a process uses. No running process is ever the owner.

Every login is a role of its own, because the roles are the wall between the worlds. A process that
`up` starts is told its login by `ORGO_PROCESS`; a command typed by hand gets it from its name.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from orgo_audit.embedded import paths

OWNER = "owner"
WEB = "web"
WORKER = "worker"
VAULT = "vault"
LOGINS = (OWNER, WEB, WORKER, VAULT)

NO_LOGIN = ""
LOGIN_OF_PROCESS = {
    "web": WEB,
    "worker": WORKER,
    "beat": WORKER,
    "mail": NO_LOGIN,
    "vault": VAULT,
    "test": WEB,
}
OWNER_COMMANDS = frozenset({"migrate", "makemigrations", "showmigrations", "sqlmigrate"})
VAULT_COMMANDS = frozenset({"run_vault", "rotate_keys", "confirm_custodian"})


def role_name(login: str) -> str:
    """The PostgreSQL role of a login: `orgo_web`, and so on."""
    return f"orgo_{login}"


def url_variable(login: str) -> str:
    """The setting that holds a login's URL."""
    return "DATABASE_URL" if login == OWNER else f"ORGO_{login.upper()}_DATABASE_URL"


def login_for(process: str, command: str) -> str:
    """The login of this process: told by `up`, else guessed from the command that was typed."""
    if process:
        return LOGIN_OF_PROCESS[process]
    if command in OWNER_COMMANDS:
        return OWNER
    return VAULT if command in VAULT_COMMANDS else WORKER


def database_url(login: str, *, owner_url: str, home: Path) -> str:
    """The URL of a login without one of its own in the environment.

    It reaches the owner's server (the embedded one when `owner_url` is empty) with the password
    that `up` keeps under `secrets/`. Without such a file the URL has no password, and the server
    will say so.
    """
    password = paths.read_secret(home, role_name(login))
    if not owner_url:
        return paths.database_url(home, role_name(login), password)
    if login == OWNER:
        return owner_url
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{role_name(login)}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))
