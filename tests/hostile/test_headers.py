"""Hostile headers, cookies, forms, addresses: no 5xx; no answer's header, log, metric has them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.log_lines import LogLine
from tests.builders import API, PASSWORD, a_token, a_user, an_event
from tests.hostile import samples
from tests.hostile.pages import elements_of

pytestmark = [pytest.mark.django_db, pytest.mark.long]

PLANTED = "pl4nted"
HEADERS = (
    *("User-Agent", "Referer", "Origin", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded"),
    *("X-Forwarded-Proto", "Accept", "Accept-Language", "Accept-Encoding", "Cookie", "Purpose"),
    *("Content-Type", "Content-Encoding", "Idempotency-Key", "Authorization", "X-CSRFToken"),
    *("If-Modified-Since", "If-None-Match", "Range", "X-Requested-With", "X-HTTP-Method-Override"),
)
PAGES = ("/", "/sign-in/", "/admin/", f"{API}/logs/", "/healthz", "/nothing/", "/metrics")


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[str]]:
    """What our own handler would have written; none of it may be more than a line, or sent."""
    written: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    keeper = Keeper()
    keeper.setFormatter(LogLine("{levelname} {name} {message}", style="{"))
    logging.getLogger().addHandler(keeper)
    yield written
    logging.getLogger().removeHandler(keeper)
    for line in written:
        assert "\n" not in line, line
        assert PLANTED not in line


def sane(answer: Any, *, asked: str = "") -> Any:
    """Not our fault, and no header that a sender wrote."""
    assert answer.status_code < 500, asked
    for name, value in answer.headers.items():
        assert "\r" not in value, asked
        assert "\n" not in value, asked
        assert PLANTED not in value or name == "Location", (asked, name, value)
    return answer


def latin(text: str) -> str:
    """As a web server hands a header's bytes on; line breaks it refuses itself."""
    return re.sub(r"[\r\n\0]", " ", text).encode().decode("latin-1")[:4000]


# --- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_no_text_in_any_header_breaks_a_page(path: str, client: Client, admin: Client) -> None:
    for text in samples.some():
        headers = dict.fromkeys(HEADERS, latin(text)) | {"Authorization": f"Bearer {latin(text)}"}
        sane(client.get(path, headers=headers), asked=text)
        cookies = ("orgo_time_zone", "csrftoken", "messages")
        told = "; ".join(f'{name}="{latin(text)}"' for name in cookies)
        session = f"{told}; orgo_session={admin.cookies['orgo_session'].value}"
        sane(admin.get(path, headers={"cookie": session, "user-agent": latin(text)}), asked=text)


def test_no_text_in_a_header_of_a_delivery_is_more_than_refused(home: Organization) -> None:
    client, token = Client(), a_token(home, Scope.INGEST)
    body = b'{"timestamp": "2024-11-24T10:45:00Z", "action": "Task Routed"}'
    for text in samples.some():
        for name in ("Idempotency-Key", "Content-Encoding", "Content-Type"):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            answer = sane(
                client.post(
                    f"{API}/activity-logs/",
                    body,
                    content_type=latin(text) if name == "Content-Type" else "application/json",
                    headers=headers | ({} if name == "Content-Type" else {name: latin(text)}),
                ),
                asked=text,
            )
            assert answer.status_code in (201, 400, 409, 415)
            assert PLANTED.encode() not in answer.content


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/admin/", f"{API}/logs/", "/healthz"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "localhost,evil.example", "localhost@evil.example"]
    + ["localhost:80:80", "localhost\\evil", "[::1", "127.1", "localhost/evil", "\xe9", "a" * 3000],
)
def test_another_host_is_400_everywhere(path: str, host: str, client: Client) -> None:
    answer = sane(client.get(path, headers={"host": host}), asked=host)
    assert answer.status_code == 400
    assert b"evil" not in answer.content


def test_what_a_proxy_would_say_is_not_believed(home: Organization) -> None:
    token = a_token(home, Scope.READ)
    for _ in range(3):
        an_event(home)
    forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    headers = {"Authorization": f"Bearer {token}"} | forwarded
    answer = Client().get(f"{API}/activity-logs/?page_size=1", headers=headers)
    assert urlsplit(answer.json()["next"]).netloc == "testserver"


