"""Gathers the models of the rooms for Django; declares none."""

from __future__ import annotations

from logs.imports.models import ImportedFile
from logs.record.models import (
    ActivityLog,
    Batch,
    ErrorLog,
    Event,
    LogScope,
    LogScopeGroupGrant,
    LogScopeUserGrant,
    QuarantinedEvent,
    ReadMark,
    SealedItem,
    SecurityLog,
    SensitiveReference,
)

__all__ = [
    "ActivityLog",
    "Batch",
    "ErrorLog",
    "Event",
    "ImportedFile",
    "LogScope",
    "LogScopeGroupGrant",
    "LogScopeUserGrant",
    "QuarantinedEvent",
    "ReadMark",
    "SealedItem",
    "SecurityLog",
    "SensitiveReference",
]
