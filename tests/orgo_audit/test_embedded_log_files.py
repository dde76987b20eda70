"""Logs: a few generations, none without bound, and no writer loses its place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orgo_audit.embedded import log_files


def generations(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_few_earlier_starts_stay(tmp_path: Path) -> None:
    for start in range(7):
        log_files.begin_new(tmp_path)
        (tmp_path / "web.log").write_text(str(start))
    kept = {"web.log": "6", "web.log.1": "5", "web.log.2": "4", "web.log.3": "3", "web.log.4": "2"}
    assert generations(tmp_path) == kept


def test_one_that_grows_too_large_is_moved_under_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LARGEST_BYTES", 5)
    with (tmp_path / "web.log").open("ab", buffering=0) as writer:
        writer.write(b"small")
        log_files.bound(tmp_path)
        assert generations(tmp_path) == {"web.log": "small"}
        writer.write(b" no more")
        log_files.bound(tmp_path)
        writer.write(b"next")
    assert generations(tmp_path) == {"web.log": "next", "web.log.1": "small no more"}


def test_on_a_full_disk_it_is_cut_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(log_files, "LARGEST_BYTES", 5)
    monkeypatch.setattr(shutil, "copyfile", no_room)
    (tmp_path / "web.log").write_text("too large")
    log_files.bound(tmp_path)
    assert generations(tmp_path) == {"web.log": ""}


def test_the_last_lines_of_any_log(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    assert log_files.last_lines(log, 1) == ""
    log.write_bytes(os.urandom(50_000) + b"\nfirst\n\nlast " + b"x" * 1000 + b"\n\n")
    first, last = log_files.last_lines(log, 2).splitlines()
    assert first == "first"
    assert last.startswith("last x")
    assert len(last) == log_files.LONGEST_LINE
    log.write_bytes(b"earlier\nlater\n")
    assert log_files.last_lines(log, 9, since=8) == "later"
