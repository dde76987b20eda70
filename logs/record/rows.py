"""How a draft becomes a row of the event table, and a line for COPY: once, in one order."""

from __future__ import annotations

import msgspec

from logs.record.drafts import Draft

# A draft's fields, taken apart as `row_of` takes its values.
_log_type, _occurred_at, *_others, _details = Draft.__struct_fields__
COLUMNS = (
    *("id", _log_type, "organization_id", "recorded_at", _occurred_at, "source"),
    *(*_others, _details),
)
Row = tuple[str | None, ...]
_json = msgspec.json.Encoder().encode
_values = msgspec.structs.astuple
_NULL = r"\N"
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def row_of(
    draft: Draft, *, identifier: str, organization_id: str, recorded_at: str, source: str
) -> Row:
    """The values of COLUMNS as texts; the draft's own come in the order of its fields."""
    log_type, occurred_at, *others, details = _values(draft)
    written = _json(details).decode() if details else "{}"
    told = (identifier, log_type, organization_id, recorded_at, occurred_at.isoformat(), source)
    return (*told, *others, written)


def line_of(row: Row) -> str:
    """The row in COPY's text format (psycopg's write_row takes twice as long)."""
    texts = "".join(filter(None, row))
    if "\\" in texts or "\t" in texts or "\n" in texts or "\r" in texts:
        row = tuple(text and text.translate(_ESCAPED) for text in row)
    return "\t".join([_NULL if text is None else text for text in row]) + "\n"
