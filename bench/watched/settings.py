"""The smallest project that django-auditlog runs in, with a connection that is kept."""

from __future__ import annotations

import os

SECRET_KEY = "bench"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "auditlog",
    "bench.watched",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        **{
            name: os.environ[f"WATCHED_{name}"]
            for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")
        },
    }
}