@pytest.mark.parametrize("name", ["orgo_session", "csrftoken", "orgo_time_zone", "messages"])
def test_a_cookie_that_spells_nul_is_refused(name: str, client: Client) -> None:
    for path in PAGES:
        answer = sane(client.get(path, headers={"cookie": f'{name}="\\000{PLANTED}"'}))
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "Application/JSON"),
        ("text/plain; charset=rot13", "text/plain"),
        ("text/plain; charset*=undefined''%41", "text/plain"),
        ("multipart/form-data; boundary=x; charset=hex", "multipart/form-data; boundary=x"),
        ('multipart/form-data; charset=hex; boundary="a b"', 'multipart/form-data; boundary="a b"'),
        ("multipart/form-data; boundary*=nosuch''%41", "multipart/form-data"),
        ("", ""),
    ],
)
def test_a_content_type_names_no_codec_once_it_reaches_django(told: str, kept: str) -> None:
    from orgo_audit.wsgi import plain_content_type

    assert plain_content_type(told) == kept


def test_the_web_servers_application_reads_no_codec_that_a_sender_names() -> None:
    from orgo_audit.wsgi import application

    heads: list[str] = []

    def start_response(status: str, headers: object, *rest: object) -> Any:
        heads.append(status)

    for parameters in ("charset=rot13", "x*=nosuch''%41", "charset*=idna''%ff"):
        environ = RequestFactory().get("/healthz?x=%ff").environ
        environ |= {"CONTENT_TYPE": f"text/plain; {parameters}", "wsgi.input": BytesIO()}
        application(environ, start_response)
    assert heads == ["200 OK"] * 3


@pytest.mark.parametrize(
    "zone", ["Etc/GMT-3", "Factory", "localtime", "../UTC", "Europe", "x" * 300]
)
def test_a_time_zone_that_the_database_does_not_know_stops_no_export(
    zone: str, admin: Client, home: Organization
) -> None:
    an_event(home)
    admin.cookies["orgo_time_zone"] = zone
    sane(admin.get("/admin/logs/activitylog/"))
    answer: Any = sane(admin.get("/admin/logs/activitylog/export/?format=csv"))
    assert b"# count: 1; time zone: " in b"".join(answer.streaming_content)


# --- forms and addresses ------------------------------------------------------------------------

ELSEWHERE = (
    *("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"),
    *("http:///evil.example", "///evil.example", "////evil.example", "https:evil.example"),
    *("javascript:alert(1)", "\t//evil.example", "/\t/evil.example", "/\n/evil.example"),
    *("http:evil.example", "//localhost@evil.example", "//evil.example\\@localhost"),
    *("https://localhost.evil.example", "//\u2100vil.example", "/x\r\nSet-Cookie: pl4nted=1"),
    *("data:text/html,x", "ftp://evil.example", "http://[::1", "/%0d%0ax", "x" * 3000, "\0"),
)


def _browser_goes_to(address: str) -> str:
    """The host that a browser leaves ours for (WHATWG URL: blanks go, backslashes turn)."""
    plain = re.sub(r"[\t\r\n]", "", address).strip(" ").replace("\\", "/")
    parts = urlsplit(plain)
    return parts.netloc or parts.scheme


