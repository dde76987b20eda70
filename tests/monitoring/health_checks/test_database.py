"""The check of PostgreSQL's data, on really damaged indexes of the tests' own server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from monitoring import backups
from monitoring.health_checks import database
from monitoring.health_checks.base import Outcome, outcome_of
from monitoring.health_checks.database import DRILL, Database
from monitoring.health_checks.models import CheckState
from orgo_audit.embedded import paths
from orgo_audit.embedded.postgres import PORT, SUPERUSER
from tests import environment
from tests.monitoring.health_checks.conftest import Kept, told
from tests.policies import in_force

pytestmark = pytest.mark.usefixtures("as_worker")

WHOLE, DAMAGED = "orgo_indexes_whole", "orgo_indexes_damaged"
NAME = "person_name"
FAILED, OK = CheckState.FAILED, CheckState.OK
PAGE = 8192


# --- indexes ------------------------------------------------------------------------------------


def superuser(name: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(paths.socket_folder(environment.HOME)),
        port=PORT,
        user=SUPERUSER,
        password=paths.read_secret(environment.HOME, SUPERUSER),
        dbname=name,
        autocommit=True,
    )


@pytest.fixture
def whole(committed: None) -> Iterator[Path]:
    """A database with some indexes, which nobody may verify; the file of one of them."""
    if not environment.is_embedded():
        pytest.skip("damages files: only on the server that the tests have started")
    with closing(superuser()) as administrator:
        for name in (WHOLE, DAMAGED):
            backups._drop(administrator, name)
        backups._create(administrator, WHOLE)
        with closing(superuser(WHOLE)) as inside:
            inside.execute("CREATE TABLE person (id int PRIMARY KEY, name text)")
            inside.execute(
                "INSERT INTO person SELECT n, md5(n::text) FROM generate_series(1, 5000) AS n"
            )
            inside.execute(f"CREATE INDEX {NAME} ON person (name)")
            inside.execute("CREATE UNLOGGED TABLE passing (id int PRIMARY KEY)")
            row = inside.execute("SELECT pg_relation_filepath(%s)", [NAME]).fetchone()
        assert row is not None
        yield Path(row[0])
        for name in (WHOLE, DAMAGED):
            backups._drop(administrator, name)


@pytest.fixture
def verifiable(whole: Path) -> Path:
    with closing(superuser(WHOLE)) as inside:
        inside.execute("CREATE EXTENSION amcheck")
        inside.execute("GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO orgo_worker")
    return whole


def looked_at(name: str) -> Outcome:
    """What the check says of the indexes of that database, with the worker's login."""
    default = connections["default"]
    default.close()
    before, default.settings_dict["NAME"] = default.settings_dict["NAME"], name
    try:
        return outcome_of(database._indexes())
    finally:
        default.close()
        default.settings_dict["NAME"] = before


def damaged(file: Path, damage: Callable[[Path], None]) -> None:
    """A copy of the database whose pages nobody has read yet, made of files that were damaged."""
    with closing(superuser()) as administrator:
        administrator.execute("CHECKPOINT")
        damage(environment.HOME / "postgres" / "data" / file)
        administrator.execute(f"CREATE DATABASE {DAMAGED} TEMPLATE {WHOLE} STRATEGY file_copy")


def test_whole_indexes_are_counted_but_not_those_that_a_crash_empties(verifiable: Path) -> None:
    outcome = looked_at(WHOLE)
    assert told(outcome) == (OK, "2 indexes are whole")
    assert outcome.facts == {"indexes": 2, "broken_indexes": 0}


def test_without_amcheck_nothing_is_called_whole(whole: Path) -> None:
    assert told(looked_at(WHOLE)) == (FAILED, database._HOW_TO)


def test_without_the_right_to_use_it_too(verifiable: Path) -> None:
    with closing(superuser(WHOLE)) as inside:
        inside.execute("REVOKE EXECUTE ON FUNCTION bt_index_check(regclass) FROM orgo_worker")
    assert told(looked_at(WHOLE)) == (FAILED, database._HOW_TO)


