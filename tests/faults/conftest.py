"""One portal for all faults, and the table of what became of the receipts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.accounting import CLIENT_TIMEOUT_SECONDS, Books
from tests.faults.audit import Balance
from tests.portal import PROJECT, Portal, a_free_port

BALANCES = pytest.StashKey[list[Balance]]()
COLUMNS = (
    *("fault", "receipts", "events found", "doubled", "lost"),
    *("longest wait for a receipt", "tries in vain"),
)

OpenBooks = Callable[..., Books]
Tell = Callable[[Balance], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash.setdefault(BALANCES, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not (balances := config.stash.get(BALANCES, [])):
        return
    terminalreporter.section("receipts through faults")
    terminalreporter.write_line(f"| {' | '.join(COLUMNS)} |")
    terminalreporter.write_line("|---" * len(COLUMNS) + "|")
    for one in sorted(balances, key=lambda one: one.fault):
        terminalreporter.write_line(
            f"| {one.fault} | {one.receipts} | {one.events} | {one.doubled} | {one.lost} |"
            f" {one.longest_wait_seconds:.1f} s | {one.in_vain} |"
        )


@pytest.fixture(scope="package")
def shared_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("faults")
    # Read by moved_clock.py, which the portal's Python processes load at their start.
    clock = folder / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text("import tests.faults.moved_clock\n")
    policy = shutil.copy(PROJECT / "orgo_audit" / "logging_config.yaml", folder / "policy.yaml")
    settings = {
        "ORGO_POLICY": str(policy),
        "PYTHONPATH": f"{clock}:{PROJECT}",
        "ORGO_TEST_CLOCK": str(clock / "seconds"),
    }
    portal = Portal(folder / "home", a_free_port(), a_free_port(), settings)
    portal.start_until_ready()
    yield portal
    portal.end()


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    """Whole again, whatever the fault before has broken."""
    Path(shared_portal.settings["ORGO_TEST_CLOCK"]).unlink(missing_ok=True)
    shared_portal.wait_until_green()
    return shared_portal


@pytest.fixture
def open_books(portal: Portal) -> OpenBooks:
    def opened(source: str, *, timeout: float = CLIENT_TIMEOUT_SECONDS) -> Books:
        words = ("--organization", "default", "--scope", "ingest,read")
        token = portal.run("create_token", source, *words).strip()
        return Books(source, portal.port, token, timeout)

    return opened


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Tell:
    return pytestconfig.stash[BALANCES].append
