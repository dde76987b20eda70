"""Builders for tests: each says only what matters to the test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import Group, Permission
from django.db import connection, connections, transaction
from django.test import Client, override_settings
from django.utils import timezone

from logs import envelope
from logs.record import drafts, ingest
from logs.record.models import Event, LogScope, LogScopeGroupGrant, QuarantinedEvent
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import create_user, group_name
from orgo_audit.accounts.tokens import create_token
from orgo_audit.policy import versions
from tests.database import BUILDER_ROLE

PASSWORD = "correct horse battery staple"
API = "/api/v1"
PATH_OF = {log_type: f"{API}/{log_type.value}-logs/" for log_type in LogType}
FAST_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
_numbers = itertools.count(1)


# --- who ----------------------------------------------------------------------------------------


@contextmanager
def setting_the_scene() -> Iterator[None]:
    """With the worker's rights: the web login may not make people and organizations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user = 'orgo_web'")
        is_web = cursor.fetchone()[0]
        if is_web:
            cursor.execute(f"SET ROLE {BUILDER_ROLE}")
        try:
            yield
        finally:
            if is_web and not connection.needs_rollback:
                cursor.execute("RESET ROLE")


def an_organization(slug: str = "") -> Organization:
    """A tenant with the policy's grants: as the command makes it, in fewer queries."""
    policy = versions.current().for_organization(slug)
    with setting_the_scene(), transaction.atomic():
        organization = Organization.objects.create(slug=slug or f"organization-{next(_numbers)}")
        groups = {role: Group(name=group_name(organization, role)) for role in Role}
        Group.objects.bulk_create(groups.values())
        views = {view for role in Role for view in policy.views_of(role.value)}
        scopes = {view: LogScope(organization=organization, view=view) for view in views}
        LogScope.objects.bulk_create(scopes.values())
        permission = Permission.objects.get(codename="view_logscope")
        LogScopeGroupGrant.objects.bulk_create(
            LogScopeGroupGrant(group=group, permission=permission, content_object=scopes[view])
            for role, group in groups.items()
            for view in policy.views_of(role.value)
        )
    return organization


def a_user(
    role: Role, organization: Organization, name: str = "", *, signs_in: bool = False
) -> User:
    """A person with a role. Only one who `signs_in` by the form has a password that costs time."""
    name = name or f"{role.value}-{next(_numbers)}"
    hashers = {} if signs_in else {"PASSWORD_HASHERS": [FAST_HASHER]}
    with setting_the_scene(), override_settings(**hashers):
        return create_user(name, role=role, organization=organization, password=PASSWORD)


def a_token(
    organization: Organization,
    *scopes: Scope,
    name: str = "email_parser",
    lives: timedelta = timedelta(days=1),
) -> str:
    expires_at = timezone.now() + lives
    with setting_the_scene():
        made = create_token(name, organization, scopes or (Scope.INGEST,), expires_at=expires_at)
    return made.text


def a_known_token(organization: Organization, *scopes: Scope, **options: Any) -> ServiceToken:
    """The token's row, where a test needs no text of it."""
    a_token(organization, *scopes, **options)
    return ServiceToken.objects.latest("pk")


# --- callers ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def media_type(self) -> str:
        return self.headers["Content-Type"].partition(";")[0]

    @property
    def whole(self) -> tuple[int, dict[str, str], bytes]:
        """All of it, to compare two answers that must not differ in anything."""
        return self.status, dict(self.headers), self.content


class Caller:
    """Somebody at the API: nobody, a person with a session, or a service with a token."""

    def __init__(self, token: str = "", user: User | None = None) -> None:
        self.client = Client(raise_request_exception=True)
        self.own_headers = {"Authorization": f"Bearer {token}"} if token else {}
        if user is not None:
            self.client.force_login(user)

    def call(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.client.generic(
            method, path, raw, content_type, headers={**self.own_headers, **(headers or {})}
        )
        content = b"".join(response) if response.streaming else response.content
        return Answer(response.status_code, dict(response.items()), content)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any, **options: Any) -> Answer:
        return self.call("POST", path, body, **options)


