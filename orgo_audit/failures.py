"""Logs a request that failed by our own fault: which address pattern and exception, no values."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest

logger = logging.getLogger(__name__)


@receiver(got_request_exception)
def log_failure(*, request: HttpRequest | None = None, **_: Any) -> None:
    match = request.resolver_match if request else None
    route = match.route if match else "?"
    logger.error("request failed", exc_info=sys.exc_info(), extra={"route": route})
