"""Brings `.venv` in step with the locked packages, never twice at once. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "synced"
LOCK = ROOT / ".venv.lock"
UV_FILE = ROOT / "requirements" / "uv.txt"
PACKAGES_FILE = ROOT / "requirements" / "dev.txt"
OLDEST = (3, 11)


def main() -> None:
    refuse_unfit_python()
    wanted = digest((UV_FILE, PACKAGES_FILE))
    if is_in_step(wanted):
        return
    # Read-only, so that somebody else's lock file is good enough.
    with open(os.open(LOCK, os.O_RDONLY | os.O_CREAT, 0o644), encoding="ascii") as lock:
        take(lock.fileno())
        if not is_in_step(wanted):
            sync(wanted)


def refuse_unfit_python() -> None:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        sys.exit(
            f"Python 3.11 or later is needed; {sys.executable} is {found}."
            " Name another one: make PYTHON=python3.12 ..."
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            f"{sys.executable} cannot make virtual environments."
            " On Debian or Ubuntu: apt-get install python3-venv"
        )


def digest(files: tuple[Path, ...]) -> str:
    """Changes with the packages and the interpreter, not with the place, which may be moved."""
    total = hashlib.sha256()
    for part in (sys.version, sys.base_prefix):
        total.update(part.encode() + b"\0")
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def interpreter_digest() -> str:
    return digest(())


def recorded() -> list[str]:
    """What the last finished run wrote: the digest, then the interpreter's alone."""
    return STATE.read_text(encoding="ascii").split() if STATE.is_file() else []


def is_in_step(wanted: str) -> bool:
    return recorded()[:1] == [wanted] and PYTHON.exists()


def take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting: the packages are being installed by another command")
        fcntl.flock(lock, fcntl.LOCK_EX)


def sync(wanted: str) -> None:
    if recorded()[1:] != [interpreter_digest()] or not PYTHON.exists():
        # None, another interpreter's, or killed half-way: a package may be there in part.
        make_venv()
    STATE.unlink(missing_ok=True)
    install()
    new = STATE.with_suffix(".new")
    new.write_text(f"{wanted}\n{interpreter_digest()}\n", encoding="ascii")
    new.rename(STATE)
    say("packages are ready")


def make_venv() -> None:
    say(f"making {VENV.name} with Python {'.'.join(map(str, sys.version_info[:3]))}")
    if VENV.exists():
        shutil.rmtree(VENV)
    # Not sys.executable, which is the one just removed where the environment was active.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if not run([base, "-m", "venv", str(VENV)]):
        sys.exit(f"{base} could not make {VENV}")


def install() -> None:
    count = sum("==" in line for line in PACKAGES_FILE.read_text(encoding="utf-8").splitlines())
    say(f"installing {count} packages")
    if install_with_uv():
        return
    say("uv is of no use here; pip does it, which takes a minute or two")
    if not run([*pip_install(), "-r", str(PACKAGES_FILE)]):
        sys.exit("The packages could not be installed. Is a package index reachable?")


def install_with_uv() -> bool:
    uv = VENV / "bin" / "uv"
    if not run([*pip_install(), "-r", str(UV_FILE)]) or not uv.exists():
        return False
    # Compiled here, for where Python may write no bytecode each process would compile all anew.
    options = ["--quiet", "--require-hashes", "--compile-bytecode"]
    if not has_home():
        options.append("--no-cache")
    return run(
        [
            str(uv),
            "--system-certs",
            "pip",
            "sync",
            *options,
            "--python",
            str(PYTHON),
            str(PACKAGES_FILE),
        ]
    )


def pip_install() -> list[str]:
    options = [
        "--quiet",
        "--require-hashes",
        "--disable-pip-version-check",
        "--no-input",
        "--root-user-action=ignore",
    ]
    return [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        *options,
        *([] if has_home() else ["--no-cache-dir"]),
    ]


def has_home() -> bool:
    """Both installers keep a cache there, and uv refuses to work where it cannot."""
    return os.access(Path("~").expanduser(), os.W_OK)


def run(command: list[str]) -> bool:
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def say(words: str) -> None:
    print(f"set-up: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("interrupted; run it again")
        sys.exit(130)
