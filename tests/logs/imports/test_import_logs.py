"""`import_logs` takes each line in once, tells what it refused, and goes on after a stop."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from logs.imports import lines, taking
from logs.imports.lines import LineReader, Place
from logs.imports.models import ImportedFile
from logs.record import ingest
from logs.record.models import Event, QuarantinedEvent
from orgo_audit.accounts.models import Organization
from tests.builders import Vault, an_organization, wire_event
from tests.shared_data import SHARED_DATA

in_one_transaction = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("as_worker", "north"),
]
SYSLOG = "Mar  7 13:06:{:02d} web-1 sshd[1]: Invalid user {} from 192.0.2.7 port 22222\n"


@pytest.fixture
def north(db: None) -> Organization:
    return an_organization("north")


class Run:
    """One call of the command: exit code and both outputs."""

    def __init__(self, *words: Any, organization: str = "north") -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code: Any = 0
        try:
            call_command(
                *("import_logs", *map(str, words), "--organization", organization),
                stdout=out,
                stderr=err,
            )
        except SystemExit as stop:
            self.code = stop.code
        except CommandError as error:
            self.code = error.returncode
            err.write(str(error))
        self.out, self.err = out.getvalue(), err.getvalue()


def events(**fields: Any) -> list[Event]:
    """What the imports left, without their own reports, in the order of the record."""
    return list(Event.objects.filter(source="import", **fields).order_by("id"))


def reports() -> list[Event]:
    return list(Event.objects.filter(action="Logs Imported").order_by("id"))


def ndjson(*sent: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in sent)


def a_file(folder: Path, content: bytes | str, name: str = "old.log") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbered(count: int, start: int = 0) -> bytes:
    return ndjson(*(wire_event(number=number) for number in range(start, start + count)))


def numbers() -> list[int]:
    return sorted(event.details["number"] for event in events())


# --- NDJSON -------------------------------------------------------------------------------------


class TestNdjson:
    pytestmark = in_one_transaction

    def test_each_event_goes_to_its_log(self, tmp_path: Path) -> None:
        error = {"timestamp": "2024-11-24T14:30:00Z", "error": "Email Parsing Failed"}
        sent = [
            wire_event(),
            wire_event(action="Failed Login Attempt", ip_address="192.0.2.7"),
            error,
            {**error, "log_type": "error"},
            wire_event(log_type="security", action="Badge Shown"),
        ]
        run = Run(a_file(tmp_path, ndjson(*sent)))
        assert (run.code, [event.log_type for event in events()]) == (
            0,
            ["activity", "security", "error", "error", "security"],
        )
        assert "5 lines: 5 stored, 0 sealed, 0 refused, 0 without a meaning skipped" in run.out
        assert run.err == ""

    def test_an_exports_lines_are_taken_and_nothing_of_them_is_believed(
        self, tmp_path: Path
    ) -> None:
        answer = {
            **{"id": "018f0000-0000-7000-8000-000000000000", "log_type": "activity"},
            **wire_event(),
            **{"recorded_at": "2020-01-01T00:00:00Z", "organization": "south", "source": "router"},
            **{"outcome": "denied", "details": {"room": "7"}},
        }
        run = Run(a_file(tmp_path, ndjson(answer, {"count": 1, "time_zone": "UTC"})))
        (event,) = events()
        assert (event.source, event.outcome, event.organization.slug) == (
            *("import", "success"),
            "north",
        )
        assert event.details["source"] == "router"
        assert event.details["room"] == "7"
        assert (run.code, "1 without a meaning skipped" in run.out) == (0, True)

    def test_what_is_refused_is_counted_by_reason_and_line_and_waits_in_quarantine(
        self, tmp_path: Path, vault: Vault
    ) -> None:
        content = ndjson(
            wire_event(),
            {"action": "No Time"},
            wire_event(ip_address="here"),
            {"action": "No Time"},
        )
        run = Run(a_file(tmp_path, content + b"\n{oops\n"))
        assert (run.code, len(events())) == (1, 1)
        assert "  refused: 2 × missing_field in timestamp, line 2, 4" in run.out
        assert "  refused: 1 × bad_ip_address in ip_address, line 3" in run.out
        assert "  refused: 1 × malformed_json, line 6" in run.out
        assert "  it waits in quarantine, or sealed where it might be sensitive\n" in run.out
        assert sorted(QuarantinedEvent.objects.values_list("code", flat=True)) == [
            *("bad_ip_address", "missing_field", "missing_field")
        ]

    def test_a_second_run_says_how_many_lines_were_refused_then(
        self, tmp_path: Path, vault: Vault
    ) -> None:
        lines = [wire_event(), {"action": "No Time"}]
        file = a_file(tmp_path, ndjson(*lines) + b"\n")
        assert Run(file).code == 1
        again = Run(file)
        told = f"{file}: was imported before, nothing is new; 1 of its lines were refused then\n"
        assert (again.code, again.out) == (0, told)
        file.write_bytes(file.read_bytes() + ndjson({"action": "No Time Either"}) + b"\n")
        assert Run(file).code == 1
        assert "; 2 of its lines were refused then" in Run(file).out

    def test_what_is_sensitive_is_sealed_and_named_nowhere(
        self, tmp_path: Path, vault: Vault, capfd: pytest.CaptureFixture[str]
    ) -> None:
        secret = wire_event(identities={"reporter": "jane.roe@organization.com"})
        broken = {**secret, "timestamp": {"jane.roe": 1}}
        run = Run(a_file(tmp_path, ndjson(secret, broken, {"jane.roe": "no time"})))
        assert "3 lines: 0 stored, 1 sealed, 2 refused" in run.out
        assert events() == []
        told = run.out + run.err + "".join(capfd.readouterr()) + str([r.details for r in reports()])
        assert "jane" not in told

    def test_without_the_vaults_key_nothing_sensitive_is_taken(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        settings.ORGO_VAULT_PUBLIC_KEY = ""
        path = a_file(tmp_path, ndjson(wire_event(anonymized_fields={"reporter": "Anon1"})))
        run = Run(path)
        assert (run.code, ImportedFile.objects.count()) == (2, 0)
        assert str(path) in run.err

    @pytest.mark.parametrize("content", [b'{\n  "timestamp": "x"\n}\n', b'[{"action": "x"}]\n'])
    def test_json_that_is_not_one_object_a_line_is_told(
        self, tmp_path: Path, content: bytes
    ) -> None:
        for words in ([], ["--format", "ndjson"]):
            run = Run(a_file(tmp_path, content), *words)
            assert (run.code, run.out, "one object a line" in run.err) == (2, "", True)


# --- syslog -------------------------------------------------------------------------------------


class TestSyslog:
    pytestmark = in_one_transaction

    def test_logins_get_their_outcome_user_and_address(self, tmp_path: Path) -> None:
        content = (
            "Mar  7 13:06:56 web-1 sshd[1]: Server listening on :: port 22.\n"
            "Mar  7 13:07:00 web-1 sshd[2]: Accepted password for ann from 192.0.2.7 port 2 ssh2\n"
            "Mar  7 13:08:00 web-1 sshd[3]: Failed password for bob from 192.0.2.8 port 3 ssh2\n"
        )
        run = Run(a_file(tmp_path, content), "--year", "2024", "--zone", "Europe/Berlin")
        assert run.code == 0
        assert [
            (event.log_type, event.action, event.outcome, event.actor, event.ip_address)
            for event in events()
        ] == [
            ("security", "Login", "success", "ann", "192.0.2.7"),
            ("security", "Failed Login Attempt", "failure", "bob", "192.0.2.8"),
        ]
        first = events()[0]
        assert first.occurred_at == datetime(2024, 3, 7, 12, 7, tzinfo=UTC)
        assert first.details == {
            **{"host": "web-1", "program": "sshd", "pid": "2", "port": 2, "method": "password"},
            "message": "Accepted password for ann from 192.0.2.7 port 2 ssh2",
        }
        assert "3 lines: 2 stored, 0 sealed, 0 refused, 1 without a meaning skipped" in run.out

    def test_without_a_year_lines_are_in_the_past_twelve_months(self, tmp_path: Path) -> None:
        Run(a_file(tmp_path, SYSLOG.format(1, "ann")))
        (event,) = events()
        assert timezone.now() - timedelta(days=366) < event.occurred_at <= timezone.now()

    def test_an_import_that_goes_on_knows_which_year_it_is(self, tmp_path: Path) -> None:
        december = SYSLOG.format(1, "ann").replace("Mar", "Dec")
        january = SYSLOG.format(2, "bob").replace("Mar", "Jan")
        path = a_file(tmp_path, december + january)
        Run(path, "--year", "2022")
        path.write_text(december + january + SYSLOG.format(3, "cid"))
        Run(path, "--year", "2022")
        assert [event.occurred_at.year for event in events()] == [2022, 2023, 2023]

    def test_garbage_is_refused_line_by_line_and_the_rest_is_taken(
        self, tmp_path: Path, vault: Vault
    ) -> None:
        content = SYSLOG.format(1, "ann").encode() + b"\x7fELF\x01\xff\n\n\r\n" + b"\0\n"
        run = Run(a_file(tmp_path, content + SYSLOG.format(2, "bob").encode()))
        assert (run.code, len(events())) == (1, 2)
        assert "  refused: 1 × malformed_syslog, line 2" in run.out
        assert "  refused: 1 × nul_character, line 5" in run.out

    def test_a_user_name_that_is_too_long_is_refused(self, tmp_path: Path) -> None:
        run = Run(a_file(tmp_path, SYSLOG.format(1, "a" * 501)))
        assert "1 × too_long in user, line 1" in run.out


# --- again, grown, stopped ----------------------------------------------------------------------


class TestResume:
    pytestmark = in_one_transaction

    def test_the_same_content_adds_nothing_whatever_its_name(self, tmp_path: Path) -> None:
        Run(a_file(tmp_path, numbered(10)))
        again = Run(a_file(tmp_path, numbered(10)))
        renamed = Run(a_file(tmp_path, numbered(10), "old.log.1"))
        packed = Run(a_file(tmp_path, gzip.compress(numbered(10)), "old.log.2"))
        assert numbers() == list(range(10))
        for run in (again, renamed, packed):
            assert (run.code, "nothing is new" in run.out) == (0, True)
        assert len(reports()) == 1

    def test_another_organization_knows_its_own_files(self, tmp_path: Path) -> None:
        an_organization("south")
        for organization in ("north", "south"):
            Run(a_file(tmp_path, numbered(3)), organization=organization)
        assert len(events(organization__slug="south")) == len(events()) - 3 == 3

    def test_of_a_file_that_has_grown_the_new_lines_are_taken(self, tmp_path: Path) -> None:
        for count in (3, 5, 9):
            run = Run(a_file(tmp_path, numbered(count)))
        assert numbers() == list(range(9))
        assert "4 lines (5 were imported before): 4 stored" in run.out
        assert "nothing is new" in Run(a_file(tmp_path, numbered(5))).out

    def test_the_lines_of_a_grown_file_keep_their_numbers(self, tmp_path: Path) -> None:
        Run(a_file(tmp_path, numbered(3)))
        run = Run(a_file(tmp_path, numbered(3) + ndjson({"action": "No Time"})))
        assert "missing_field in timestamp, line 4" in run.out

    def test_a_last_line_without_an_end_is_taken_once(self, tmp_path: Path) -> None:
        content = numbered(3)
        for written in (content[:-1], content[:-1], content, content + numbered(1, start=3)):
            assert Run(a_file(tmp_path, written)).code == 0
        assert numbers() == [0, 1, 2, 3]

    def test_a_last_line_that_is_not_complete_is_left_for_the_next_time(
        self, tmp_path: Path
    ) -> None:
        content = numbered(3)
        for _ in range(2):
            run = Run(a_file(tmp_path, content[:-9]))
            assert (run.code, "1 × unfinished_line, line 3" in run.out) == (1, True)
        assert QuarantinedEvent.objects.count() == 0
        assert [report.details["stored"] for report in reports()] == [2]
        assert Run(a_file(tmp_path, content)).code == 0
        assert numbers() == [0, 1, 2]

    def test_a_taken_last_line_that_grows_on_is_told(self, tmp_path: Path, vault: Vault) -> None:
        lines = SYSLOG.format(1, "ann")
        Run(a_file(tmp_path, lines.rstrip("\n")[:-2]))
        run = Run(a_file(tmp_path, lines + SYSLOG.format(2, "bob")))
        assert (run.code, "1 × torn_line, line 1" in run.out) == (1, True)
        assert [event.actor for event in events()] == ["ann", "bob"]

    def test_ctrl_c_stops_after_the_batch_and_the_next_run_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = a_file(tmp_path, numbered(10))
        monkeypatch.setattr(taking, "BATCH_LINES", 4)

        def and_press_ctrl_c(*words: Any) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            return ingest.store_batch(*words)

        with monkeypatch.context() as patch:
            patch.setattr("logs.imports.taking.store_batch", and_press_ctrl_c)
            stopped = Run(path, path)
        assert (stopped.code, numbers()) == (130, [0, 1, 2, 3])
        assert stopped.err.splitlines() == ["stopped; the same command goes on from here"]
        assert "6 lines (4 were imported before)" in Run(path).out
        assert numbers() == list(range(10))
        assert [report.details["stored"] for report in reports()] == [4, 6]

    def test_a_row_that_another_import_has_moved_stops_this_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(taking, "BATCH_LINES", 2)

        def and_move(*words: Any) -> Any:
            ImportedFile.objects.update(length=1)
            return ingest.store_batch(*words)

        monkeypatch.setattr("logs.imports.taking.store_batch", and_move)
        run = Run(a_file(tmp_path, numbered(4)))
        assert (run.code, "another import of this file is running" in run.err) == (2, True)
        assert numbers() == [0, 1]


CHILD = """
import os, signal, sys
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from logs.imports import taking
from django.core.management import call_command
taking.BATCH_LINES = 4
move, moves = taking._Mark.move, []

