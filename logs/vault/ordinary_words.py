"""Which actions and statuses HR may read as they were sent; lets no word pass that could be a name.

Whoever reports may put a name into an action ("Interview Jane"). So only what the policy lists, or
what is made of ordinary workflow words alone, is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

MAX_WORDS = 8
MAX_CHARACTERS = 80

_BETWEEN_WORDS = re.compile(r"[ \-_./:,]+")

# None of them is a common given name or surname, which is why some are missing: will, may, mark,
# page, read, close, long, day, law, job, an, do, so, no.
_WORDS = """
    accept accepted access acknowledge acknowledged acknowledgement action active added adjourned
    after again agreed all alert already and answer answered anonymous appeal appealed approval
    approve approved archive archived assessed assessment assign assigned assignment attached
    attachment automatically awaiting before being between by call cancel cancelled canceled case
    category changed checked classified closed closing closure collected comment commented
    communication complaint complete completed completion concluded conclusion conference
    confirmation confirmed consultation contact contacted continued corrected correction created
    creation custodian deadline decided decision declined deferred delayed deleted delivered
    delivery denied department dismissed discrimination document documented documents done draft
    drafted due duplicate during email emailed ended enquiry error escalate escalated escalation
    evaluated evaluation evidence exceeded expired extended external failed failure feedback file
    filed final finding findings finished first follow followed followup for form forwarded from
    given granted harassment hearing held hr in inactive incident incomplete information informed
    initial inquiry internal interview interviewed interviews invalid invitation invited
    investigated investigation investigator is issue issued last letter linked logged mail
    mailbox matter measure measures mediation meeting merged message missing modified moved new
    noted notice notification notified not of on ongoing open opened opening ordered outcome
    overdue parse parsed participant party paused pending phase planned postponed preliminary
    preparation prepared priority procedure process processed processing progress proposal
    proposed protection provided queued ready received recommendation recommended reconsidered
    record recorded referral referred registered rejected released reminded reminder removed
    reopened replied reply report reported reporter reporting request requested required resolution
    resolved response restarted restored resumed retaliation retried review reviewed revised risk
    route routed rule sanction scheduled second sent settled settlement shared signed solved stage
    started statement status step stopped submission submitted succeeded success successful summary
    support suspended system taken task team text the ticket timed to transferred triage triaged
    unassigned under unknown until up update updated urgent valid validated verified version waiting
    warning was whistleblowing with withdrawn withheld witness workflow written
"""
ORDINARY_WORDS = frozenset(_WORDS.split())


def shown(text: str | None, listed: Collection[str]) -> str | None:
    """The text as sent, or None if HR may not read it; the caller then says "Other"."""
    if text is None or len(text) > MAX_CHARACTERS:
        return None
    words = _words(text)
    if not words:
        return None
    # The door knows a listed action with other signs, or none, between its words too.
    if any("".join(words) == "".join(_words(action)) for action in listed):
        return text
    if len(words) <= MAX_WORDS and ORDINARY_WORDS.issuperset(words):
        return text
    return None


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word for word in _BETWEEN_WORDS.split(folded) if word]