@pytest.mark.parametrize("where", ELSEWHERE)
def test_the_sign_in_leads_nowhere_else(where: str, home: Organization, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = a_user(Role.ADMIN, home)
    client = Client()
    form = {"username": user.username, "password": PASSWORD, "next": where}
    answers = [
        client.get("/sign-in/", {"next": where}),
        client.post(f"/sign-in/?{urlencode({'next': where})}", form),
        client.get("/sign-in/", {"next": where}),
        Client().get(f"/admin/login/?{urlencode({'next': where})}"),
        Client().get(f"/admin/{quote(where)}"),
    ]
    for answer in answers:
        sane(answer, asked=where)
        assert _browser_goes_to(answer.headers.get("Location", "")) == ""


def test_no_name_or_password_breaks_the_sign_in(client: Client, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    known = elements_of(client.post("/sign-in/", {"username": "x", "password": "y"}).content)
    for text in (*samples.some(), "\0", "x" * 100_000):
        answer = sane(client.post("/sign-in/", {"username": text, "password": text}), asked=text)
        if answer.status_code == 200:
            assert elements_of(answer.content) <= known, text


FORMS = (b"", b"--x", b"\0", b"&" * 5000, b"a=1&" * 2000, b"username=%00&password=%00", b"%", b"=")
FORM_TYPES = (
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "/", ";;;"),
    *("multipart/form-data", "multipart/form-data; boundary=" + "x" * 300, "multipart/x"),
)
PARTS = (
    b"Content-Disposition: form-data; name*=nosuch''%41",
    b"Content-Disposition: form-data; name*=rot13''%41",
    b'Content-Disposition: form-data; name="a"; filename="../../\0\r"',
    b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64',
    b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=rot13',
    b"Content-Disposition: ;;;",
    b"X: " + b"y" * 5000,
)


def test_no_form_breaks_a_door(client: Client, admin: Client) -> None:
    multipart = [b"--x\r\n" + part + b"\r\n\r\nA\r\n--x--\r\n" for part in PARTS]
    for path in ("/sign-in/", "/sign-out/", "/password/", "/admin/logs/quarantinedevent/"):
        for content_type in FORM_TYPES:
            for body in (*FORMS, *multipart):
                for caller in (client, admin):
                    answer = caller.generic("POST", path, body, content_type)
                    sane(answer, asked=f"{path} {content_type} {body[:30]!r}")
    session = admin.cookies["orgo_session"].value
    admin.handler.enforce_csrf_checks = True  # who checks reads the form first
    unknown = "01a211c2-4f77-73ee-962b-0a64123b17b2"
    for path in (f"{API}/quarantine/{unknown}/{what}/" for what in ("discard", "replay")):
        for body in multipart:
            content_type = "multipart/form-data; boundary=x"
            sane(admin.generic("POST", path, body, content_type), asked=path)
            token = "a" * 32
            own = {"X-CSRFToken": token, "Cookie": f"csrftoken={token}; orgo_session={session}"}
            sane(admin.generic("POST", path, body, content_type, headers=own), asked=path)


def test_no_address_breaks_a_door(client: Client, admin: Client) -> None:
    for text in (*samples.some(), "\0", "%00", "\udcff", "9" * 30, "9" * 5000):
        asked = quote(text, safe="", errors="surrogateescape")
        for path in (
            *(
                f"/{asked}",
                f"/static/{asked}",
                f"/admin/{asked}/",
                f"/api/v1/{asked}",
                f"//{asked}",
            ),
            *(f"/admin/logs/{asked}/", f"/admin/policy/policyversion/{asked}/change/"),
            f"{API}/activity-logs/{asked}/",
        ):
            for caller in (client, admin):
                answer = caller.generic("GET", path)
                sane(answer, asked=path)
                assert _browser_goes_to(answer.headers.get("Location", "")) == "", path
        caller.generic("POST", f"/admin/policy/policyversion/{asked}/decide/", b"accept=1")


@pytest.mark.parametrize("name", ["Range", "If-Modified-Since", "If-None-Match", "Accept-Encoding"])
def test_a_file_is_given_or_not_whatever_is_asked_of_it(name: str, client: Client) -> None:
    values = ("bytes=--5", "bytes=5-1", "bytes=" + "9" * 30 + "-", "bytes=0-0,1-1", "x" * 3000)
    odd = ("Mon, 99 Foo 2020", "Mon, 01 Jan 99999999999999 00:00:00 GMT", '"', "\xff", "gzip;q=x")
    for value in (*values, *odd):
        answer: Any = client.get("/static/orgo_audit/theme.css", headers={name: value})
        assert sane(answer, asked=value).status_code in (200, 206, 304, 416)
        if answer.streaming:
            for file in answer.streaming_content:  # read to its end, so that it is closed
                assert file


# --- metrics ------------------------------------------------------------------------------------


def label_sets(client: Client) -> set[str]:
    text = client.get("/metrics").content.decode()
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def attacked(client: Client, home: Organization, texts: list[str]) -> None:
    token = a_token(home, Scope.INGEST, Scope.READ)
    for text in texts:
        method = re.sub(r"\W", "", text, flags=re.ASCII)[:20] or "X"
        headers = {"Authorization": f"Bearer {token}", "User-Agent": latin(text)}
        client.generic(method, "/", headers=headers)
        client.generic("GET", f"/{quote(text, safe='')}", headers=headers)
        client.get(f"{API}/traces/{quote(text, safe='')}/", headers=headers)
        client.get(f"{API}/logs/", {"user": text}, headers=headers)
        client.get(f"{API}/logs/", {text: text}, headers=headers)
        client.post(f"{API}/logs/", text, content_type="application/json", headers=headers)
        client.post(f"{API}/logs/", {"log_type": text}, "application/json", headers=headers)
        client.post("/sign-in/", {"username": text, "password": text})
        client.get("/", headers={"host": latin(text)})


def test_no_text_makes_a_metric_of_its_own(
    client: Client, home: Organization, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    every = samples.some()
    attacked(client, home, every[::2])
    before = label_sets(client)
    attacked(client, home, every[1::2])
    grown = {line for line in label_sets(client) - before if "_bucket{" not in line}
    assert not [line for line in grown if PLANTED in line]
    assert len(grown) < 12, grown