def move_and_die(mark, to, **told):
    moves.append(to)
    if len(moves) == 3 and sys.argv[3] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    move(mark, to, **told)

taking._Mark.move = move_and_die
add = taking.Tally.add

def add_and_die(tally, *words):
    if len(moves) == 3 and sys.argv[3] == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    add(tally, *words)

taking.Tally.add = add_and_die
call_command("import_logs", sys.argv[2], "--organization", "north")
"""


def child(path: Path, moment: str) -> subprocess.CompletedProcess[str]:
    """An import in a process of its own with the worker's login; `moment` kills its third batch."""
    words = [sys.executable, "-W", "error", "-c", CHILD]
    words += [connections["default"].settings_dict["NAME"], str(path), moment]
    own = {"ORGO_PROCESS": "worker", "DJANGO_SETTINGS_MODULE": "orgo_audit.settings"}
    return subprocess.run(
        words, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )


@pytest.mark.long
@pytest.mark.usefixtures("as_worker", "committed")
@pytest.mark.parametrize(("moment", "taken"), [("before", 8), ("after", 12)])
def test_an_import_that_is_killed_goes_on_exactly_where_it_was(
    tmp_path: Path, moment: str, taken: int
) -> None:
    an_organization("north")
    path = a_file(tmp_path, numbered(30))
    assert child(path, moment).returncode == -signal.SIGKILL
    assert numbers() == list(range(taken))
    finished = child(path, "never")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"{30 - taken} lines ({taken} were imported before)" in finished.stdout
    assert numbers() == list(range(30))


