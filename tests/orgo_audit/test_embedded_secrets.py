"""Secrets are made once and are nobody else's to read."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from orgo_audit.embedded import keys, paths, secrets
from orgo_audit.errors import Unavailable


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = secrets.keep_secret(tmp_path, "orgo_web")
    assert secrets.keep_secret(tmp_path, "orgo_web") == first
    assert paths.read_secret(tmp_path, "orgo_web") == first


def test_nobody_else_can_read_a_secret(tmp_path: Path) -> None:
    secrets.keep_secret(tmp_path, "orgo_web")
    folder = paths.secrets_folder(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_folder_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)
    secrets.keep_secret(tmp_path, "orgo_web")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_two_starters_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: secrets.keep_secret(tmp_path, "orgo_web"), range(32))
    assert len(set(found)) == 1


def test_a_starter_killed_while_writing_leaves_no_half_secret(tmp_path: Path) -> None:
    folder = secrets.private_folder(paths.secrets_folder(tmp_path))
    (folder / ".orgo_web.new").write_text("hal")
    assert len(secrets.keep_secret(tmp_path, "orgo_web")) > secrets.SECRET_BYTES


def test_what_was_written_stays_though_the_power_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(stat.S_ISDIR(os.fstat(fd).st_mode)))
    secrets.write_private(tmp_path / "keyring", "text")
    assert synced == [False, True]


def test_the_vaults_keys_belong_together(tmp_path: Path) -> None:
    keys.keep_vault_keys(tmp_path)
    private = load_pem_private_key(paths.read_secret(tmp_path, keys.PRIVATE_KEY).encode(), None)
    public = load_pem_public_key(paths.read_secret(tmp_path, keys.PUBLIC_KEY).encode())
    assert private.public_key() == public


def test_a_lost_vault_key_is_told_and_never_silently_replaced(tmp_path: Path) -> None:
    keys.keep_vault_keys(tmp_path)
    (paths.secrets_folder(tmp_path) / keys.PRIVATE_KEY).unlink()
    with pytest.raises(Unavailable, match="put its copy back"):
        keys.keep_vault_keys(tmp_path)
    assert not paths.read_secret(tmp_path, keys.PRIVATE_KEY)