def flip_bytes(file: Path) -> None:
    """In the middle of the second page, as a failing disk does."""
    with file.open("r+b") as pages:
        pages.seek(PAGE + PAGE // 2)
        some = pages.read(512)
        pages.seek(PAGE + PAGE // 2)
        pages.write(bytes(byte ^ 0xFF for byte in some))


def cut(file: Path) -> None:
    with file.open("r+b") as pages:
        pages.truncate(2 * PAGE)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def zero_a_page(file: Path) -> None:
    with file.open("r+b") as pages:
        pages.seek(PAGE)
        pages.write(bytes(PAGE))


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.long
@pytest.mark.parametrize("damage", [flip_bytes, cut, empty, zero_a_page, remove])
def test_a_damaged_index_is_named_and_the_others_are_still_seen(
    verifiable: Path, damage: Callable[[Path], None]
) -> None:
    damaged(verifiable, damage)
    outcome = looked_at(DAMAGED)
    assert told(outcome) == (FAILED, f"broken indexes: {NAME}")
    assert outcome.facts == {"indexes": 2, "broken_indexes": 1}


@pytest.mark.long
def test_an_order_that_changed_under_an_index_is_found(verifiable: Path) -> None:
    """As after an upgrade of the system's collations: each page is whole, the order is wrong."""
    with closing(superuser(WHOLE)) as inside:
        inside.execute(
            "CREATE FUNCTION compared(int, int) RETURNS int IMMUTABLE LANGUAGE sql"
            " AS 'SELECT btint4cmp($1, $2)'"
        )
        inside.execute(
            "CREATE OPERATOR CLASS own FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=,"
            " OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compared(int, int)"
        )
        inside.execute("CREATE INDEX in_own_order ON person (id own)")
        assert looked_at(WHOLE).state == OK
        inside.execute(
            "CREATE OR REPLACE FUNCTION compared(int, int) RETURNS int IMMUTABLE LANGUAGE sql"
            " AS 'SELECT btint4cmp($2, $1)'"
        )
        assert told(looked_at(WHOLE)) == (FAILED, "broken indexes: in_own_order")


# --- segments, checksums, drills ----------------------------------------------------------------


def parts(days_from_now: float = 0) -> list[str]:
    outcome = Database().run(timezone.now() + timedelta(days=days_from_now))
    return outcome.detail.split("; ")


@pytest.mark.django_db
def test_segments_are_there_or_named() -> None:
    assert "this and the next month's segments are there" in parts()
    later = timezone.now() + timedelta(days=366)
    (missing,) = [part for part in parts(366) if part.startswith("segments are missing: ")]
    assert f"activity-{later:%Y-%m}" in missing
    assert missing.count(",") == 5, "three log types, two months"


@pytest.mark.django_db
def test_checksums_are_told_either_way() -> None:
    said = {"no page failed its checksum", "the server keeps no checksums"}
    assert len(said.intersection(parts())) == 1


@pytest.mark.django_db
def test_a_new_portal_has_until_its_first_drill_is_due() -> None:
    in_force("{}\n")
    due = timezone.now() + timedelta(days=35)
    assert parts(34)[-2:] == ["no backup was restored yet", f"it is due by {due:%Y-%m-%d}"]
    assert f"no backup was restored by {due:%Y-%m-%d}: run `backup` and `restore --drill`" in parts(
        35.01
    )


@pytest.mark.django_db
def test_a_drill_holds_for_35_days(kept: Kept) -> None:
    now = timezone.now()
    kept(DRILL, now)
    assert f"a backup was restored on {now:%Y-%m-%d}" in parts(34.9)
    assert any(part.startswith("no backup was restored by ") for part in parts(35.1))


@pytest.mark.django_db
def test_a_failed_drill_counts_until_one_is_well_again(kept: Kept) -> None:
    now = timezone.now()
    kept(DRILL, now - timedelta(days=3))
    kept(DRILL, now - timedelta(days=2), "failed")
    assert "the last restore drill failed" in parts()
    kept(DRILL, now - timedelta(days=1))
    assert "the last restore drill failed" not in parts()
