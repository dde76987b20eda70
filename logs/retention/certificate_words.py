"""A certificate in words, as its page and its PDF say it. Reads nothing."""

from __future__ import annotations

from datetime import datetime

from logs.record.wire import format_instant
from logs.retention.models import DestructionCertificate, Means
from logs.retention.wording import events

NOTES_OF_MONTH = (
    "The month was closed when it was over: its events were counted, and the digest was made."
    " It is the SHA-256 over a line an event, in the order of ids: the event's own SHA-256, in"
    " hexadecimal, of its row as PostgreSQL writes it (event::text, UTF-8, times in UTC). A backup"
    " of that month can be compared with it.",
    "The destruction was announced by an event in the organization's security log before it"
    " happened. Times are in UTC.",
)
NOTES_OF_CASE = (
    "The keys of the case went first, so that nothing of it can be read any more, then all that"
    " was kept of it. Of the case this certificate tells the code and nothing else.",
)
NOTES_OF_ERASURE = (
    "Two people approved the request. What a legal hold or a duty to keep covers has stayed. The"
    " destruction was announced by an event in the organization's security log. Times are in UTC.",
)
NOTES = {Means.CASE.value: NOTES_OF_CASE, Means.ERASE.value: NOTES_OF_ERASURE}


def sentence_of(one: DestructionCertificate) -> str:
    """What happened, in one sentence."""
    whose = one.organization.slug if one.organization else "no organization"
    at = _second(one.destroyed_at)
    if one.kind == Means.CASE:
        return f"The case {one.case_code} of {whose} was destroyed at {at}: its period was over."
    where = f" in the segment {one.segment}" if one.segment else ""
    were, their = ("was", "its") if one.rows_destroyed == 1 else ("were", "their")
    why = "on request" if one.kind == Means.ERASE else f"because {their} period was over"
    return f"At {at}, {events(one.rows_destroyed)} of {whose}{where} {were} destroyed {why}."


def _second(instant: datetime) -> str:
    return format_instant(instant.replace(microsecond=0))


def notes_of(one: DestructionCertificate) -> tuple[str, ...]:
    return NOTES.get(one.kind, NOTES_OF_MONTH)


def facts_of(one: DestructionCertificate) -> list[tuple[str, str]]:
    """What it certifies, name by name; of a case nothing that counts or describes it."""
    whose = one.organization.slug if one.organization else "nobody had anything in it"
    kept = [("Kept for", one.period)] if one.period else []
    ends = [
        *kept,
        ("Policy version", str(one.policy_version)),
        ("Destroyed at", _second(one.destroyed_at)),
        ("Certificate", str(one.pk)),
    ]
    return [("Organization", whose), ("What went", one.get_kind_display()), *_middle(one), *ends]


def _middle(one: DestructionCertificate) -> list[tuple[str, str]]:
    if one.kind == Means.CASE:
        return [("Case", str(one.case_code))]
    first, last = one.first_recorded_at, one.last_recorded_at
    told = [
        ("Segment", one.segment),
        ("First recorded", _second(first) if first else ""),
        ("Last recorded", _second(last) if last else ""),
        ("Events destroyed", f"{one.rows_destroyed:,}"),
        ("Announced by event", str(one.announcement or "")),
    ]
    if one.kind != Means.ERASE:
        told += [
            ("Events at closing", f"{one.rows_at_closing:,}"),
            ("Left because held", f"{one.rows_held:,}"),
            ("SHA-256 at closing", one.digest_at_closing),
            ("Approved by", ", ".join(one.approved_by) or "the policy asks for no approval"),
        ]
    return [(what, value) for what, value in told if value]
