"""Commands as an operator types them."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


def run(*words: str) -> str:
    """What the command printed on stdout."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    """Why the command refused; it printed nothing."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*words, stdout=out)
    assert out.getvalue() == ""
    return str(caught.value)
