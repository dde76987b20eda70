"""What an operator set, read or refused in one sentence. Never repeats what may hold a password."""

from __future__ import annotations

import base64
import contextlib
import os
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from orgo_audit import logins


class _Given(FileAwareMapping):  # type: ignore[misc]  # the library has no types
    """A value's file may end as editors end one; one that cannot be read is told by its setting."""

    def __getitem__(self, name: str) -> str:
        try:
            told: str = super().__getitem__(name)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ImproperlyConfigured(
                f"{name}_FILE: {why}; expected the path of a file that holds the value"
            ) from None
        return told.rstrip("\r\n") if f"{name}_FILE" in self.env else told


class _Env(environ.FileAwareEnv):  # type: ignore[misc]
    ENVIRON = _Given(cache=False)


env = _Env()
DATABASE_SCHEMES = frozenset({"postgres", "postgresql"})
SMTP_SCHEMES = frozenset({"smtp", "smtps", "smtp+tls", "smtp+ssl"})
CACHE_SCHEMES = frozenset({"redis", "rediss", "unix"})
BROKER_SCHEMES = frozenset({"amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket"})


def is_given(name: str) -> bool:
    """The operator set it, or named a file that holds it."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def port(name: str, default: str) -> int:
    told = env.str(name, default=default)
    if told.isascii() and told.isdigit() and 1 <= int(told) <= 65535:
        return int(told)
    raise ImproperlyConfigured(f"{name}: {told!r} is no port; expected a number from 1 to 65535")


def number(name: str, default: int) -> int:
    told = env.str(name, default=str(default))
    if told.isascii() and told.isdigit() and len(told) <= 9:
        return int(told)
    raise ImproperlyConfigured(
        f"{name}: {told!r} is no number; expected 0 or a whole number below a billion"
    )


def is_on(name: str, default: str = "1") -> bool:
    """1 or 0."""
    told = env.str(name, default=default)
    if told in ("0", "1"):
        return bool(told == "1")
    raise ImproperlyConfigured(f"{name}: {told!r} is neither 1 (on) nor 0 (off)")


def public_url(name: str, default: str) -> str:
    """Scheme, host and port alone: pages, links and passkeys begin with it."""
    url = env.str(name, default=default).rstrip("/")
    parts = _parts(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or url != f"{parts.scheme}://{parts.netloc}"
        or "@" in parts.netloc
    ):
        raise ImproperlyConfigured(
            f"{name}: expected an address without a path, such as https://portal.example"
        )
    return str(url)


def server_url(name: str, default: str, schemes: frozenset[str], example: str) -> str:
    """Of a cache or a broker; one of another kind would be waited for without an end."""
    url = env.str(name, default=default)
    parts = _parts(url.partition(";")[0], needs_host=False)  # Celery takes several brokers
    if parts is None or parts.scheme not in schemes:
        raise ImproperlyConfigured(f"{name}: expected {example}")
    return str(url)


def http_url(name: str) -> str:
    """Of a server that speaks HTTP, without the slash at its end; empty where none is given."""
    url = env.str(name, default="").rstrip("/")
    parts = _parts(url)
    if not url or (parts is not None and parts.scheme in ("http", "https")):
        return str(url)
    raise ImproperlyConfigured(f"{name}: expected http://HOST:PORT or https://HOST:PORT")


def webhook_secret(name: str) -> str:
    """As Standard Webhooks writes one; empty where none is given."""
    told = env.str(name, default="")
    with contextlib.suppress(ValueError):
        key = base64.b64decode(told.removeprefix("whsec_"), validate=True)
        if not told or (told.startswith("whsec_") and 24 <= len(key) <= 64):
            return str(told)
    raise ImproperlyConfigured(f"{name}: expected whsec_ and 24 to 64 bytes in base64")


def public_key(name: str) -> str:
    """An X25519 key in PEM; empty where none is given."""
    pem = env.str(name, default="")
    if not pem:
        return ""
    with contextlib.suppress(ValueError, UnsupportedAlgorithm):
        if isinstance(load_pem_public_key(pem.encode()), X25519PublicKey):
            return str(pem)
    raise ImproperlyConfigured(f"{name}: expected an X25519 public key in PEM")


def given_database_url(login: str) -> str:
    """The login's own URL, for PostgreSQL and with a database in it; empty where none is given."""
    name = logins.url_variable(login)
    url = env.str(name, default="")
    parts = _parts(url, needs_host=False)
    if not url:
        return ""
    if parts is None or parts.scheme not in DATABASE_SCHEMES or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name}: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %XX for what is"
            " special in a URL"
        )
    return str(url)


def mail(name: str) -> dict[str, Any]:
    """Django's settings for sending mail; none where nobody is told by mail."""
    url = env.str(name, default="")
    if not url:
        return {}
    parts = _parts(url, needs_host=False)
    if parts is not None and (
        parts.hostname if parts.scheme in SMTP_SCHEMES else parts.scheme in env.EMAIL_SCHEMES
    ):
        config: dict[str, Any] = env.email_url_config(url)
        return config
    raise ImproperlyConfigured(
        f"{name}: expected smtp://USER:PASSWORD@HOST:PORT, or smtp+tls:// or smtp+ssl://"
    )


def _parts(url: str, *, needs_host: bool = True) -> SplitResult | None:
    """None where it is no URL: `urlsplit`'s own words repeat what it was given."""
    try:
        parts = urlsplit(url)
        is_usable = (parts.port is None or parts.port > 0) and (parts.hostname or not needs_host)
    except ValueError:
        return None
    return parts if is_usable else None
