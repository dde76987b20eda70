"""The whole portal for the journeys that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import Portal, a_free_port


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path / "home", a_free_port(), a_free_port())
    yield portal
    for up in portal.ups:
        up.process.kill()
        up.process.wait()
        up.listener.join()
    portal.wait_until_gone()
