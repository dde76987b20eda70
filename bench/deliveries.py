"""What several benches measure alike: deliveries over HTTP, and what another process is asked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from bench import client
from bench.measures import MICROSECONDS, Sample, tree_cpu_seconds
from bench.portal import Portal
from orgo_audit.embedded import paths
from orgo_audit.embedded.processes import PROJECT, end_group, python

CLIENTS = 4
STOP_LIMIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Door:
    """A web server: the process that has started the others, and where it listens."""

    pid: int
    port: int


def deliver(
    portal: Portal,
    door: Door,
    clients: Executor,
    seconds: float,
    *,
    sensitive: bool = False,
    latencies: list[float] | None = None,
) -> Sample:
    """So many seconds of batches from all clients; each request's time goes to `latencies`."""
    token = paths.read_secret(portal.home, "sample_ingest_token")
    backends, server = tree_cpu_seconds(portal.postgres_pid), tree_cpu_seconds(door.pid)
    post = partial(client.deliver, door.port, token, seconds, sensitive=sensitive)
    done = [one.result() for one in [clients.submit(post, number) for number in range(CLIENTS)]]
    server = tree_cpu_seconds(door.pid) - server
    backends = tree_cpu_seconds(portal.postgres_pid) - backends
    if latencies is not None:
        latencies.extend(latency for one in done for latency in one.latencies)
    per_event = MICROSECONDS / sum(one.events for one in done)
    return Sample(
        rate=sum(one.events / one.seconds for one in done),
        client_cpu=sum(one.cpu_seconds for one in done) * per_event,
        server_cpu=server * per_event,
        backend_cpu=backends * per_event,
    )


@contextmanager
def worker(module: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works for each line of its stdin; it has said that it is ready."""
    process = subprocess.Popen(
        python(("-m", module)),
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{module} has ended")
        yield process
    finally:
        process.terminate()
        end_group(process, STOP_LIMIT_SECONDS)


def ask(portal: Portal, process: subprocess.Popen[bytes], line: bytes) -> Sample:
    """What a `worker` says that one line took; its CPU is the client's."""
    assert process.stdin is not None
    assert process.stdout is not None
    backends = tree_cpu_seconds(portal.postgres_pid)
    process.stdin.write(line + b"\n")
    process.stdin.flush()
    done = json.loads(process.stdout.readline())
    backends = tree_cpu_seconds(portal.postgres_pid) - backends
    per_event = MICROSECONDS / done["events"]
    return Sample(
        rate=done["events"] / done["seconds"],
        client_cpu=done["cpu_seconds"] * per_event,
        server_cpu=0,
        backend_cpu=backends * per_event,
    )
