"""The Celery application; `celery -A orgo_audit.celery worker` starts from here. Holds no task."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgo_audit.settings")
if not settings.configured:
    os.environ.setdefault("ORGO_PROCESS", "worker")

app = Celery("orgo_audit")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