@pytest.mark.usefixtures("as_worker", "committed")
def test_of_two_imports_of_one_file_at_once_the_second_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_organization("north")
    path = a_file(tmp_path, numbered(10))
    seconds: list[subprocess.CompletedProcess[str]] = []

    def while_another_one_runs(*words: Any) -> Any:
        seconds.append(child(path, "never"))
        return ingest.store_batch(*words)

    monkeypatch.setattr("logs.imports.taking.store_batch", while_another_one_runs)
    assert Run(path).code == 0
    assert [second.returncode for second in seconds] == [2]
    assert "another import of this file is running" in seconds[0].stderr
    assert numbers() == list(range(10))


@pytest.mark.usefixtures("as_worker", "committed")
def test_sealed_events_of_an_import_can_be_opened_by_the_vault(
    tmp_path: Path, vault: Vault
) -> None:
    organization = an_organization("north")
    secret = wire_event(identities={"reporter": "jane.roe@organization.com"})
    Run(a_file(tmp_path, ndjson(secret)))
    (content,) = vault.items(organization)
    assert (content["source"], content["event"]) == ("import", secret)


# --- files and options --------------------------------------------------------------------------


class TestFiles:
    pytestmark = in_one_transaction

    @pytest.mark.parametrize("content", [b"", b"\n\r\n  \n", b"\xef\xbb\xbf"])
    def test_a_file_without_lines_is_no_fault(self, tmp_path: Path, content: bytes) -> None:
        run = Run(a_file(tmp_path, content))
        assert (run.code, "holds no lines" in run.out) == (0, True)

    @pytest.mark.parametrize(
        "pack",
        [
            lambda content: b"\xef\xbb\xbf" + content,
            lambda content: content.replace(b"\n", b"\r\n"),
            lambda content: content.replace(b"\n", b"\n\n"),
            gzip.compress,
            lambda content: gzip.compress(content[:9]) + gzip.compress(content[9:]),
        ],
    )
    def test_marks_line_ends_and_gzip_do_not_matter(
        self, tmp_path: Path, pack: Callable[[bytes], bytes]
    ) -> None:
        path = a_file(tmp_path, pack(numbered(5)))
        assert [Run(path).code, Run(path).code] == [0, 0]
        assert numbers() == list(range(5))

    def test_a_line_that_is_too_long_is_refused_and_the_next_one_taken(
        self, tmp_path: Path, vault: Vault
    ) -> None:
        endless = ndjson(wire_event(note="x" * lines.MAX_LINE_BYTES))
        run = Run(a_file(tmp_path, numbered(1) + endless + numbered(1, start=1)))
        assert "1 × line_too_long, line 2" in run.out
        assert numbers() == [0, 1]

    def test_stdin_is_known_again_like_a_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(2):
            stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(numbered(3))))
            monkeypatch.setattr(sys, "stdin", stdin)
            run = Run("-")
        assert (numbers(), run.out) == (
            [0, 1, 2],
            "stdin: was imported before, nothing is new\n",
        )

    def test_a_damaged_file_is_told_and_the_others_are_taken(self, tmp_path: Path) -> None:
        damaged = a_file(tmp_path, gzip.compress(numbered(5))[:-12], "cut.gz")
        run = Run(damaged, a_file(tmp_path, numbered(2)))
        assert (run.code, numbers()) == (2, [0, 1])
        assert f"{damaged}: damaged or cut short" in run.err

    def test_one_name_that_cannot_be_used_stops_all_before_the_start(self, tmp_path: Path) -> None:
        good = a_file(tmp_path, numbered(2))
        run = Run(good, tmp_path, tmp_path / "nothing.log")
        assert (run.code, run.out, events()) == (2, "", [])
        assert f"{tmp_path}: not a regular file" in run.err
        assert f"{tmp_path / 'nothing.log'}: there is no such file" in run.err

    def test_a_format_that_cannot_be_told_is_asked_for(self, tmp_path: Path) -> None:
        run = Run(a_file(tmp_path, "hello\n"))
        assert (run.code, "--format says which" in run.err) == (2, True)

    @pytest.mark.parametrize(
        "words",
        [["--zone", "Mars/Base"], ["--zone", "../etc"], ["--year", "24"], ["--format", "xml"]],
    )
    def test_an_option_without_a_meaning_is_refused(self, tmp_path: Path, words: list[str]) -> None:
        run = Run(a_file(tmp_path, numbered(1)), *words)
        assert (run.code == 0, events()) == (False, [])

    def test_an_unknown_organization_is_refused(self, tmp_path: Path) -> None:
        run = Run(a_file(tmp_path, numbered(1)), organization="west")
        assert (run.code, "known: north" in run.err) == (2, True)

    def test_an_import_is_itself_on_record_without_the_files_name(self, tmp_path: Path) -> None:
        Run(a_file(tmp_path, numbered(2), "jane-roe.log"))
        (report,) = reports()
        assert (report.log_type, report.source, report.outcome) == ("security", "portal", "success")
        assert report.actor is not None
        assert report.actor.startswith("system:")
        assert report.details.pop("digest")
        assert report.details == {**{"stored": 2, "refused": 0, "skipped": 0}}

    def test_a_name_cannot_steer_the_terminal(self, tmp_path: Path) -> None:
        assert "\x1b" not in Run(a_file(tmp_path, numbered(1), "\x1b[2J.log")).out


