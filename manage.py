#!/usr/bin/env python
"""Django's command line for Orgo Audit: `python manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgo_audit.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from orgo_audit.log_lines import tell_uncaught_alike

    tell_uncaught_alike()
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read what we say has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except EOFError:
        sys.exit("This command asks something, and stdin has ended: nothing was changed.")
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        sys.exit(
            f"The database does not answer: {reason}\nThe embedded one runs with `make up`;"
            " if it runs on another folder, set ORGO_HOME to that."
        )


if __name__ == "__main__":
    main()
