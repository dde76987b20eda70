"""JSON that comes back as it was sent; jsonb would rewrite the order of keys and the numbers."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class SentJSONField(models.JSONField):
    """A `json` column: the text as it was stored, read back as Python objects by the driver.

    jsonb would print 1e308 with 309 digits, so that a small event grows on its way out. Nothing
    can be looked up inside such a column.
    """

    def deconstruct(self) -> Any:
        # Migrations import nothing of ours; the column's type stands in their SQL.
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return value