# --- the reader of lines ------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"xyz", b""]), max_size=30).map(b"".join),
    st.data(),
)
def test_from_any_known_place_the_rest_is_read_as_if_it_had_been_read_on(
    content: bytes, data: st.DataObject
) -> None:
    whole = LineReader(io.BytesIO(content))
    places = [whole.place, *(whole.place for _ in whole)]
    known = data.draw(st.sampled_from(places))
    other = {known.length + 1: {b"another"}, len(content) + 9: {b"longer"}}
    rest = LineReader(io.BytesIO(content))
    rest.go_to_known({known.length: {known.digest}, **other})
    assert rest.place == known
    for _ in rest:
        pass
    assert rest.place == places[-1]


def test_a_changed_beginning_is_not_known() -> None:
    reader = LineReader(io.BytesIO(b"one\ntwo\n"))
    reader.go_to_known({4: {b"\0" * 32}})
    assert reader.place == Place()


@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker", "north")
def test_a_terminal_shows_rate_and_time_left_and_a_pipe_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Run(a_file(tmp_path, numbered(3)))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("COLUMNS", "80")
    Run(a_file(tmp_path, numbered(9), "a-very-long-name-of-a-very-old.log"))
    bar = capsys.readouterr().err
    assert "a-very-long-name" in bar
    assert "lines/s" in bar
    assert "0:00:00" in bar


# --- real logs ----------------------------------------------------------------------------------

AUTH_LOG = SHARED_DATA / "security" / "auth-log" / "auth.log"


@pytest.mark.skipif(not AUTH_LOG.exists(), reason="needs the shared test data")
@pytest.mark.django_db
@pytest.mark.usefixtures("as_worker", "north")
def test_a_real_auth_log_is_imported_as_its_facts_say() -> None:
    facts = json.loads(AUTH_LOG.with_name("facts.json").read_text())["counts"]
    run = Run(AUTH_LOG, "--year", "2017")
    counts = Counter((event.action, event.outcome) for event in events())
    assert run.code == 0
    assert f"4,939 lines: {sum(counts.values()):,} stored, 0 sealed, 0 refused" in run.out
    assert counts["Login", "success"] == facts["accepted_password"] + facts["accepted_publickey"]
    assert counts["Login Attempts Exceeded", "failure"] == facts["max_auth_exceeded"]
    assert counts["Command Run", "success"] == facts["sudo_command"]
    assert len(events(reason="unknown user", outcome="failure")) == facts["invalid_user"]
    assert "nothing is new" in Run(AUTH_LOG, "--year", "2017").out
