"""Decides where a mail's task goes and whether it escalates. Pure; never reads a mail's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.sample_workflow.mail import Mail, header_block, normalised_address

DOMAIN = "organization.com"
HARASSMENT = "harassment"
GENERAL = "general"
SENSITIVE_WORKFLOWS = frozenset({HARASSMENT})
SUPERVISOR = f"supervisor@{DOMAIN}"

WORKFLOW_OF_MAILBOX = {
    "maintenance": "maintenance",
    "it-support": "it_support",
    "it_support": "it_support",
    "helpdesk": "it_support",
    "facilities": "facilities",
    "reception": "facilities",
    "general": GENERAL,
    "info": GENERAL,
    "harassment": HARASSMENT,
}
# The first row that matches counts. A subject alone never makes a mail sensitive: the mailbox does.
WORDS_OF_WORKFLOW = {
    "it_support": (
        "password",
        "laptop",
        "vpn",
        "printer",
        "software",
        "server",
        "login",
        "network",
    ),
    "maintenance": ("leak", "broken", "repair", "boiler", "heating", "elevator", "lift"),
    "facilities": ("room", "desk", "badge", "key", "parking", "cleaning", "meeting", "invitation"),
}
URGENT = re.compile(r"\b(?:urgent|overdue|emergency|outage|immediately|asap)\b", re.IGNORECASE)
QUEUE_OF_WORKFLOW = {HARASSMENT: "hr_queue"}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a task goes. `escalates_to` is empty where nobody is told at once."""

    workflow: str
    mailbox: str
    queue: str
    escalates_to: str

    @property
    def is_sensitive(self) -> bool:
        return self.workflow in SENSITIVE_WORKFLOWS


def route(mail: Mail, envelope_recipients: Iterable[str]) -> Route:
    """The route of a mail that could be read."""
    recipients = (*map(_without_tag, envelope_recipients), *map(_without_tag, mail.recipients))
    if any(map(is_sensitive_mailbox, (mail.sender, *recipients))):
        return _route(HARASSMENT, is_urgent=False)
    found = (WORKFLOW_OF_MAILBOX.get(_local_part(one)) for one in recipients)
    workflow = next((one for one in found if one and one != GENERAL), None)
    is_urgent = bool(URGENT.search(mail.subject))
    return _route(workflow or _workflow_of_words(mail.subject), is_urgent=is_urgent)


def route_unread(raw: bytes, envelope_recipients: Iterable[str]) -> Route:
    """The route of a mail that could not be read: sensitive if its header names such a mailbox.

    An error event is no place to find out who tried to report something.
    """
    words = re.split(r"[\s<>,;:\"()]+", header_block(raw).decode("utf-8", "replace"))
    mailboxes = (*envelope_recipients, *(word for word in words if "@" in word))
    is_sensitive = any(is_sensitive_mailbox(one) for one in mailboxes)
    return _route(HARASSMENT if is_sensitive else GENERAL, is_urgent=False)


def is_sensitive_mailbox(address: str) -> bool:
    return WORKFLOW_OF_MAILBOX.get(_local_part(_without_tag(address))) in SENSITIVE_WORKFLOWS


def is_ours(address: str) -> bool:
    return normalised_address(address).endswith(f"@{DOMAIN}")


def mailbox_of(workflow: str) -> str:
    return f"{workflow.replace('_', '-')}@{DOMAIN}"


def _route(workflow: str, *, is_urgent: bool) -> Route:
    return Route(
        workflow=workflow,
        mailbox=mailbox_of(workflow),
        queue=QUEUE_OF_WORKFLOW.get(workflow, f"{workflow}_queue"),
        escalates_to=SUPERVISOR if is_urgent else "",
    )


def _workflow_of_words(subject: str) -> str:
    words = set(re.findall(r"\w+", subject.lower()))
    matches = (name for name, known in WORDS_OF_WORKFLOW.items() if words.intersection(known))
    return next(matches, GENERAL)


def _without_tag(address: str) -> str:
    """`harassment+anything@…` is the mailbox before the plus."""
    local, at, domain = normalised_address(address).partition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _local_part(address: str) -> str:
    """The mailbox's name, if it is one of ours."""
    local, _, domain = address.partition("@")
    return local if domain == DOMAIN else ""
