"""Broken and smuggled HTTP at the real web server: refused, stored nowhere, repeated in no log.

The server is the one that `up` starts, with its own configuration, in processes of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from logs.record.models import Event
from orgo_audit.accounts.models import Organization, Scope
from tests.builders import a_token, an_organization, wire_event
from tests.hostile.server import Server, a_server, statuses

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("committed")]

MIB = 1024 * 1024
PLANTED = b"pl4nted-jane.roe"
EVENT = json.dumps(wire_event(task_id="T1")).encode()
HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def server(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    with django_db_blocker.unblock(), a_server(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture
def organization(committed: None) -> Organization:
    return an_organization()


@pytest.fixture
def bearer(organization: Organization) -> bytes:
    token = a_token(organization, Scope.INGEST, Scope.READ)
    return b"Authorization: Bearer " + token.encode() + b"\r\n"


@pytest.fixture(autouse=True)
def _nothing_sent_is_logged(server: Server) -> Iterator[None]:
    before = len(server.said())
    yield
    said = server.said()[before:]
    assert PLANTED.decode() not in said
    assert "Traceback" not in said
    assert server.is_alive()


def get(target: bytes, *headers: bytes, last: bool = True) -> bytes:
    close = b"Connection: close\r\n" if last else b""
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + close + b"\r\n"


def post(*headers: bytes, body: bytes = EVENT, last: bool = True) -> bytes:
    close = b"Connection: close\r\n" if last else b""
    start = b"POST /api/v1/activity-logs/ HTTP/1.1\r\n" + HOST
    json_type = b"Content-Type: application/json\r\n"
    return start + json_type + b"".join(headers) + close + b"\r\n" + body


def length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body)


def chunked(body: bytes, size: int = 50) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked\r\n"


def stored() -> int:
    return Event.objects.exclude(source="portal").count()


def test_a_whole_request_is_stored_with_a_length_and_in_chunks(
    server: Server, bearer: bytes
) -> None:
    assert statuses(server.send(post(bearer, length(EVENT)))) == [201]
    assert statuses(server.send(post(bearer, CHUNKED, body=chunked(EVENT)))) == [201]
    assert stored() == 2


# --- two readers of one request -----------------------------------------------------------------

SMUGGLED = b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + PLANTED + b"\r\n\r\n"
AMBIGUOUS = {
    "two lengths": (b"Content-Length: 5\r\nContent-Length: 200\r\n", EVENT),
    "the same length twice": (length(EVENT) * 2, EVENT),
    "a list of lengths": (b"Content-Length: 5, 5\r\n", EVENT),
    "length and chunked": (length(EVENT) + CHUNKED, chunked(EVENT)),
    "chunked and length": (CHUNKED + b"Content-Length: 5\r\n", chunked(EVENT) + SMUGGLED),
    "unknown coding": (b"Transfer-Encoding: xchunked\r\n", chunked(EVENT)),
    "chunked not last": (b"Transfer-Encoding: chunked, identity\r\n", chunked(EVENT)),
    "chunked twice": (CHUNKED * 2, chunked(EVENT)),
    "chunked behind a vertical tab": (b"Transfer-Encoding: \x0bchunked\r\n", chunked(EVENT)),
    "chunked in quotes": (b'Transfer-Encoding: "chunked"\r\n', chunked(EVENT)),
    "space before the colon": (b"Content-Length : 5\r\n", EVENT),
    "space before chunked's colon": (b"Transfer-Encoding : chunked\r\n", chunked(EVENT)),
    "space before the name": (b" Transfer-Encoding: chunked\r\n", chunked(EVENT)),
    "folded": (b"Transfer-Encoding:\r\n chunked\r\n", chunked(EVENT)),
    "folded elsewhere": (b"X: a\r\n\t" + PLANTED + b"\r\n" + length(EVENT), EVENT),
    "bare LF": (b"X: a\n" + length(EVENT), EVENT),
    "bare CR": (b"X: a\rb\r\n" + length(EVENT), EVENT),
    "NUL in a value": (b"X: \0" + PLANTED + b"\r\n" + length(EVENT), EVENT),
    "NUL in a name": (b"X\0: " + PLANTED + b"\r\n" + length(EVENT), EVENT),
    "no colon": (PLANTED + b"\r\n" + length(EVENT), EVENT),
    "no name": (b": " + PLANTED + b"\r\n" + length(EVENT), EVENT),
    "negative length": (b"Content-Length: -1\r\n", EVENT),
    "signed length": (b"Content-Length: +5\r\n", EVENT),
    "length with an underscore": (b"Content-Length: 1_0\r\n", EVENT),
    "length in words": (b"Content-Length: " + PLANTED + b"\r\n", EVENT),
    "length in other digits": ("Content-Length: \u0665\r\n".encode(), EVENT),
    "chunk size of another base": (CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "signed chunk size": (CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "negative chunk size": (CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "chunk size in words": (CHUNKED, PLANTED + b"\r\nhello\r\n0\r\n\r\n"),
    "chunk size with an underscore": (CHUNKED, b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"),
    "no chunk size": (CHUNKED, b"\r\nhello\r\n0\r\n\r\n"),
    "chunk without its end": (CHUNKED, b"5\r\nhello!!0\r\n\r\n"),
    "chunk size behind a bare LF": (CHUNKED, b"5\nhello\n0\n\n"),
}


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_a_request_that_two_readers_could_read_differently_is_refused(
    shape: str, server: Server, bearer: bytes
) -> None:
    headers, body = AMBIGUOUS[shape]
    answer = server.send(post(bearer, headers, body=body, last=False), end=True)
    assert len(statuses(answer)) <= 1, answer
    assert all(400 <= status < 502 and status != 500 for status in statuses(answer)), answer
    assert PLANTED not in answer or b"<script" not in answer
    assert stored() == 0


HUGE_CHUNKS = (
    b"ffffffffffffffff\r\n" + EVENT,
    b"f" * 5000 + b"\r\n" + EVENT,
    b"9" * 100_000,
    b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    chunked(EVENT)[:-2] + b"X: y\r\n" * 20_000,
)


@pytest.mark.parametrize("body", HUGE_CHUNKS, ids=lambda body: repr(body[:12]))
def test_a_chunk_without_measure_stores_nothing(body: bytes, server: Server, bearer: bytes) -> None:
    answer = server.send(post(bearer, CHUNKED, body=body), end=True)
    assert 500 not in statuses(answer), answer
    assert stored() <= (1 if body.startswith(b"32\r\n") else 0)


# --- heads --------------------------------------------------------------------------------------

HEADS = {
    "a head of 64 KiB": get(b"/healthz", *[b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(70)]),
    "one header of 64 KiB": get(b"/healthz", b"X: " + b"x" * 65536 + b"\r\n"),
    "a thousand headers": get(b"/healthz", *[b"X-%d: y\r\n" % n for n in range(1000)]),
    "an address of 64 KiB": get(b"/" + PLANTED * 4096),
    "10,000 parameters": get(b"/api/v1/logs/?" + b"a=1&" * 10_000),
    "many parameters": get(b"/api/v1/logs/?" + b"a=1&" * 900),
    "no version": b"GET /healthz " + PLANTED + b"\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/9.9": b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade": get(b"/healthz", b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
    "a method of bytes": b"\xff\xfe\xfd /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a small method": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a strange method": PLANTED + b" /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300 + b"\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": get(b"/sign-in/", b"Host: evil.example\r\n"),
    "another host": b"GET /sign-in/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "a whole address of elsewhere": get(b"http://evil.example/sign-in/"),
    "a proxy's target": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "NUL in the address": get(b"/\0" + PLANTED),
    "a space in the address": get(b"/sign-in/ " + PLANTED),
    "the proxy protocol": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n" + get(b"/healthz"),
    "an expectation": get(b"/healthz", b"Expect: " + PLANTED + b"\r\n"),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_cannot_be_meant_never_breaks_the_server(head: str, server: Server) -> None:
    answer = server.send(HEADS[head], end=True)
    assert all(status < 500 for status in statuses(answer)), answer
    assert b"evil.example" not in b"".join(answer.split(b"\r\n\r\n")[::2])


@pytest.mark.parametrize(
    "parameters",
    [
        b"charset=rot13",
        b"charset=undefined",
        b"charset*=idna''%ff",
        b"x*=nosuch''%41",
        b'charset="\xff"',
        b"boundary*=undefined''%41",
    ],
)
def test_no_codec_that_is_named_with_a_body_is_asked(parameters: bytes, server: Server) -> None:
    for media_type in (b"text/plain", b"multipart/form-data; boundary=x"):
        content_type = b"Content-Type: " + media_type + b"; " + parameters + b"\r\n"
        for path in (b"/sign-in/?next=%ff", b"/api/v1/logs/?user=%ff", b"/?" + PLANTED):
            answer = server.send(get(path, content_type))
            assert statuses(answer)[0] < 500, answer


@pytest.mark.parametrize("header", [b"SCRIPT_NAME", b"Script-Name", b"PATH_INFO", b"REMOTE_USER"])
@pytest.mark.parametrize("value", [b"/" + PLANTED, b"//evil.example"])
def test_no_header_changes_where_an_address_lies(
    header: bytes, value: bytes, server: Server
) -> None:
    for target in (b"/admin/logs/", b"//evil.example/admin/logs"):
        answer = server.send(get(target, header + b": " + value + b"\r\n"))
        assert statuses(answer)[0] < 500, answer
        assert b"Location: //" not in answer
        assert b"Location: http" not in answer


# --- bodies -------------------------------------------------------------------------------------


def test_100_continue_is_said_to_whoever_waits_for_it(server: Server, bearer: bytes) -> None:
    expecting = post(bearer, b"Expect: 100-continue\r\n", length(EVENT))
    assert statuses(server.send(expecting)) == [100, 201]


@pytest.mark.parametrize("way", ["length", "chunked"])
def test_9_mib_are_too_large_whether_their_length_is_told_or_not(
    way: str, server: Server, bearer: bytes
) -> None:
    body = b"[" + b" " * (9 * MIB) + b"]"
    sent = (
        post(bearer, length(body), body=body)
        if way == "length"
        else post(bearer, CHUNKED, body=chunked(body, 65536))
    )
    answer = server.send(sent)
    assert statuses(answer) == [400]
    assert b'"too_large"' in answer


def test_a_body_that_breaks_off_stores_nothing(server: Server, bearer: bytes) -> None:
    lines = b"\n".join([EVENT] * 50)
    ndjson = b"Content-Type: application/x-ndjson\r\n"
    head = post(bearer, length(lines), body=b"").replace(
        b"Content-Type: application/json\r\n", ndjson
    )
    in_chunks = post(bearer, CHUNKED, body=b"").replace(
        b"Content-Type: application/json\r\n", ndjson
    )
    for sent in (
        head + lines[:-20],
        head + lines[: len(EVENT) + 1],
        in_chunks + chunked(lines)[:-5],
        in_chunks + chunked(lines)[:-400],
    ):
        answer = server.send(sent, end=True)
        assert 201 not in statuses(answer), answer
        assert 500 not in statuses(answer), answer
    assert stored() == 0


REFUSED = {
    "no credentials": (b"/api/v1/activity-logs/", b"", 401),
    "bad credentials": (b"/api/v1/activity-logs/", b"Authorization: Bearer x\r\n", 401),
    "nothing there": (b"/api/v1/nothing/", b"", 404),
    "another media type": (b"/api/v1/activity-logs/", b"BEARERContent-Type: text/x\r\n", 415),
    "too large": (b"/api/v1/activity-logs/", b"BEARERContent-Type: application/json\r\n", 400),
    "another host": (b"/sign-in/", b"Host: evil.example\r\n", 400),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("way", ["length", "chunked"])
def test_the_rest_of_a_refused_body_is_not_taken_for_the_next_request(
    why: str, way: str, server: Server, bearer: bytes
) -> None:
    path, headers, status = REFUSED[why]
    smuggled = post(bearer, length(EVENT), last=False)
    size = 9 * MIB if why == "too large" else 200_000
    body = (smuggled * (size // len(smuggled) + 1)) + smuggled
    host = b"" if headers.startswith(b"Host") else HOST
    told = length(body) if way == "length" else CHUNKED
    head = b"POST " + path + b" HTTP/1.1\r\n" + host + headers.replace(b"BEARER", bearer) + told
    sent = head + b"\r\n" + (body if way == "length" else chunked(body, 8192))
    answer = server.send(sent, get(b"/healthz"))
    assert statuses(answer) in ([status, 200],), (statuses(answer), answer[-300:])
    assert stored() == 0
