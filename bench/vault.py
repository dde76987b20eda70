"""The vault's drain against sensitive batches through HTTP, and these against ordinary ones.

Each round: one arm for some seconds, then the other. Drain and delivery have a database without
ordinary events: PostgreSQL vacuums the record behind a delivery, in the time of whoever comes next.
"""

from __future__ import annotations

import multiprocessing
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from statistics import median

from bench import deliveries
from bench.deliveries import CLIENTS, Door
from bench.events import EVENTS_PER_CASE, EVENTS_PER_REQUEST
from bench.measures import (
    Options,
    Promise,
    Result,
    Sample,
    Table,
    ratios,
    say,
    spread,
)
from bench.portal import Portal
from orgo_audit import logins

DATABASE = "bench_vault"
ORDINARY, SENSITIVE, DRAIN = "ordinary batches", "sensitive batches", "the vault's drain"
Samples = dict[str, list[Sample]]
Arm = Callable[[], Sample]


def run(portal: Portal, options: Options) -> Result:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CLIENTS, mp_context=spawn) as clients:
        drained = _drain_and_deliver(portal, options, clients)
        delivered = _deliver_both(portal, options, clients)
    return _result(drained, delivered)


def _drain_and_deliver(portal: Portal, options: Options, clients: Executor) -> Samples:
    portal.new_database(DATABASE)
    web, vault = (
        {logins.url_variable(login): portal.url(login, DATABASE)}
        for login in (logins.WEB, logins.VAULT)
    )
    told = portal.environments.of_process("vault", counts=False) | vault
    with portal.web_server(web) as server, deliveries.worker("bench.draining", told) as drain:
        door = Door(server, portal.port)
        deliver = partial(deliveries.deliver, portal, door, clients, sensitive=True)
        deliver(min(1.0, options.seconds))  # warm
        _drain(portal, drain)
        arms: dict[str, Arm] = {
            SENSITIVE: partial(deliver, options.seconds),
            DRAIN: partial(_drain, portal, drain),
        }
        return _rounds(options, arms)


def _deliver_both(portal: Portal, options: Options, clients: Executor) -> Samples:
    with portal.web_server() as server, portal.connect(logins.OWNER) as owner:
        deliver = partial(deliveries.deliver, portal, Door(server, portal.port), clients)
        for sensitive in (False, True):
            deliver(min(1.0, options.seconds), sensitive=sensitive)  # warm

        def deliver_sensitive() -> Sample:
            owner.execute("TRUNCATE logs_sealeditem")  # nobody drains it here
            return deliver(options.seconds, sensitive=True)

        arms: dict[str, Arm] = {
            ORDINARY: partial(deliver, options.seconds, sensitive=False),
            SENSITIVE: deliver_sensitive,
        }
        return _rounds(options, arms)


def _rounds(options: Options, arms: Mapping[str, Arm]) -> Samples:
    samples: Samples = {name: [] for name in arms}
    for number in range(options.rounds):
        for name, arm in arms.items():
            samples[name].append(arm())
        told = ", ".join(f"{name} {own[-1].rate:,.0f}" for name, own in samples.items())
        say(f"round {number + 1} of {options.rounds}: {told} events/s")
    return samples


def _drain(portal: Portal, vault: subprocess.Popen[bytes]) -> Sample:
    """The vault's process is the server here: nobody sends it anything."""
    asked = deliveries.ask(portal, vault, b"")
    return replace(asked, client_cpu=0, server_cpu=asked.client_cpu)


def _result(drained: Samples, delivered: Samples) -> Result:
    shape = f"{EVENTS_PER_REQUEST} a request, {CLIENTS} clients"
    tables = [
        _table(
            f"The vault: {shape}, three people and {EVENTS_PER_CASE} events a case; the drain's"
            " server is the vault's process",
            drained,
            SENSITIVE,
        ),
        _table(f"Sensitive and ordinary events: {shape}", delivered, ORDINARY),
    ]
    promises = [
        Promise(what, median(ratios(samples[arm], samples[of])), limit, aim, more_is_better=True)
        for what, samples, arm, of, limit, aim in (
            (
                "sensitive events in batches, of ordinary ones",
                delivered,
                SENSITIVE,
                ORDINARY,
                0.2,
                0.4,
            ),
            (
                "the vault's drain, of the sensitive events coming in",
                drained,
                DRAIN,
                SENSITIVE,
                0.5,
                0.5,
            ),
        )
    ]
    return Result(tables, promises)


def _table(what: str, samples: Samples, yardstick: str) -> Table:
    rows = [
        (
            name,
            spread(sample.rate for sample in own),
            spread(ratios(own, samples[yardstick]), digits=2),
            *(
                spread((getattr(sample, part) for sample in own), digits=1)
                for part in ("client_cpu", "server_cpu", "backend_cpu")
            ),
        )
        for name, own in samples.items()
    ]
    headings = (
        *("arm", "events/s", f"of {yardstick}"),
        *("client us", "server us", "backend us"),
    )
    title = f"{what}; median [lowest..highest] of {len(samples[yardstick])} rounds; CPU per event"
    return Table(title, headings, rows)
