"""Python's logging feeds the record: one file to copy, standard library only.

It must never block, break or recurse into the program that logs, and never lose silently.

The caller's thread only takes a snapshot and queues it (bounded). A writer thread appends ECS JSON
lines to `filename`, which is the spool; a shipper thread delivers what stands there, oldest first.
A batch's bytes and key are on disk before it is sent, so that every retry is the same request and
the portal stores it once. Of several processes on one file one ships (POSIX; elsewhere: one only).
A record has reached the file some milliseconds after the call; kill -9 loses what was still in
memory. Security events and errors are not made to wait, and are synced to the disk.

Beside `filename` lie `.N-G` (closed segments; G tells what a full disk has cost them: 1 activity,
2 errors too), `.state` (place reached, batch under way), `.lock` and `.shipper`.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import ipaddress
import itertools
import json
import logging
import math
import os
import random
import re
import reprlib
import shutil
import ssl
import sys
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

try:
    import fcntl
except ImportError:  # not POSIX: one process a file
    fcntl = None  # type: ignore[assignment]

ACTIVITY, ERROR, SECURITY = "activity", "error", "security"
ECS_VERSION = "9.4.0"

# Records in memory, of each log type. Security may pass the second.
FLOOD, MAX_WAITING = 20_000, 50_000
SLICE = 500  # lines that the writer makes before it gives way to the callers
MAX_BATCH_EVENTS = 1_000
MAX_BATCH_BYTES = 512 * 1024
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES = 64 * 1024, 8 * 1024 * 1024
# Kept in the lock file, so that a full disk still has room for what frees room.
RESERVE_BYTES = 256 * 1024

LINGER_SECONDS = 0.02  # a writer woken for every record would cost the caller its processor
GATHER_SECONDS = 0.1
TICK_SECONDS = 1.0
TIMEOUT_SECONDS = 30.0
CLOSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0  # and the only one where a person has to do something first
LONGEST_RETRY_AFTER_SECONDS = 3600.0

# The portal's own limits: it would refuse what passes them.
MAX_LEVEL = 20
MAX_LINE_BYTES = 60_000
INT64 = range(-(2**63), 2**63)
FIELD_LIMITS = dict.fromkeys(
    ("user", "task_id", "email_id", "ip_address", "from", "to", "status", "workflow"), 500
) | {"reason": 10_000}
MAX_ACTION = 500
MAX_TEXT = 10_000
MAX_PICTURES = 20  # of values that are cut: each costs as much as a hundred others
_UNSPEAKABLE = re.compile("[\0\ud800-\udfff]")
_UNWRITABLE = "A record that cannot be written"

_SCALARS = frozenset({int, float, bool, type(None)})
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# --- what strict JSON can say -------------------------------------------------------------------


class _Plain:
    """Copies values into strict JSON, bounded in depth, number and length. Never raises.

    What is cut keeps its keys: by them the portal knows a sensitive event.
    """

    def __init__(self, nodes: int = 5_000, characters: int = MAX_TEXT) -> None:
        self.nodes = nodes
        self.names = nodes
        self.pictures = MAX_PICTURES
        self.characters = characters

    def of(self, value: Any, level: int = 2) -> Any:
        self.nodes -= 1
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is bool or value is None or (kind is float and math.isfinite(value)):
            return value
        if kind is int and value in INT64:
            return value
        try:
            return self._other(value, level)
        except Exception:  # noqa: BLE001  (anybody's __str__; it must not reach the caller)
            return f"<unprintable {kind.__name__}>"

    def text(self, value: str) -> str:
        if len(value) > self.characters:
            value = f"{value[: self.characters - 1]}…"
        return value if value.isascii() and "\0" not in value else _UNSPEAKABLE.sub("\ufffd", value)

    def _other(self, value: Any, level: int) -> Any:
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, int):
            number = int(value)
            if number in INT64:
                return number
            return self.text(str(number) if number.bit_length() < 10_000 else hex(number))
        if isinstance(value, bytes | bytearray):
            return self.text(value.decode(errors="replace"))
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._container(value, level)
        return self.text(str(value))

    def _container(self, value: Any, level: int) -> Any:
        if level >= MAX_LEVEL or self.nodes < len(value):
            return {"cut": self._picture(value)} | self._names_below(value)
        if not isinstance(value, dict):
            return [self.of(child, level + 1) for child in value]
        copy: dict[str, Any] = {}
        for key, child in list(value.items()):
            name = self._name(key)
            while name in copy:  # 1 and "1" are two keys in Python
                name += "_"
            copy[name] = self.of(child, level + 1)
        return copy

    def _picture(self, value: Any) -> str:
        self.pictures -= 1
        return self.text(reprlib.repr(value)) if self.pictures >= 0 else f"<{type(value).__name__}>"

    def _name(self, key: Any) -> str:
        if type(key) is str and len(key) < 200:
            return self.text(key)
        return str(self.of(key, MAX_LEVEL))[:200]

    def _names_below(self, value: Any) -> dict[str, str]:
        waiting, seen, names = [value], set[int](), dict[str, str]()
        while waiting and self.names > 0:
            one = waiting.pop()
            seen.add(id(one))
            if isinstance(one, dict):
                names |= {self._name(key): "…" for key in itertools.islice(one, self.names)}
                self.names -= len(one)
                one = list(one.values())
            waiting += [
                child
                for child in one
                if isinstance(child, dict | list | tuple) and id(child) not in seen
            ]
        return names


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='microseconds')[:26]}Z"


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _encoded(value: Any) -> bytes:
    return _as_json(value).encode()


# --- from a record to a line --------------------------------------------------------------------


@dataclass(slots=True)
class _Loss:
    """What could not be kept; itself an event as soon as one can be written."""

    counts: dict[str, int] = field(default_factory=dict)
    since: str = ""
    until: str = ""

    def add(self, log_type: str, moment: str = "") -> None:
        self.counts[log_type] = self.counts.get(log_type, 0) + 1
        if moment:
            self.since = min(self.since or moment, moment)
            self.until = max(self.until, moment)

    def event(self, source: str, reason: str) -> dict[str, Any]:
        event = {"timestamp": _instant(time.time()), "log_type": ERROR, "error": "Events Lost"}
        event |= {"reason": reason, "source": source}
        times = {"since": self.since, "until": self.until} if self.since else {}
        return event | {"lost": self.counts} | times

    def line(self, source: str, reason: str) -> bytes:
        return _line({"log.level": "error", "message": reason}, self.event(source, reason))


@dataclass(slots=True)
class _Snapshot:
    """A record as it was at the moment of the call."""

    created: float
    level: str
    logger: str
    message: str
    log_type: str
    extra: dict[str, Any]
    error: dict[str, str]

    def line(self, source: str) -> bytes:
        plain = _Plain()
        ecs = {
            "log.level": self.level.lower(),
            "message": plain.text(self.message),
            "log.logger": plain.text(self.logger),
            "process.pid": os.getpid(),
        }
        for name, text in self.error.items():
            ecs[f"error.{name}"] = plain.text(text)
        line = _line(ecs, self._event(source, plain))
        for nodes, characters in ((1_000, 500), (200, 60)):
            if len(line) <= MAX_LINE_BYTES:
                break
            line = _line(ecs, self._event(source, _Plain(nodes, characters)))
        return line

    def _event(self, source: str, plain: _Plain) -> dict[str, Any]:
        extra = plain.of(self.extra, 1)
        message = plain.text(self.message)
        event = {"timestamp": _instant(self.created), "log_type": self.log_type}
        given = extra.pop("action", None)
        if given is None and self.log_type == ERROR:
            given = extra.pop("error", None)
        said = _as_text(given) or message
        action = said.partition("\n")[0].strip()[:MAX_ACTION] or "(no message)"
        event["error" if self.log_type == ERROR else "action"] = action
        event["source"] = source
        event["level"] = self.level
        event["logger"] = plain.text(self.logger)
        if message != action:
            event["message"] = message
        if said not in (message, action):
            event["action_full"] = said
        if self.error:
            if self.error["type"]:
                extra.setdefault("reason", f"{self.error['type']}: {self.error['message']}")
            event["stack_trace"] = plain.text(self.error["stack_trace"])
        for name, value in extra.items():
            _put(event, name, value)
        return event


def _put(event: dict[str, Any], name: str, value: Any) -> None:
    """An extra under its own name, unless the portal or this handler needs that name."""
    if limit := FIELD_LIMITS.get(name):
        if value is None:
            return
        text = _as_text(value)
        if name == "ip_address" and not _is_address(text):
            event["ip_address_full"] = text
            return
        if len(text) > limit:
            event[f"{name}_full"] = text
            text = f"{text[: limit - 1]}…"
        event[name] = text
        return
    while name in event:
        name += "_extra"
    event[name] = value


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return _as_json(value) if isinstance(value, dict | list) else str(value)


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _line(ecs: dict[str, Any], event: dict[str, Any]) -> bytes:
    """An ECS line. What the portal gets stands last, under `orgo`, and is sent as it stands."""
    action = event.get("error") if event["log_type"] == ERROR else event["action"]
    whole = {
        "@timestamp": event["timestamp"],
        **ecs,
        "ecs.version": ECS_VERSION,
        "service.name": event["source"],
        "event.kind": "event",
        "event.dataset": f"orgo.{event['log_type']}",
        "event.action": action,
        "orgo": event,
    }
    return _encoded(whole) + b"\n"


def _event_of(line: bytes) -> dict[str, Any] | None:
    """What stands in a line; None where a kill or a disk has cut it."""
    try:
        event = json.loads(line)["orgo"]
        return event if event["log_type"] in (ACTIVITY, ERROR, SECURITY) else None
    except (ValueError, LookupError, TypeError):
        return None


# --- the spool ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _State:
    """Up to where lines are in batches, and the batch whose receipt is not yet there."""

    number: int = 1
    generation: int = 0
    offset: int = 0
    key: str = ""
    body: bytes = b""

    @property
    def segment(self) -> tuple[int, int]:
        return self.number, self.generation


class _Spool:
    """The file, its closed segments and the place reached. Knows nothing of the portal."""

    def __init__(self, filename: str, source: str, max_bytes: int) -> None:
        self.path = os.path.abspath(filename)
        self.source = source
        self.max_bytes = max_bytes
        self.segment_bytes = max(MIN_SEGMENT_BYTES, min(MAX_SEGMENT_BYTES, max_bytes // 8))
        self._closed_name = re.compile(rf"{re.escape(os.path.basename(self.path))}\.(\d+)-(\d)")
        self.forget_process()
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with self._lock(), open(self.path, "ab", opener=_private):
            pass  # a wrong path is told at the start, as FileHandler does

    def forget_process(self) -> None:
        """After a fork: what is held is the parent's. To close is not to unlock."""
        for descriptor in getattr(self, "_held", ()):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._held: set[int] = set()
        self._mutex = threading.Lock()
        self._is_shipper = False
        self._shipper_lock = -1

    # Writing: any process, one at a time.

    def append(self, lines: bytes, *, durable: bool) -> None:
        """All or nothing; OSError if there is no room."""
        with self._lock():
            size = self._size(self.path)
            if size and size + len(lines) > self.segment_bytes:
                self._rotate()
            with open(self.path, "ab", buffering=0, opener=_private) as file:
                start = file.tell()
                if start and not self._ends_with_newline():
                    lines = b"\n" + lines  # somebody was killed in the middle of a line
                try:
                    while lines:
                        lines = lines[file.write(lines) :]
                    if durable:
                        os.fsync(file.fileno())
                except OSError:
                    file.truncate(start)
                    raise

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with self._mutex, self._open(f"{self.path}.lock") as descriptor:
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                if fcntl:  # a fork may hold a copy: closing alone would not unlock
                    fcntl.flock(descriptor, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _open(self, path: str) -> Iterator[int]:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._held.add(descriptor)
        try:
            yield descriptor
        finally:
            self._held.discard(descriptor)
            os.close(descriptor)

    def _ends_with_newline(self) -> bool:
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _rotate(self) -> None:
        os.rename(self.path, self._path_of((self._active_number(), 0)))

    def _active_number(self) -> int:
        # The listing first: a segment goes only after the state has left it.
        numbers = [number for number, _ in self._closed()]
        return max([*(number + 1 for number in numbers), self._read_state().number])

    def _closed(self) -> list[tuple[int, int]]:
        names = map(self._closed_name.fullmatch, os.listdir(os.path.dirname(self.path)))
        return sorted((int(name[1]), int(name[2])) for name in names if name)

    def _path_of(self, segment: tuple[int, int]) -> str:
        return "{}.{:06}-{}".format(self.path, *segment)

    @staticmethod
    def _size(path: str) -> int:
        try:
            return os.stat(path).st_size
        except FileNotFoundError:
            return 0

    # Shipping: one process.

    def is_ours_to_ship(self) -> bool:
        if not self._is_shipper:
            if fcntl:
                descriptor = os.open(f"{self.path}.shipper", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(descriptor)
                    return False
                self._held.add(descriptor)
                self._shipper_lock = descriptor
            self._is_shipper = True
            self.state = self._read_state()
        return True

    def leave_to_others(self) -> None:
        if self._is_shipper and fcntl:
            self._held.discard(self._shipper_lock)
            fcntl.flock(self._shipper_lock, fcntl.LOCK_UN)
            os.close(self._shipper_lock)
        self._is_shipper = False

    def batch(self) -> _State | None:
        """The batch under way, or the next one, whose key and bytes are on disk from now on."""
        while not self.state.key:
            with self._lock():
                path, chunk, is_closed = self._unread()
            if not chunk:
                if not is_closed:
                    return None
                self._save(_State(self.state.number + 1))
                os.unlink(path)
                continue
            self._save(self._next(chunk))
        return self.state

    def delivered(self) -> None:
        self._save(replace(self.state, key="", body=b""))

    def rename_batch(self) -> None:
        self._save(replace(self.state, key=str(uuid.uuid4())))

    def _unread(self) -> tuple[str, bytes, bool]:
        """The oldest lines that are in no batch, where they stand, and whether that is closed."""
        closed = self._closed()
        newest = dict(closed)
        for segment in closed:
            if segment < self.state.segment or segment[1] < newest[segment[0]]:
                os.unlink(self._path_of(segment))  # a kill came between two steps
                continue
            return self._path_of(segment), self._read(self._path_of(segment), segment), True
        return self.path, self._read(self.path, (self._active_number(), 0)), False

    def _read(self, path: str, segment: tuple[int, int]) -> bytes:
        """Whole lines from the place reached on; durable, or the place could outlive them."""
        if segment != self.state.segment:
            self.state = _State(*segment, key=self.state.key, body=self.state.body)
        if self._size(path) < self.state.offset:  # somebody has emptied it
            self.state = replace(self.state, offset=0)
        if self._size(path) == self.state.offset:
            return b""
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
            file.seek(self.state.offset)
            chunk = file.read(MAX_BATCH_BYTES)
        end = chunk.rfind(b"\n") + 1
        # Without an end it is torn, or nothing that we wrote.
        return chunk[:end] if end else chunk

    def _next(self, chunk: bytes) -> _State:
        lines = chunk.splitlines(keepends=True)[:MAX_BATCH_EVENTS]
        events, lost = [], _Loss()
        for line in filter(bytes.strip, lines):
            event = line.partition(b',"orgo":')[2].rstrip()[:-1]
            if event and _event_of(line):
                events.append(event)
            else:
                lost.add("unreadable")
        if lost.counts:
            events.append(_encoded(lost.event(self.source, "lines of the local file were cut")))
        after = replace(self.state, offset=self.state.offset + sum(map(len, lines)))
        if not events:
            return after
        body = gzip.compress(b"\n".join(events), compresslevel=1, mtime=0)
        return replace(after, key=str(uuid.uuid4()), body=body)

    def _read_state(self) -> _State:
        try:
            with open(f"{self.path}.state", "rb") as file:
                head, body = file.readline(), file.read()
            told = json.loads(head)
            number, generation, offset = map(
                int, (told["number"], told["generation"], told["offset"])
            )
            return _State(number, generation, offset, str(told["key"]), body)
        except FileNotFoundError:
            return _State()
        except (ValueError, TypeError, LookupError):
            _say("the state file cannot be read; what stands in the log is delivered again")
            return _State()

    def _save(self, state: _State) -> None:
        head = {"number": state.number, "generation": state.generation, "offset": state.offset}
        content = _encoded(head | {"key": state.key}) + b"\n" + state.body
        self._put_in_place(f"{self.path}.state", content)
        self.state = state

    def _put_in_place(self, path: str, content: bytes) -> None:
        """Whole or not at all, also after a power cut; a full disk gives its reserve for it."""
        new = f"{self.path}.new"
        try:
            _write(new, content)
        except OSError:
            os.truncate(f"{self.path}.lock", 0)
            _write(new, content)
        os.replace(new, path)
        _sync_folder(os.path.dirname(self.path))

    # Making room: the shipper.

    def make_room(self) -> None:
        """Drops the oldest activity, then errors, until all fits. Never a security event."""
        self._keep_reserve()
        for generation, dropped in ((1, {ACTIVITY}), (2, {ACTIVITY, ERROR})):
            # The writer goes on meanwhile: errors go only where no activity is left to go.
            while self._is_too_full() and self._shrink_segments(generation, dropped):
                pass

    def _shrink_segments(self, generation: int, dropped: set[str]) -> bool:
        """Oldest first, until all fits; False where no segment is left to shrink."""
        with self._lock():
            if self._size(self.path) >= MIN_SEGMENT_BYTES:
                self._rotate()
        found = False
        for segment in self._closed():
            if segment[1] < generation and segment >= self.state.segment:
                found |= self._shrink(segment, generation, dropped)
                if not self._is_too_full():
                    break
        return found

    def _is_too_full(self) -> bool:
        folder = os.path.dirname(self.path)
        paths = [self.path, *map(self._path_of, self._closed())]
        is_over = sum(map(self._size, paths)) > self.max_bytes
        return is_over or shutil.disk_usage(folder).free < RESERVE_BYTES

    def _keep_reserve(self) -> None:
        path = f"{self.path}.lock"
        if self._size(path) < RESERVE_BYTES:
            with contextlib.suppress(OSError), open(path, "rb+", buffering=0) as file:
                file.write(bytes(RESERVE_BYTES))

    def _shrink(self, segment: tuple[int, int], generation: int, dropped: set[str]) -> bool:
        """The new file counts what is gone, takes the old one's place and begins where we are."""
        old = self._path_of(segment)
        kept, lost = [], _Loss()
        with open(old, "rb") as file:
            file.seek(self.state.offset if segment == self.state.segment else 0)
            for line in file:
                event = _event_of(line)
                if event and event["log_type"] in dropped and "lost" not in event:
                    lost.add(event["log_type"], str(event.get("timestamp", "")))
                else:
                    kept.append(line)
        if lost.counts:
            kept.append(lost.line(self.source, "the local file or its disk was full"))
        try:
            self._put_in_place(self._path_of((segment[0], generation)), b"".join(kept))
        except OSError:
            return False  # the next segment may keep less
        os.unlink(old)
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(path: str, content: bytes) -> None:
    with open(path, "wb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _say(words: str) -> None:
    """To stderr past all loggers: what the handler has to say must not come back to it."""
    if logging.lastResort:
        record = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING})
        record.msg = f"OrgoHandler: {words}"
        logging.lastResort.handle(record)


# --- the portal ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int = 0  # none came
    retry_after: float = 0.0
    rejected: int = 0

    @property
    def is_receipt(self) -> bool:
        return self.status in (201, 202, 207) or (self.status == 400 and self.rejected > 0)

    @property
    def needs_a_person(self) -> bool:
        return 300 <= self.status < 500 and self.status not in (409, 429)


class _Portal:
    """One request a batch. Follows no redirect and no proxy: the token goes to this host alone."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url: expected the portal's address such as http://localhost:8000")
        self._token = token.strip()
        if not self._token.isascii() or not self._token.isprintable() or not self._token:
            raise ValueError("token: expected what create_token has printed")
        base = parts.path.rstrip("/").removesuffix("/api/v1/logs")
        self._path = f"{base}/api/v1/logs/"
        self._host, self._port, self._is_secure = (
            parts.hostname,
            parts.port,
            parts.scheme == "https",
        )

    def deliver(self, key: str, body: bytes) -> _Answer:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Idempotency-Key": key,
        }
        connection = self._connection()
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException):
            return _Answer()
        finally:
            connection.close()
        pause = _seconds(response.headers.get("Retry-After", ""))
        return _Answer(response.status, pause, _rejected(content))

    def _connection(self) -> http.client.HTTPConnection:
        if self._is_secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)


def _rejected(content: bytes) -> int:
    try:
        return len(json.loads(content)["rejected"])
    except (ValueError, LookupError, TypeError):
        return 0


def _seconds(told: str) -> float:
    """Retry-After (RFC 9110): seconds or a date."""
    try:
        seconds = (
            float(told) if told.isdigit() else parsedate_to_datetime(told).timestamp() - time.time()
        )
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


# --- the handler --------------------------------------------------------------------------------


class OrgoHandler(logging.Handler):
    """Records go to `filename` as ECS JSON lines, and from there to the portal as events.

    `url` is the portal's address, or that of its `/api/v1/logs/`; `source` names this service;
    `max_bytes` bounds the files. A formatter has no effect: file and events have their own shape.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        filename: str | os.PathLike[str],
        source: str,
        level: int | str = logging.INFO,
        max_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        super().__init__(level)
        self._portal = _Portal(url, token)
        self._source = _Plain(characters=500).text(source)
        self._spool = _Spool(os.fspath(filename), self._source, max_bytes)
        self._closing = False
        self._forget_process()
        self._start()
        _handlers.add(self)

    def _forget_process(self) -> None:
        """What waits in memory after a fork is the parent's; threads start at the first record."""
        self._spool.forget_process()
        self._waiting: dict[str, deque[_Snapshot]] = {
            log_type: deque() for log_type in (ACTIVITY, ERROR, SECURITY)
        }
        self._lost, self._lost_lock = _Loss(), threading.Lock()
        self._unwritten: list[bytes] = []
        self._unwritten_because = ""
        self._writing = threading.Lock()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._news, self._close = threading.Event(), threading.Event()
        self._own_threads: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._has_threads = False
        self._told: set[str] = set()
        self._is_waking = False
        self._failures, self._not_before = 0, 0.0

    def _start(self) -> None:
        works = {"writer": self._write_for_ever, "shipper": self._ship_for_ever}
        self._threads = [
            threading.Thread(target=work, name=f"orgo-{name}", daemon=True)
            for name, work in works.items()
        ]
        for thread in self._threads:
            thread.start()
        self._has_threads = True
        if util := sys.modules.get("multiprocessing.util"):
            # Its children end without atexit, where logging would flush.
            util.Finalize(None, self.flush, exitpriority=0)

    # In the caller's thread.

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() in self._own_threads:
            return  # whatever our own delivery logs would be delivered, which logs
        try:
            snapshot = _snapshot(record)
        except Exception:  # noqa: BLE001  (whatever it was, the caller goes on)
            self.handleError(record)
            return
        waiting = self._waiting[snapshot.log_type]
        waiting.append(snapshot)
        if self._is_waking:
            return  # a signal's handler logs in the middle of a call; locks here would never open
        self._is_waking = True
        try:
            self._wake_writer(snapshot.log_type, len(waiting))
        finally:
            self._is_waking = False

    def _wake_writer(self, log_type: str, waiting: int) -> None:
        if log_type != ACTIVITY:
            self._hurry.set()
        if not self._wake.is_set():
            self._wake.set()
        if waiting > FLOOD:
            self._give_way(log_type)
        if not self._has_threads:
            self._write_alone()

    def _give_way(self, log_type: str) -> None:
        """In a flood the caller becomes as slow as the file; if that fails, the oldest is lost."""
        waiting = self._waiting[log_type]
        if len(waiting) <= MAX_WAITING:
            if not self._unwritten_because:
                time.sleep(0.001)  # leaves the processor to the writer
        elif log_type != SECURITY:
            with self._lost_lock:
                self._lost.add(log_type, _instant(waiting.popleft().created))

    def _write_alone(self) -> None:
        if not self._closing:
            with contextlib.suppress(RuntimeError):  # the interpreter is ending
                self._start()
        if not self._has_threads:
            self._write_out()

    def flush(self) -> None:
        """What was logged before stands in the file afterwards, unless that cannot be written."""
        self._write_out()

    def close(self) -> None:
        """Writes what waits and delivers it, for some seconds at most; the rest keeps its file."""
        if not self._closing:
            self._closing, self._has_threads = True, False
            self._write_out()
            for event in (self._close, self._news, self._hurry, self._wake):
                event.set()
            for thread in self._threads:
                thread.join(CLOSE_SECONDS)
        super().close()

    # In the writer's thread, or in that of whoever flushes.

    def _write_for_ever(self) -> None:
        self._own_threads.add(threading.get_ident())
        while not self._closing:
            self._wake.wait(TICK_SECONDS)
            self._hurry.wait(LINGER_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            if not self._write_out(most=SLICE if self._count_waiting() < FLOOD // 2 else FLOOD):
                self._close.wait(TICK_SECONDS)
            if self._unwritten or self._count_waiting():
                self._wake.set()

    def _count_waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _write_out(self, most: int = sys.maxsize) -> bool:
        """Whether so many of the waiting records are in the file now."""
        if not self._writing.acquire(timeout=CLOSE_SECONDS):
            return False
        try:
            while most > 0:
                self._unwritten = self._unwritten or self._next_lines()
                if not self._unwritten:
                    break
                sizes = itertools.accumulate(map(len, self._unwritten))
                count = max(1, sum(size <= RESERVE_BYTES // 2 for size in sizes))
                piece = b"".join(self._unwritten[:count])
                self._spool.append(piece, durable=self._is_durable)
                del self._unwritten[:count]
                self._news.set()
                most -= count
        except OSError as problem:
            self._unwritten_because = problem.strerror or "failed"
            self._say_once("file", f"the local file cannot be written: {self._unwritten_because}")
            return False
        finally:
            self._writing.release()
        self._unwritten_because = ""
        self._told.discard("file")
        return True

    def _next_lines(self) -> list[bytes]:
        snapshots: list[_Snapshot] = []
        self._is_durable = False
        for log_type, waiting in self._waiting.items():
            mine = _taken(waiting)
            self._is_durable |= log_type != ACTIVITY and bool(mine)
            snapshots += mine
        snapshots.sort(key=lambda one: one.created)
        return self._lines_about_losses() + [self._line_of(one) for one in snapshots]

    def _line_of(self, snapshot: _Snapshot) -> bytes:
        try:
            return snapshot.line(self._source)
        except Exception:  # noqa: BLE001  (one record must not stop all others)
            return _Snapshot(time.time(), "ERROR", "", _UNWRITABLE, snapshot.log_type, {}, {}).line(
                self._source
            )

    def _lines_about_losses(self) -> list[bytes]:
        with self._lost_lock:
            lost, self._lost = self._lost, _Loss()
        reason = "more events waited in memory than it takes"
        return [lost.line(self._source, reason)] if lost.counts else []

    # In the shipper's thread.

    def _ship_for_ever(self) -> None:
        self._own_threads.add(threading.get_ident())
        while True:
            is_last = self._closing
            try:
                has_more = self._ship()
            except Exception as problem:  # noqa: BLE001  (a dead thread would deliver nothing more)
                self._say_once("spool", f"delivery has failed: {type(problem).__name__}")
                has_more = False
            if not has_more:
                if is_last:
                    return self._spool.leave_to_others()
                self._news.wait(TICK_SECONDS)
                self._news.clear()
                self._close.wait(GATHER_SECONDS)

    def _ship(self) -> bool:
        """One batch; False where there is none, or none can be delivered now."""
        if not self._spool.is_ours_to_ship():
            return False
        self._spool.make_room()
        if time.monotonic() < self._not_before or not (batch := self._spool.batch()):
            return False
        answer = self._portal.deliver(batch.key, batch.body)
        if answer.is_receipt:
            self._spool.delivered()
            self._failures = 0
            self._told &= {"file", "rejected"}
            if answer.rejected:
                self._say_once("rejected", "the portal has put events into its quarantine")
            return True
        self._pause(answer)
        if answer.status == http.client.CONFLICT:
            # Its bytes came another way before. A double is the lesser evil in a record.
            self._spool.rename_batch()
        return False

    def _pause(self, answer: _Answer) -> None:
        longest = LONGEST_PAUSE_SECONDS
        pause = longest
        if not answer.needs_a_person:
            pause = min(longest, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 20))
        self._failures += 1
        pause = max(pause * random.uniform(0.5, 1), answer.retry_after)  # noqa: S311  (jitter)
        self._not_before = time.monotonic() + pause
        what = f"answers {answer.status}" if answer.status else "does not answer"
        self._say_once(what, f"the portal {what}; events wait in the local file")

    def _say_once(self, kind: str, words: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _say(words)


def _taken(waiting: deque[_Snapshot]) -> list[_Snapshot]:
    taken: list[_Snapshot] = []
    with contextlib.suppress(IndexError):  # the caller may have dropped the last ones
        while len(taken) < SLICE:
            taken.append(waiting.popleft())
    return taken


def _snapshot(record: logging.LogRecord) -> _Snapshot:
    """All that may change after the call is copied now."""
    extra = {name: value for name, value in record.__dict__.items() if name not in _RESERVED}
    for name, value in extra.items():
        kind = type(value)
        if (kind is not str or len(value) > MAX_TEXT) and kind not in _SCALARS:
            extra[name] = _Plain().of(value)
    log_type = extra.pop("log_type", None)
    if not (isinstance(log_type, str) and log_type in (ACTIVITY, ERROR, SECURITY)):
        if log_type is not None:
            extra["log_type"] = log_type
        log_type = ERROR if record.levelno >= logging.ERROR else ACTIVITY
    error = _error(record) if record.exc_info or record.exc_text or record.stack_info else {}
    message = _message(record)
    return _Snapshot(record.created, record.levelname, record.name, message, log_type, extra, error)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()[:MAX_TEXT]
    except Exception:  # noqa: BLE001  (anybody's __str__, or arguments that do not fit)
        return f"{_Plain().of(record.msg)} {reprlib.repr(record.args)}"


def _error(record: logging.LogRecord) -> dict[str, str]:
    kind, problem, _ = record.exc_info or (None, None, None)
    trace = record.exc_text or (_formatted(record.exc_info) if record.exc_info else "")
    return {
        "type": kind.__name__ if kind else "",
        "message": str(_Plain().of(problem)) if problem else "",
        "stack_trace": "\n".join(filter(None, (trace, record.stack_info)))[-MAX_TEXT:],
    }


def _formatted(exc_info: Any) -> str:
    try:
        return logging.Formatter().formatException(exc_info)
    except Exception:  # noqa: BLE001  (anybody's __str__)
        return "<unprintable trace>"


_handlers: weakref.WeakSet[OrgoHandler] = weakref.WeakSet()


def _after_fork() -> None:
    for handler in _handlers:
        handler._forget_process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
