"""The Celery application; `celery -A orgo_audit.celery worker` starts from here. Holds no task."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_shutdown
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgo_audit.settings")
if not settings.configured:
    os.environ.setdefault("ORGO_PROCESS", "worker")

app = Celery("orgo_audit")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_shutdown.connect
def forget_gauges(**_: object) -> None:
    """A dead pool process's gauges must not be counted on."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]  # has no types
