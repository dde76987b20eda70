"""Packed bodies made to hurt: refused by their code and in bounded memory, nothing stored."""

from __future__ import annotations

import gc
import gzip
import json
import os
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from logs.api.bodies import GZIP_PIECE_BYTES
from logs.record.models import Event
from logs.record.vocabulary import LogType
from tests.builders import PATH_OF, Answer, Service, an_organization, wire_event

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("vault")]

MIB = 1024 * 1024
PATH = PATH_OF[LogType.ACTIVITY]
NDJSON = "application/x-ndjson"
EVENT = json.dumps(wire_event()).encode()
# The body, what it unpacks to, what is parsed, and some air: far below any bomb.
MEMORY_LIMIT = 64 * MIB


@pytest.fixture
def service() -> Service:
    return Service(an_organization())


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def packed(
    service: Service, raw: bytes, encoding: str = "gzip", content_type: str = "application/json"
) -> Answer:
    headers = {"Content-Encoding": encoding}
    return service.post(PATH, raw, content_type=content_type, headers=headers)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def blanks(mebibytes: int) -> bytes:
    """So many mebibytes of blanks, packed once."""
    stream = zlib.compressobj(9, wbits=31)
    block = b" " * MIB
    pieces = [stream.compress(block) for _ in range(mebibytes)]
    return b"".join(pieces) + stream.flush()


def stored() -> int:
    return Event.objects.exclude(source="portal").count()


BROKEN = {
    "gzip of gzip": gzip.compress(gzip.compress(EVENT)),
    "garbage behind": gzip.compress(EVENT) + b"garbage",
    "NUL behind": gzip.compress(EVENT) + b"\0" * 512,
    "half a member behind": gzip.compress(EVENT) + gzip.compress(EVENT)[:-9],
    "a second event behind": gzip.compress(EVENT) + gzip.compress(EVENT),
    "raw deflate": zlib.compress(EVENT)[2:-4],
    "zlib": zlib.compress(EVENT),
    "a wrong length": gzip.compress(EVENT)[:-4] + b"\xff\xff\xff\xff",
    "a reserved flag": gzip.compress(EVENT)[:3] + b"\xe0" + gzip.compress(EVENT)[4:],
    "a file name without an end": b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"x" * MIB,
    "a huge extra field": b"\x1f\x8b\x08\x04\0\0\0\0\0\x03\xff\xff" + b"x" * 70_000,
    "not packed at all": EVENT,
}


@pytest.mark.parametrize("shape", BROKEN)
def test_a_body_that_is_not_one_gzip_file_is_refused(shape: str, service: Service) -> None:
    for content_type in ("application/json", NDJSON):
        answer = packed(service, BROKEN[shape], content_type=content_type)
        if content_type == NDJSON and shape == "a second event behind":
            continue  # two members are one line with two documents: refused as a line
        assert answer.status == 400, answer.content
    assert stored() == 0


def test_several_large_members_are_one_body(service: Service) -> None:
    """Larger than the pieces in which it is unpacked, and the members end anywhere in them."""
    noise = [wire_event(noise=os.urandom(2000).hex()) for _ in range(200)]
    lines = [json.dumps(event).encode() + b"\n" for event in noise]
    members = [gzip.compress(b"".join(lines[first : first + 67])) for first in range(0, 200, 67)]
    assert min(map(len, members[:-1])) > 2 * GZIP_PIECE_BYTES
    answer = packed(service, b"".join(members), content_type=NDJSON)
    assert (answer.status, answer.json["accepted"]) == (201, 200)
    kept = {event.details["noise"] for event in Event.objects.exclude(source="portal")}
    assert kept == {event["noise"] for event in noise}


@pytest.mark.parametrize("encoding", ["gzip,gzip", "gzip, gzip", "x-gzip", "*", "gzip;q=1", "\xa0"])
@pytest.mark.parametrize("times", [1, 2])
def test_no_other_name_and_no_list_of_codings_is_taken(
    encoding: str, times: int, service: Service
) -> None:
    raw = EVENT
    for _ in range(times):
        raw = gzip.compress(raw)
    answer = packed(service, raw, encoding)
    assert refusal(answer) in {(415, "unsupported_media_type")} or encoding == "\xa0"
    assert stored() == 0


def test_a_bomb_among_lines_stores_none_of_them(service: Service, peak: Callable[[], int]) -> None:
    stream = zlib.compressobj(9, wbits=31)
    pieces = [stream.compress(EVENT + b"\n") for _ in range(100)]
    pieces += [stream.compress(b'{"timestamp": "' + b"x" * MIB) for _ in range(64)]
    bomb = b"".join(pieces) + stream.flush()
    assert refusal(packed(service, bomb, content_type=NDJSON)) == (400, "too_large")
    assert stored() == 0
    assert peak() < MEMORY_LIMIT


def test_deep_nesting_that_packs_to_nothing_is_refused(service: Service) -> None:
    for opening in (b"[", b'{"a":', b'[{"a":'):
        raw = gzip.compress(opening * (7 * MIB // len(opening)))
        assert refusal(packed(service, raw)) in {(400, "too_deep"), (400, "malformed_json")}
        assert packed(service, raw, content_type=NDJSON).status in (400, 503)
    assert stored() == 0


def test_8_mib_of_the_smallest_documents_stay_in_bounds(
    service: Service, peak: Callable[[], int]
) -> None:
    """A small body may still be millions of small objects."""
    for one, glue in ((b"{}", b","), (b"[]", b","), (b"0", b","), (b'""', b",")):
        raw = b"[" + glue.join([one] * (2 * MIB)) + b"]"
        assert refusal(packed(service, gzip.compress(raw[: 8 * MIB - 1] + b"]", 1)))[0] == 400
    assert peak() < 16 * MEMORY_LIMIT


def test_10_gib_in_10_mib_are_refused_in_bounded_memory(
    service: Service, peak: Callable[[], int]
) -> None:
    bomb = blanks(10 * 1024)[: 9 * MIB]
    for body in (bomb, bomb[: 8 * MIB]):
        for content_type in ("application/json", NDJSON):
            gc.collect()  # the last request's body may wait in a cycle of REST framework's
            tracemalloc.reset_peak()
            before = peak()
            assert refusal(packed(service, body, content_type=content_type)) == (400, "too_large")
            assert peak() - before < MEMORY_LIMIT
