"""Sockets have a path that the system can take, and URLs that every reader understands."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import environ
from psycopg.conninfo import conninfo_to_dict

from orgo_audit.embedded import paths

LONG_HOME = Path("/srv") / ("a" * 120) / ("b" * 120)


def test_sockets_live_in_the_home() -> None:
    assert paths.socket_folder(Path("/srv/portal/var")) == Path("/srv/portal/var/run")


def test_a_long_home_gets_a_short_socket_folder_of_its_own() -> None:
    folder = paths.socket_folder(LONG_HOME)
    assert len(str(folder)) <= paths.SOCKET_FOLDER_LIMIT
    assert folder != paths.socket_folder(LONG_HOME / "other")


def test_the_url_means_the_same_to_libpq_and_to_django() -> None:
    home = Path("/srv/Portal One/var")
    url = paths.database_url(home, "orgo_web", "p/w?d%")
    of_libpq = conninfo_to_dict(url)
    of_django = environ.Env.db_url_config(url)
    assert of_libpq["host"] == of_django["OPTIONS"]["host"] == "/srv/Portal One/var/run"
    assert of_libpq["password"] == of_django["PASSWORD"] == "p/w?d%"
    assert of_libpq["dbname"] == of_django["NAME"] == paths.DATABASE_NAME


def test_the_socket_folder_is_no_host_name() -> None:
    parts = urlsplit(paths.database_url(Path("/srv"), "orgo_web", "x"))
    assert parts.hostname is None
    assert parse_qs(parts.query) == {"host": ["/srv/run"]}
