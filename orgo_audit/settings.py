"""All settings, read from the environment; every NAME may also be given as NAME_FILE.

What an operator may set is documented in the README. What is unset is embedded or off.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from orgo_audit import logins, operator_settings
from orgo_audit.embedded import paths
from orgo_audit.schedule import BEAT_SCHEDULE

env = operator_settings.env
BASE_DIR = Path(__file__).resolve().parent.parent

# --- the process --------------------------------------------------------------------------------
ORGO_PROCESS: str = env.str("ORGO_PROCESS", default="")
ORGO_HOME = Path(env.str("ORGO_HOME", default=str(BASE_DIR / "var"))).resolve()
TESTING = ORGO_PROCESS == "test"
_command = sys.argv[1] if len(sys.argv) > 1 and sys.argv[0].endswith("manage.py") else ""
# A command typed in another shell finds the portal that runs on its folder.
_running = paths.running_address(ORGO_HOME) if not ORGO_PROCESS and _command != "up" else {}
_named = {name: env.str(name) for name in _running if operator_settings.is_given(name)}
if not _named.items() <= _running.items():
    _running = {}  # the shell names another portal
ORGO_PORT = operator_settings.port("ORGO_PORT", _running.get("ORGO_PORT", "8000"))
ORGO_MAIL_PORT = operator_settings.port("ORGO_MAIL_PORT", _running.get("ORGO_MAIL_PORT", "8025"))
if ORGO_PORT == ORGO_MAIL_PORT:
    raise ImproperlyConfigured(f"ORGO_PORT and ORGO_MAIL_PORT are both {ORGO_PORT}")
ORGO_PUBLIC_URL = operator_settings.public_url(
    "ORGO_PUBLIC_URL", _running.get("ORGO_PUBLIC_URL", f"http://localhost:{ORGO_PORT}")
)
ORGO_SAMPLE = operator_settings.is_on("ORGO_SAMPLE")
ORGO_TRUSTED_PROXIES = operator_settings.number("ORGO_TRUSTED_PROXIES", 0)
ORGO_REQUESTS_PER_MINUTE = operator_settings.number("ORGO_REQUESTS_PER_MINUTE", 30_000)
ORGO_POLICY = Path(
    env.str("ORGO_POLICY", default=str(BASE_DIR / "orgo_audit" / "logging_config.yaml"))
)
ORGO_VAULT_PUBLIC_KEY = operator_settings.public_key("ORGO_VAULT_PUBLIC_KEY") or (
    paths.read_secret(ORGO_HOME, "vault_public_key.pem")
)
# Read by the vault's login alone, further below; a path, for the keys in it change.
ORGO_VAULT_KEYRING = Path(
    env.str(
        "ORGO_VAULT_KEYRING", default=str(paths.secrets_folder(ORGO_HOME) / "vault_keyring.json")
    )
)

# --- secrets and hosts --------------------------------------------------------------------------
SECRET_KEY: str = env.str("ORGO_SECRET_KEY", default="") or paths.read_secret(
    ORGO_HOME, "secret_key"
)
_public = environ.urlparse(ORGO_PUBLIC_URL)
ALLOWED_HOSTS = sorted({_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})
_origins = {f"http://{host}:{ORGO_PORT}" for host in ("localhost", "127.0.0.1")}
CSRF_FAILURE_VIEW = "orgo_audit.pages.csrf_failed"
CSRF_TRUSTED_ORIGINS = sorted({ORGO_PUBLIC_URL} | _origins)
BEHIND_TLS = _public.scheme == "https"
if BEHIND_TLS:
    # The proxy that ends TLS says so; without one in front nobody may be believed.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^metrics$", "^healthz$", "^readyz$"]  # asked from inside
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_NAME = "orgo_session"
SESSION_ENGINE = "orgo_audit.accounts.sessions"
SESSION_COOKIE_AGE = 30 * 60  # without a request; sessions.LONGEST ends it in any case

# --- the database -------------------------------------------------------------------------------
_owner_url = operator_settings.given_database_url(logins.OWNER)


# For a server that cannot be reached any more; the query of a URL may say otherwise.
_NETWORK_LIMITS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


def _database(login: str) -> dict[str, Any]:
    own = operator_settings.given_database_url(login) if login != logins.OWNER else ""
    url = own or logins.database_url(login, owner_url=_owner_url, home=ORGO_HOME)
    config: dict[str, Any] = env.db_url_config(url)
    config["CONN_MAX_AGE"] = None
    config["CONN_HEALTH_CHECKS"] = True
    config["OPTIONS"] = _NETWORK_LIMITS | config.get("OPTIONS", {})
    # A socket's folder comes as an option; `dbshell` looks for it here.
    config["HOST"] = config["OPTIONS"].pop("host", "") or config["HOST"]
    if login == logins.WEB:
        config["ENGINE"] = "orgo_audit.database"
    return config


_login = logins.login_for(ORGO_PROCESS, _command)
DATABASES = {"default": _database(_login) if _login else {}}
ORGO_VAULT_KEY: str = (
    env.str("ORGO_VAULT_KEY", default="") or paths.read_secret(ORGO_HOME, "vault_key.pem")
    if _login == logins.VAULT
    else ""
)
EMBEDDED_DATABASE = str(paths.socket_folder(ORGO_HOME)) == DATABASES["default"].get("HOST")
if TESTING or not ORGO_PROCESS:
    DATABASES["owner"] = _database(logins.OWNER)
if TESTING:
    DATABASES["worker"] = _database(logins.WORKER)
    DATABASES["vault"] = _database(logins.VAULT)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker, cache, periodic work ---------------------------------------------------------------
# No CACHES: Django pickles what it keeps, and whoever may write there could run code here.
_valkey = paths.valkey_socket(ORGO_HOME)
REDIS_URL = operator_settings.server_url(
    "REDIS_URL",
    f"unix://{_valkey}?db=1",
    operator_settings.CACHE_SCHEMES,
    "redis://HOST:PORT/NUMBER, or rediss:// or unix://",
)
EMBEDDED_VALKEY = "REDIS_URL" not in env.ENVIRON and "REDIS_URL_FILE" not in env.ENVIRON
CELERY_BROKER_URL = operator_settings.server_url(
    "CELERY_BROKER_URL",
    f"redis+socket://{_valkey}?virtual_host=0",
    operator_settings.BROKER_SCHEMES,
    "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// or redis:// or rediss://",
)
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Without the last two, a task of a killed worker waits 100 s longer than the first says.
    {"visibility_timeout": 3600, "unacked_restore_interval": 2, "unacked_restore_throttle": 1}
    if CELERY_BROKER_URL.startswith("redis")
    else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "orgo_audit.beat:Scheduler"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE

# --- mail to people -----------------------------------------------------------------------------
EMAIL_URL: str = env.str("EMAIL_URL", default="")  # empty: nobody is told by mail
vars().update(operator_settings.mail("EMAIL_URL"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = f"orgo-audit@{_public.hostname or 'localhost'}"

# --- alerts to people and other systems ---------------------------------------------------------
ALERTMANAGER_URL = operator_settings.http_url("ALERTMANAGER_URL")
ORGO_PING_URL = operator_settings.http_url("ORGO_PING_URL")
RABBITMQ_MANAGEMENT_URL = operator_settings.http_url("RABBITMQ_MANAGEMENT_URL")
ORGO_WEBHOOK_SECRET = operator_settings.webhook_secret("ORGO_WEBHOOK_SECRET")
ORGO_WEBHOOK_PRIVATE = operator_settings.is_on("ORGO_WEBHOOK_PRIVATE", "0")

# --- applications -------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "rest_framework",
    "axes",
    "guardian",
    "django_celery_beat",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_prometheus",
    "orgo_audit",
    "orgo_audit.policy",
    "orgo_audit.accounts",
    "logs",
    "monitoring",
    "compliance",
]
MIDDLEWARE = [
    "orgo_audit.middleware.PrometheusBefore",
    "django.middleware.security.SecurityMiddleware",
    "orgo_audit.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "orgo_audit.middleware.no_nul_in_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "orgo_audit.middleware.session_lifetime",
    "orgo_audit.sign_in.second_factor_gate.second_factor_gate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "orgo_audit.middleware.told_at_sign_in",
    "orgo_audit.middleware.directions_seen",
    "orgo_audit.pages.wrong_method",
    "orgo_audit.middleware.viewer_time_zone",
    "axes.middleware.AxesMiddleware",
    "orgo_audit.middleware.PrometheusAfter",
]
ROOT_URLCONF = "orgo_audit.urls"
WSGI_APPLICATION = "orgo_audit.wsgi.application"
FORM_RENDERER = "orgo_audit.forms.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orgo_audit.menu.menu",
            ]
        },
    }
]

# --- people -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ANONYMOUS_USER_NAME = None  # guardian would add a row to the user table
GUARDIAN_MONKEY_PATCH_USER = False
# access.py asks guardian for scopes; `has_perm`, which needs the backend, is not used.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
if not BEHIND_TLS:
    # What they say of TLS, `system_checks.transport` says in one sentence.
    SILENCED_SYSTEM_CHECKS += [
        f"security.W{number}" for number in ("004", "008", "011", "012", "016")
    ]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validators = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in _validators
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]  # each by itself
# django-axes would forget whatever came from the same address, other accounts' failures too: who
# has one account could then guess at another one for ever. `sign_in.reports` forgets the own ones.
AXES_RESET_ON_SUCCESS = False
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "orgo_audit.accounts.lockout.account_of"
AXES_CLIENT_IP_CALLABLE = "orgo_audit.callers.address_of"
AXES_LOCKOUT_CALLABLE = "orgo_audit.sign_in.pages.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
OTP_TOTP_ISSUER = "Orgo Audit"  # what an authenticator app calls us
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

# --- the API ------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "orgo_audit.api.ServiceTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["orgo_audit.throttling.TokenThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "orgo_audit.api.JsonOnly",
    "EXCEPTION_HANDLER": "orgo_audit.api.problem_response",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {"POSTPROCESSING_HOOKS": []}  # our shapes are named already
# The API reads its bodies itself and stops at 8 MiB; Django's own limit would cut in first.
DATA_UPLOAD_MAX_MEMORY_SIZE = 9 * 1024 * 1024

# --- language, time, files ----------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = ORGO_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = TESTING  # nothing is collected for a test
_static_storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
if not TESTING:
    _static_storage = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_storage},
}

# --- our own log lines: constant messages, no personal data --------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "orgo_audit.log_lines.LogLine",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Their lines carry paths, query strings, arguments and exceptions' words, where people and
    # tasks are named; failures.py says what an operator needs instead.
    "loggers": {
        "django.request": {"level": "CRITICAL"},
        "django.security": {"level": "CRITICAL"},
        "celery.app.trace": {"level": "CRITICAL"},
        "axes": {"level": "CRITICAL"},
        "httpx": {"level": "WARNING"},
    },
}
PROMETHEUS_EXPORT_MIGRATIONS = False
