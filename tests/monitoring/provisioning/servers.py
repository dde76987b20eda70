"""Real servers of the tests' own, on free ports of loopback, and how they are asked."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.portal import a_free_port

LIMIT_SECONDS = 30.0


def page(address: str) -> str:
    return httpx.get(address, timeout=10).raise_for_status().text


def until(found: Any, what: str) -> Any:
    limit = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < limit:
        if value := found():
            return value
        time.sleep(0.2)
    pytest.fail(f"waited in vain: {what}")


@contextmanager
def running_prometheus(folder: Path, config: str) -> Iterator[str]:
    """One that judges its rules, and scrapes itself, each second; with the history in `folder`."""
    listens = f"127.0.0.1:{a_free_port()}"
    (folder / "prometheus.yml").write_text(
        "global: {evaluation_interval: 1s, scrape_interval: 1s}\n"
        "scrape_configs:\n"
        f"- {{job_name: prometheus, static_configs: [{{targets: ['{listens}']}}]}}\n{config}"
    )
    words = (
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listens}",
        f"--web.external-url=http://{listens}",
        "--rules.alert.resend-delay=1s",
    )
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stderr=log) as server:
        try:
            until(lambda: answers(f"http://{listens}/-/ready"), "Prometheus is ready")
            yield f"http://{listens}"
        finally:
            server.terminate()


def answers(address: str) -> bool:
    try:
        return bool(page(address))
    except httpx.HTTPError:
        return False
