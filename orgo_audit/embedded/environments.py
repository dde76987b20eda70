"""What each child process is told. A child must never be told another's secret, nor the owner's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orgo_audit import logins
from orgo_audit.embedded import keys, paths
from orgo_audit.operator_settings import is_given

SECRET_KEY = "ORGO_SECRET_KEY"  # noqa: S105
VAULT_PUBLIC_KEY = "ORGO_VAULT_PUBLIC_KEY"
VAULT_KEY = "ORGO_VAULT_KEY"
HANDED_OUT = (
    *map(logins.url_variable, logins.LOGINS),
    VAULT_KEY,
    "ORGO_SIGNING_KEY",
    "ORGO_PASSWORD",
    "ORGO_PROCESS",
)
COUNTERS = "PROMETHEUS_MULTIPROC_DIR"


def has_vault_here() -> bool:
    """Whether this machine is to open what is sealed: not where only the public key was given."""
    return is_given(VAULT_KEY) or not is_given(VAULT_PUBLIC_KEY)


@dataclass(frozen=True, slots=True)
class Environments:
    """Makes environments from the operator's own and the URLs of the logins."""

    home: Path
    urls: Mapping[str, str]
    address: Mapping[str, str]  # said again: the operator may have given it by file

    def of_process(self, process: str, *, counts: bool) -> dict[str, str]:
        """For a running process: its name, its one login, its folder of counters if it counts."""
        environment = self.bare() | {"ORGO_PROCESS": process}
        login = logins.LOGIN_OF_PROCESS[process]
        if login in (logins.NO_LOGIN, logins.VAULT):  # it signs no session
            environment = {k: v for k, v in environment.items() if not k.startswith(SECRET_KEY)}
        if login == logins.NO_LOGIN:
            return environment
        if login == logins.VAULT:
            environment |= self._vault_key()
        environment[logins.url_variable(login)] = self.urls[login]
        if counts:
            environment[COUNTERS] = str(paths.metrics_folder(self.home))
        return environment

    def of_set_up(self) -> dict[str, str]:
        """For a short command that prepares the database: all logins but the vault's."""
        known = {login: url for login, url in self.urls.items() if login != logins.VAULT}
        return self.bare() | {logins.url_variable(login): url for login, url in known.items()}

    def _vault_key(self) -> dict[str, str]:
        names = (VAULT_KEY, f"{VAULT_KEY}_FILE")
        if is_given(VAULT_KEY):
            return {name: os.environ[name] for name in names if name in os.environ}
        return {names[1]: str(paths.secrets_folder(self.home) / keys.PRIVATE_KEY)}

    def bare(self) -> dict[str, str]:
        """For a command without a database: the operator's settings, and no URL of a login."""
        dropped = {*HANDED_OUT, *(f"{name}_FILE" for name in HANDED_OUT), COUNTERS}
        environment = {k: v for k, v in os.environ.items() if k not in dropped}
        environment |= {**self.address, "ORGO_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}
        for name, file in ((SECRET_KEY, "secret_key"), (VAULT_PUBLIC_KEY, keys.PUBLIC_KEY)):
            if not is_given(name):
                environment[f"{name}_FILE"] = str(paths.secrets_folder(self.home) / file)
        return environment
