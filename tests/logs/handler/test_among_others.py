"""The handler among the other parts of logging: configured, queued, forked off, copied away."""

from __future__ import annotations

import ast
import logging
import logging.config
import logging.handlers
import queue
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from logs import python_handler
from logs.python_handler import OrgoHandler
from tests.logs.handler.fake_portal import TOKEN, FakePortal
from tests.logs.handler.loggers import logger_of

MODULE = Path(python_handler.__file__)


def test_it_is_configured_by_a_dict(portal: FakePortal, file: Path) -> None:
    own = {
        "class": "logs.python_handler.OrgoHandler",
        "url": portal.url,
        "token": TOKEN,
        "filename": str(file),
        "source": "email_parser",
        "level": "WARNING",
    }
    loggers = {"orgo.configured": {"handlers": ["orgo"], "level": "INFO"}}
    config = {"version": 1, "handlers": {"orgo": own}, "loggers": loggers}
    logging.config.dictConfig(config | {"disable_existing_loggers": False})
    logger = logging.getLogger("orgo.configured")
    try:
        logger.info("too low")
        logger.warning("Task Routed")
        portal.wait_for(1)
        assert [event["action"] for event in portal.events] == ["Task Routed"]
    finally:
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()


def test_a_queue_may_stand_in_front(portal: FakePortal, handler: OrgoHandler) -> None:
    between: queue.Queue[Any] = queue.Queue()
    listener = logging.handlers.QueueListener(between, handler)
    listener.start()
    logger = logger_of(logging.handlers.QueueHandler(between))
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("Email Parsing Failed", extra={"email_id": "1"})
    listener.stop()
    portal.wait_for(1)
    assert portal.events[0]["error"] == "Email Parsing Failed"
    assert portal.events[0]["email_id"] == "1"


def test_warnings_are_taken_in(portal: FakePortal, handler: OrgoHandler) -> None:
    logger = logging.getLogger("py.warnings")
    logger.addHandler(handler)
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        portal.wait_for(1)
    finally:
        logging.captureWarnings(False)
        logger.removeHandler(handler)
    assert "DeprecationWarning: old" in portal.events[0]["action"]


def test_what_delivery_itself_logs_is_not_delivered(
    portal: FakePortal, handler: OrgoHandler, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = handler._portal.deliver

    def talkative(key: str, body: bytes) -> Any:
        log.error("a library talks about our own request")
        return deliver(key, body)

    monkeypatch.setattr(handler._portal, "deliver", talkative)
    log.info("Task Routed")
    handler.close()
    assert [event.get("action") for event in portal.events] == ["Task Routed"]


def test_a_copy_of_the_file_runs_alone(portal: FakePortal, tmp_path: Path) -> None:
    (tmp_path / "copied.py").write_bytes(MODULE.read_bytes())
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import logging, copied
handler = copied.OrgoHandler({portal.url!r}, {TOKEN!r}, filename="alone.log", source="copy")
logging.getLogger().addHandler(handler)
logging.getLogger().warning("Task Routed", extra={{"task_id": "1"}})
others = {{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names
assert others <= {{"copied", "__main__", "sitecustomize", "usercustomize"}}, others
"""
    words = [sys.executable, "-I", "-S", "-W", "error", "-c", program]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [event["task_id"] for event in portal.events] == ["1"]


def test_it_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(MODULE.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
        )
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}


def test_a_signals_handler_may_log_in_the_middle_of_a_call(
    portal: FakePortal, handler: OrgoHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logger_of(handler)
    wake = handler._wake_writer

    def interrupted(log_type: str, waiting: int) -> None:
        with vars(handler._wake)["_cond"]:  # where a signal may arrive
            logger.info("from the signal's handler")
        wake(log_type, waiting)

    monkeypatch.setattr(handler, "_wake_writer", interrupted)
    logger.info("Task Routed")
    portal.wait_for(2)
