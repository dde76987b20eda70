"""What `logger.info` costs its caller through our handler against a FileHandler, all rows found."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.measures import MICROSECONDS, Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from logs.python_handler import OrgoHandler
from orgo_audit import logins
from orgo_audit.embedded import paths

CALLS = 10_000
SOURCE = "bench_handler"
ARRIVAL_LIMIT_SECONDS = 120
ORGO, FILE, NOTHING = "OrgoHandler", "FileHandler", "no handler's work"


def run(portal: Portal, options: Options) -> Result:
    rounds = max(options.rounds, 7)
    costs: dict[str, list[float]] = {ORGO: [], FILE: [], NOTHING: []}
    with portal.web_server(), tempfile.TemporaryDirectory() as folder:
        handlers = _handlers(portal, Path(folder))
        loggers = {name: _logger(handler) for name, handler in handlers.items()}
        for number in range(rounds + 1):
            for name in list(costs)[:: 1 if number % 2 else -1]:
                cost = _cost(loggers[name])
                handlers[ORGO].flush()
                if number:  # the first warms
                    costs[name].append(cost)
            say(f"handler: round {number} of {rounds}")
        found, seconds = _wait_until_found(portal, wanted=(rounds + 1) * CALLS)
        for handler in handlers.values():
            handler.close()
    if found != (rounds + 1) * CALLS:
        raise RuntimeError(f"{found:,} of {(rounds + 1) * CALLS:,} events were found again")
    return _result(costs, found, seconds)


def _handlers(portal: Portal, folder: Path) -> dict[str, logging.Handler]:
    url = f"http://localhost:{portal.port}"
    token = paths.read_secret(portal.home, "sample_ingest_token")
    return {
        ORGO: OrgoHandler(url, token, filename=folder / "audit.log", source=SOURCE),
        FILE: logging.FileHandler(folder / "file.log"),
        NOTHING: logging.NullHandler(),
    }


def _logger(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("bench", logging.INFO)
    logger.addHandler(handler)
    return logger


def _cost(logger: logging.Logger) -> float:
    """Microseconds a call."""
    began = time.perf_counter()
    for number in range(CALLS):
        extra = {"task_id": number, "from": "parser", "to": "it_queue", "status": "Success"}
        logger.info("Task Routed", extra=extra)
    return (time.perf_counter() - began) / CALLS * MICROSECONDS


def _wait_until_found(portal: Portal, wanted: int) -> tuple[int, float]:
    """How many of our events the record has in the end, and after how many seconds."""
    began = time.perf_counter()
    query = "SELECT count(*) FROM event WHERE details ->> 'source' = %s"
    with portal.connect(logins.OWNER) as owner:
        while True:
            row = owner.execute(query, [SOURCE]).fetchone()
            found = int(row[0]) if row else 0
            seconds = time.perf_counter() - began
            if found >= wanted or seconds > ARRIVAL_LIMIT_SECONDS:
                return found, seconds
            time.sleep(0.2)


def _result(costs: dict[str, list[float]], found: int, seconds: float) -> Result:
    yardstick = costs[FILE]
    ratios = {name: _ratios(own, yardstick) for name, own in costs.items()}
    rows = [
        (name, spread(own, digits=1), spread(ratios[name], digits=2)) for name, own in costs.items()
    ]
    title = (
        f"Handler: {CALLS:,} calls a round, {len(yardstick)} rounds; all {found:,} events found"
        f" in the record, the last {seconds:.1f} s after the last call"
    )
    table = Table(title, ("logger.info through", "us a call", "of FileHandler"), rows)
    what = "a call through OrgoHandler, of FileHandler"
    promise = Promise(what, median(ratios[ORGO]), limit=2, aim=1.25, more_is_better=False)
    return Result([table], [promise])


def _ratios(own: list[float], yardstick: list[float]) -> list[float]:
    return [mine / its for mine, its in zip(own, yardstick, strict=True)]
