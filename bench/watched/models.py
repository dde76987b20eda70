"""A task as an application keeps it: six fields, each watched."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models


class Task(models.Model):
    """What is saved again and again."""

    name = models.CharField(max_length=100)
    actor = models.CharField(max_length=100)
    route_from = models.CharField(max_length=100)
    route_to = models.CharField(max_length=100)
    status = models.CharField(max_length=20)
    due = models.DateTimeField()

    class Meta:
        app_label = "watched"

    def __str__(self) -> str:
        return self.name


auditlog.register(Task)
