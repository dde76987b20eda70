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

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        sys.exit(f"The database does not answer: {reason}\nThe embedded one runs with `make up`.")


if __name__ == "__main__":
    main()
