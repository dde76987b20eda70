"""Logs what failed by our own fault: where, and which exception; never its words or arguments."""

from __future__ import annotations

import logging
import sys
from typing import Any

from celery.signals import task_failure
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest

from orgo_audit.callers import route_of

logger = logging.getLogger(__name__)


@receiver(got_request_exception)
def log_failed_request(*, request: HttpRequest | None = None, **_: Any) -> None:
    logger.error("request failed", exc_info=sys.exc_info(), extra={"route": route_of(request)})


@task_failure.connect
def log_failed_task(*, sender: Any, exception: BaseException, **_: Any) -> None:
    logger.error("task failed", exc_info=exception, extra={"task": sender.name})