class Service(Caller):
    """A service of an organization that delivers and reads with one token."""

    def __init__(
        self, organization: Organization, *scopes: Scope, name: str = "email_parser"
    ) -> None:
        every = scopes or (Scope.INGEST, Scope.READ)
        super().__init__(token=a_token(organization, *every, name=name))
        self.organization = organization
        self.name = name

    def deliver(self, *events: Any, log_type: LogType = LogType.ACTIVITY, **options: Any) -> Answer:
        return self.post(PATH_OF[log_type], list(events), **options)


# --- events -------------------------------------------------------------------------------------


def wire_event(log_type: LogType = LogType.ACTIVITY, /, **fields: Any) -> dict[str, Any]:
    """An ordinary event as a service sends it."""
    name = "error" if log_type is LogType.ERROR else "action"
    return {"timestamp": "2024-11-24T10:45:00Z", name: "Task Routed", "status": "Success"} | fields


def an_event(
    organization: Organization,
    log_type: LogType = LogType.ACTIVITY,
    *,
    source: str = "router",
    **fields: Any,
) -> Event:
    """A stored event of an hour ago."""
    lately = {"timestamp": (timezone.now() - timedelta(hours=1)).isoformat()}
    sent = wire_event(log_type, **lately | fields)
    (event,) = stored(organization, sent, log_type=log_type, source=source)
    return event


def a_refused_item(
    organization: Organization,
    log_type: LogType | None = LogType.ACTIVITY,
    /,
    *,
    source: str = "router",
    **fields: Any,
) -> QuarantinedEvent:
    """An item that the door refused: for these fields, else because its task id is a number."""
    sent = wire_event(**fields or {"task_id": 5})
    ingest.store_batch(items_of(sent, log_type=log_type), Sender(organization, source))
    newest = QuarantinedEvent.objects.filter(organization=organization).order_by("-pk").first()
    assert newest is not None, "this item is accepted, or might be sensitive"
    return newest


def stored(
    organization: Organization,
    *sent: Any,
    log_type: LogType = LogType.ACTIVITY,
    source: str = "router",
) -> list[Event]:
    """The stored events of one batch, in its order; what was refused or sealed is left out."""
    receipt = ingest.store_batch(items_of(*sent, log_type=log_type), Sender(organization, source))
    by_id = {
        str(event.pk): event for event in Event.objects.filter(pk__in=filter(None, receipt.ids))
    }
    return [by_id[identifier] for identifier in receipt.ids if identifier]


def items_of(*sent: Any, log_type: LogType | None = LogType.ACTIVITY) -> list[drafts.Item]:
    """A batch as the door hands it on."""
    body = json.dumps(list(sent)).encode()
    return drafts.parse_batch(body, lines=False, log_type=log_type, now=datetime.now(UTC))


# --- the vault ----------------------------------------------------------------------------------


class Vault:
    """Holds the private key that the portal never sees."""

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()
        public = self._key.public_key()
        self.public_key_pem = public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def open(self, sealed: bytes, organization: Organization) -> dict[str, Any]:
        """What an envelope holds."""
        info = envelope.INFO + organization.slug.encode()
        padded = envelope.SUITE.decrypt(sealed, self._key, info)
        length = int.from_bytes(padded[:4], "big")
        assert set(padded[4 + length :]) <= {0}
        content: dict[str, Any] = json.loads(padded[4 : 4 + length])
        return content

    def items(self, organization: Organization) -> list[dict[str, Any]]:
        """What waits in the inbox, item by item, each with what its batch shares."""
        contents = [self.open(sealed, organization) for sealed in inbox()]
        return [
            {name: value for name, value in content.items() if name != "items"} | item
            for content in contents
            for item in content["items"]
        ]


def inbox() -> list[bytes]:
    """All envelopes that wait, with the vault's login: for tests that commit."""
    with connections["vault"].cursor() as cursor:
        cursor.execute("SELECT envelope FROM logs_sealeditem ORDER BY place")
        envelopes = [bytes(row[0]) for row in cursor.fetchall()]
    connections["vault"].close()
    return envelopes


# --- the database -------------------------------------------------------------------------------


def instant_of(identifier: UUID) -> datetime:
    """The millisecond that a UUIDv7 (RFC 9562) names in its first 48 bits."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=identifier.int >> 80)
