"""How long logs are kept, as the pages say it to whoever reads them. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from logs.record.access import Readable, narrowed
from logs.record.expiry import kept
from logs.record.vocabulary import LogType
from orgo_audit.policy.regimes import Kept

# What is kept how long, by the organization's slug.
Spans = Mapping[str, Kept]


def kept_under_policy(scopes: Readable, log_types: Iterable[LogType]) -> str:
    """What a page says of these logs of these organizations, by the policy in force."""
    wanted = [(kind, narrowed(scopes, [kind])) for kind in LogType if kind in set(log_types)]
    return in_words(
        {
            kind: {organization.slug: kept(organization, kind) for organization in held}
            for kind, held in wanted
            if held
        }
    )


def in_words(logs: Mapping[LogType, Spans]) -> str:
    """One sentence for all of these logs. What a conflict or a hold keeps is withheld too."""
    if not logs:
        return ""
    (first, spans), *others = logs.items()
    told = [f"{first.value.capitalize()} events are kept {_span(spans)}"]
    told += [f"{kind.value} events {_span(spans)}" for kind, spans in others]
    return f"{', '.join(told)}; older ones are withheld or have been destroyed under the policy."


def _span(spans: Spans) -> str:
    """The usual period, and in brackets where it is another one."""
    periods = {slug: kept.period.as_text() for slug, kept in sorted(spans.items())}
    [(usual, _)] = Counter(periods.values()).most_common(1)
    others = "; ".join(f"{slug}: {period}" for slug, period in periods.items() if period != usual)
    return f"{usual} ({others})" if others else usual
