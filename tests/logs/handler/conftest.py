"""A portal that takes everything, and handlers that deliver to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from logs import python_handler
from logs.python_handler import OrgoHandler
from tests.logs.handler.fake_portal import TOKEN, FakePortal, serving
from tests.logs.handler.loggers import logger_of


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with serving(FakePortal()) as portal:
        yield portal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def handler(portal: FakePortal, file: Path) -> Iterator[OrgoHandler]:
    handler = OrgoHandler(portal.url, TOKEN, filename=file, source="email_parser")
    yield handler
    handler.close()


@pytest.fixture
def log(handler: OrgoHandler) -> logging.Logger:
    return logger_of(handler)


@pytest.fixture
def start(portal: FakePortal, tmp_path: Path) -> Iterator[Callable[..., OrgoHandler]]:
    """Starts handlers, which are closed once the portal is well again."""
    started: list[OrgoHandler] = []

    def start(folder: Path = tmp_path, **options: Any) -> OrgoHandler:
        file = folder / "audit.log"
        handler = OrgoHandler(portal.url, TOKEN, filename=file, source="email_parser", **options)
        started.append(handler)
        return handler

    yield start
    portal.always = None
    for handler in started:
        handler.close()


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE_SECONDS", "LONGEST_PAUSE_SECONDS", "TICK_SECONDS"):
        monkeypatch.setattr(python_handler, name, 0.02)
