"""Sensitive batches through HTTP against ordinary ones, and the vault's drain against both.

Each round: ordinary batches for some seconds, sensitive ones for as long, then the vault empties
its inbox. All three on the same machine, one after the other.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import median

from bench import client
from bench.events import EVENTS_PER_CASE, EVENTS_PER_REQUEST
from bench.measures import (
    MICROSECONDS,
    Options,
    Promise,
    Result,
    Sample,
    Table,
    ratios,
    say,
    spread,
    tree_cpu_seconds,
)
from bench.portal import Portal
from orgo_audit.embedded import paths
from orgo_audit.embedded.processes import PROJECT, end_group, python

CLIENTS = 4
STOP_LIMIT_SECONDS = 5
ORDINARY, SENSITIVE, DRAIN = "ordinary batches", "sensitive batches", "the vault's drain"


def run(portal: Portal, options: Options) -> Result:
    samples: dict[str, list[Sample]] = {ORDINARY: [], SENSITIVE: [], DRAIN: []}
    spawn = multiprocessing.get_context("spawn")
    with (
        portal.web_server() as web,
        _draining(portal) as vault,
        ProcessPoolExecutor(CLIENTS, mp_context=spawn) as clients,
    ):
        deliver = partial(_deliver, portal, web, clients)
        for sensitive in (False, True):
            deliver(min(1.0, options.seconds), sensitive=sensitive)  # warm
        _drain(portal, vault)
        for number in range(options.rounds):
            samples[ORDINARY].append(deliver(options.seconds, sensitive=False))
            samples[SENSITIVE].append(deliver(options.seconds, sensitive=True))
            samples[DRAIN].append(_drain(portal, vault))
            told = ", ".join(f"{name} {own[-1].rate:,.0f}" for name, own in samples.items())
            say(f"round {number + 1} of {options.rounds}: {told} events/s")
    return _result(samples)


def _deliver(
    portal: Portal, web: int, clients: Executor, seconds: float, *, sensitive: bool
) -> Sample:
    token = paths.read_secret(portal.home, "sample_ingest_token")
    backends, server = tree_cpu_seconds(portal.postgres_pid), tree_cpu_seconds(web)
    post = partial(client.deliver, portal.port, token, seconds, sensitive=sensitive)
    done = [one.result() for one in [clients.submit(post, number) for number in range(CLIENTS)]]
    server = tree_cpu_seconds(web) - server
    backends = tree_cpu_seconds(portal.postgres_pid) - backends
    per_event = MICROSECONDS / sum(one.events for one in done)
    return Sample(
        rate=sum(one.events / one.seconds for one in done),
        client_cpu=sum(one.cpu_seconds for one in done) * per_event,
        server_cpu=server * per_event,
        backend_cpu=backends * per_event,
    )


def _drain(portal: Portal, vault: subprocess.Popen[bytes]) -> Sample:
    assert vault.stdin is not None
    assert vault.stdout is not None
    backends = tree_cpu_seconds(portal.postgres_pid)
    vault.stdin.write(b"\n")
    vault.stdin.flush()
    done = json.loads(vault.stdout.readline())
    backends = tree_cpu_seconds(portal.postgres_pid) - backends
    per_event = MICROSECONDS / done["events"]
    return Sample(
        rate=done["events"] / done["seconds"],
        client_cpu=0,
        server_cpu=done["cpu_seconds"] * per_event,
        backend_cpu=backends * per_event,
    )


@contextmanager
def _draining(portal: Portal) -> Iterator[subprocess.Popen[bytes]]:
    vault = subprocess.Popen(
        python(("-m", "bench.draining")),
        cwd=PROJECT,
        env=portal.environments.of_process("vault", counts=False),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert vault.stdout is not None
        if vault.stdout.readline() != b"ready\n":
            raise RuntimeError("the vault's process has ended")
        yield vault
    finally:
        vault.terminate()
        end_group(vault, STOP_LIMIT_SECONDS)


def _result(samples: dict[str, list[Sample]]) -> Result:
    ordinary, sensitive, drain = samples[ORDINARY], samples[SENSITIVE], samples[DRAIN]
    rows = [
        (
            name,
            spread(sample.rate for sample in own),
            spread(ratios(own, ordinary), digits=2),
            spread(ratios(own, sensitive), digits=2),
            *(
                spread((getattr(sample, part) for sample in own), digits=1)
                for part in ("client_cpu", "server_cpu", "backend_cpu")
            ),
        )
        for name, own in samples.items()
    ]
    headings = (
        *("arm", "events/s", "of ordinary", "of sensitive"),
        *("client us", "server us", "backend us"),
    )
    title = (
        f"Sensitive events: {EVENTS_PER_REQUEST} a request, {CLIENTS} clients, three people,"
        f" {EVENTS_PER_CASE} events a case; median [lowest..highest] of {len(drain)} rounds; CPU"
        " per event. The drain's server is the vault's process."
    )
    promises = [
        Promise(what, median(ratios(own, of)), limit, aim, more_is_better=True)
        for what, own, of, limit, aim in (
            ("sensitive events in batches, of ordinary ones", sensitive, ordinary, 0.2, 0.4),
            ("the vault's drain, of the sensitive events coming in", drain, sensitive, 0.5, 0.5),
        )
    ]
    return Result([Table(title, headings, rows)], promises)
