"""Cells of a CSV file that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""

from __future__ import annotations

FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"


def harmless(text: str) -> str:
    """With an apostrophe before it where it would be taken for one."""
    return f"'{text}" if text.startswith(tuple(FORMULA_SIGNS)) else text
