"""Prometheus's door: what all our processes have counted, and what the database tells right now.

It names nobody, and a database that is away fails no scrape.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Metric,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from monitoring import figures

# Whoever asks more often costs the database nothing.
KEPT_SECONDS = 15.0


def metrics(request: HttpRequest) -> HttpResponse:
    """The counters of all processes that share a folder for them, and the figures."""
    page = generate_latest(_counted()) + _figures.text()
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)


def forget_cache() -> None:
    """For tests: the next scrape reads the database."""
    _figures.forget()


def _counted() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # has no types
    return registry


@dataclass(frozen=True, slots=True, eq=False)
class _Read(Collector):
    """Figures that were read, as a registry wants them."""

    families: list[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


class _Figures:
    """This process's copy of the figures."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._text = b""
        self._good_until = 0.0

    def text(self) -> bytes:
        with self._lock:
            if monotonic() >= self._good_until:
                registry = CollectorRegistry(auto_describe=False)
                registry.register(_Read(figures.read(timezone.now())))
                self._text = generate_latest(registry)
                self._good_until = monotonic() + KEPT_SECONDS
            return self._text

    def forget(self) -> None:
        self._good_until = 0.0


_figures = _Figures()
