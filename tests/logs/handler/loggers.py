"""Loggers of a test's own, which no configuration knows."""

from __future__ import annotations

import logging


def logger_of(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("orgo.test")
    logger.addHandler(handler)
    return logger
