"""What HR's page of a case with 500 events costs against one with 50, over HTTP, signed in.

Both come in as a service sends them and go through the vault; the database is the bench's own.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from random import Random
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench.events import sensitive_event
from bench.measures import Options, Promise, Result, Table, say, spread
from bench.portal import Portal
from orgo_audit import logins
from orgo_audit.accounts.models import Role
from orgo_audit.embedded import paths
from orgo_audit.embedded.processes import PROJECT, python

DATABASE = "bench_cases"
SMALL, LARGE = SIZES = (50, 500)
ROUNDS_FACTOR = 10
HOURS_APART = 6
LIMIT, AIM = 1.5, 1.2
TOKEN_FIELD = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Arm:
    """One page of both cases, and what it cost in each round: milliseconds; bytes once."""

    name: str
    addresses: tuple[str, str]
    is_promised: bool
    sizes: list[int] = field(default_factory=list)
    costs: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    @property
    def ratios(self) -> list[float]:
        """Large to small of each round, asked one right after the other: a neighbour hits both."""
        return [large / small for small, large in zip(*self.costs, strict=True)]


class Person:
    """A browser that keeps its connection and its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}

    def sign_in(self, name: str, password: str) -> None:
        self._fill_in("/sign-in/", username=name, password=password)

    def say_what_for(self) -> None:
        self._fill_in("/cases/purpose/", purpose="work")

    def get(self, address: str, expected: int = 200) -> bytes:
        return self._ask("GET", address, b"", expected)

    def _fill_in(self, address: str, **told: str) -> None:
        found = TOKEN_FIELD.search(self.get(address))
        if found is None:
            raise RuntimeError(f"{address} shows no form")
        told["csrfmiddlewaretoken"] = found[1].decode()
        self._ask("POST", address, urlencode(told).encode(), 302)

    def _ask(self, method: str, address: str, body: bytes, expected: int) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Host": self._host} | ({"Content-Type": FORM} if body else {})
        self._connection.request(method, address, body or None, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{address} answers {answer.status}: {content[:300]!r}")
        for line in answer.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        return content

    @property
    def _host(self) -> str:
        return f"localhost:{self._connection.port}"


def run(portal: Portal, options: Options) -> Result:
    portal.new_database(DATABASE)
    web = {logins.url_variable(logins.WEB): portal.url(logins.WEB, DATABASE)}
    with portal.web_server(web):
        _deliver(portal)
        _drain(portal)
        hr = Person(portal.port)
        role = Role.HR_MANAGER.value
        hr.sign_in(role, paths.read_secret(portal.home, f"login_{role}"))
        hr.say_what_for()
        arms = _arms(hr)
        rounds = options.rounds * ROUNDS_FACTOR
        for number in range(rounds + 1):
            for arm in arms:
                for place in (0, 1) if number % 2 else (1, 0):
                    cost = _cost(hr, arm.addresses[place])
                    if number:  # the first warms
                        arm.costs[place].append(cost)
        say(f"case pages: {rounds} rounds")
    return _result(arms, rounds)


def _deliver(portal: Portal) -> None:
    """Both cases in one batch; the smaller one was opened on an earlier day."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
    token = paths.read_secret(portal.home, "sample_ingest_token")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    events = [event for size in SIZES for event in _events(size)]
    connection.request("POST", "/api/v1/activity-logs/", json.dumps(events), headers)
    answer = connection.getresponse()
    receipt = json.loads(answer.read())
    connection.close()
    if (answer.status, receipt.get("sealed")) != (http.HTTPStatus.ACCEPTED, len(events)):
        raise RuntimeError(f"{answer.status}: {str(receipt)[:300]}")


def _events(size: int) -> Iterator[dict[str, Any]]:
    """Of one case with three people, four a day."""
    random = Random(1)  # noqa: S311  (repeatable on purpose)
    begins = datetime(2024, 1, SIZES.index(size) + 1, tzinfo=UTC)
    people = sensitive_event(size, random)["identities"]
    for number in range(size):
        at = begins + timedelta(hours=HOURS_APART * number)
        case = {"case_id": f"H-{size}", "identities": people, "timestamp": at.isoformat()}
        yield sensitive_event(number, random) | case


def _drain(portal: Portal) -> None:
    """By a vault's process of its own, which ends when it has emptied the inbox."""
    vault = {logins.url_variable(logins.VAULT): portal.url(logins.VAULT, DATABASE)}
    done = subprocess.run(
        python(("-m", "bench.draining")),
        cwd=PROJECT,
        env=portal.environments.of_process("vault", counts=False) | vault,
        input=b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    events = json.loads(done.stdout.splitlines()[-1])["events"]
    if events != sum(SIZES):
        raise RuntimeError(f"the vault stored {events} of {sum(SIZES)} events")


def _arms(hr: Person) -> list[Arm]:
    listed = json.loads(hr.get("/api/v1/cases/"))["results"]
    codes = [case["code"] for case in sorted(listed, key=lambda case: case["opened"])]
    if len(codes) != len(SIZES):
        raise RuntimeError(f"{len(codes)} cases instead of {len(SIZES)}")
    small, large = (f"/cases/{code}/" for code in codes)
    arms = [
        Arm("case page, the first events", (small, large), is_promised=True),
        Arm(
            "case page, the latest events",
            (small, f"{large}?after={LARGE - SMALL}"),
            is_promised=True,
        ),
        Arm("API, one case, up to 500 events", (f"/api/v1{small}", f"/api/v1{large}"), False),
    ]
    for arm in arms:
        contents = [hr.get(address) for address in arm.addresses]
        shown = [content.count(b'class="happening"') for content in contents]
        if arm.is_promised and shown != [SMALL, SMALL]:
            raise RuntimeError(f"{arm.name} shows {shown} events: its costs cannot be compared")
        arm.sizes += map(len, contents)
    return arms


def _cost(hr: Person, address: str) -> float:
    began = time.perf_counter()
    hr.get(address)
    return 1000 * (time.perf_counter() - began)


def _result(arms: list[Arm], rounds: int) -> Result:
    table = [
        (
            arm.name,
            *(f"{size / 1024:.0f}" for size in arm.sizes),
            *(spread(costs, digits=1) for costs in arm.costs),
            spread(arm.ratios, digits=2),
        )
        for arm in arms
    ]
    title = (
        f"One case over HTTP, as HR: {SMALL} against {LARGE} events; median [lowest..highest] of"
        f" {rounds} interleaved rounds"
    )
    headings = (
        *("page", f"kB, {SMALL}", f"kB, {LARGE}"),
        *(f"ms, {SMALL}", f"ms, {LARGE}", "ratio in a round"),
    )
    promises = [
        Promise(
            f"{arm.name}: {LARGE} events, of {SMALL}",
            median(arm.ratios),
            LIMIT,
            AIM,
            more_is_better=False,
        )
        for arm in arms
        if arm.is_promised
    ]
    return Result([Table(title, headings, table)], promises)
