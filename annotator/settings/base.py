"""Settings every instance shares."""

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels

from annotator.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ROOT_URLCONF = "annotator.urls"
WSGI_APPLICATION = "annotator.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "annotator.User"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

INSTALLED_APPS = [
    "annotator.apps.AnnotatorConfig",
    "labeling.apps.LabelingConfig",
    "vision.apps.VisionConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "annotator.middleware.BodyLimit",
    "annotator.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "annotator.middleware.PrivatePages",
    "annotator.middleware.JsonErrors",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "annotator.views.roles.roles",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
        },
    }
]


def sqlite(path: Path) -> dict[str, Any]:
    """A SQLite database that many threads can use: write-ahead log, writers queue at BEGIN rather than fail."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
        },
    }


def database(default: Path) -> dict[str, Any]:
    """The database that DATABASE_URL names, else SQLite at `default`."""
    url = env.optional("DATABASE_URL")
    if url is None:
        return sqlite(default)
    parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    if parsed["ENGINE"].endswith("sqlite3"):
        return sqlite(Path(parsed["NAME"]))
    # A process that freezes in the middle of a transaction keeps its locks: saving and submitting would wait for it
    # until somebody ends it. Above what any transaction computes between two statements.
    parsed.setdefault("OPTIONS", {}).setdefault("options", "-c idle_in_transaction_session_timeout=5min")
    return parsed


def broker(data_dir: Path) -> dict[str, Any]:
    """Where Celery finds its broker: OVERREAD_BROKER_URL, else files in the data folder.

    The broker only wakes workers; what a job is and how far it got is a row in the database.
    """
    url = env.optional("OVERREAD_BROKER_URL")
    if url is not None:
        # A message that a dead worker had comes again after this; until then the sweeper sends new ones.
        return {"url": url, "options": {"visibility_timeout": 600} if url.startswith("redis") else {}}
    folders = {name: env.private_folder(data_dir / "queue" / name) for name in ("messages", "control", "processed")}
    options = {
        "data_folder_in": str(folders["messages"]),
        "data_folder_out": str(folders["messages"]),
        "control_folder": str(folders["control"]),
        "processed_folder": str(folders["processed"]),
        "store_processed": False,
        "polling_interval": 0.05,
    }
    return {"url": "filesystem://", "options": options}


CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"labeling.tasks.label_chunk": {"queue": "llm"}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# Runs that ask a language model, in chunks (labeling.services.chunks)
RUN_CHUNK_REPORTS = env.integer("OVERREAD_RUN_CHUNK_REPORTS", default=200)
RUN_LEASE_S = env.integer("OVERREAD_RUN_LEASE_S", default=60)  # until the chunk of a worker that is silent is free
RUN_SWEEP_S = env.integer("OVERREAD_RUN_SWEEP_S", default=15)
RUN_MAX_ATTEMPTS = 5  # workers that may die on one chunk before it is given up

# Engines that runs may be started with from the web; the key is sent to these only.
LLM_URLS = env.names("OVERREAD_LLM_URLS")
LLM_API_KEY = env.optional("OVERREAD_LLM_API_KEY")
LLM_CA_FILE = env.optional("OVERREAD_LLM_CA_FILE")
LLM_RESTART_S = env.integer("OVERREAD_LLM_RESTART_S", default=300)  # a server that is down is waited for so long

# Sign-in
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"
AXES_HANDLER = "annotator.throttling.Throttle"
AXES_FAILURE_LIMIT = 8  # of a name at an address
AXES_ADDRESS_FAILURE_LIMIT = 50  # of an address, whatever the names: a hospital may have one for everybody
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "annotator/locked_out.html"
AXES_CLIENT_IP_CALLABLE = "annotator.middleware.client_address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# Sessions and cookies
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "annotator.views.errors.csrf_failure"

# Browser rules: enforced, everything from this host, no inline script.
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Static files
STATIC_URL = "/static/"
STATICFILES_DIRS = [
    folder for folder in (BASE_DIR / "static" / "dist", BASE_DIR / "static" / "assets") if folder.is_dir()
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
BUNDLE_MANIFEST = BASE_DIR / "static" / "dist" / "manifest.json"

# Uploads
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
MAX_UPLOAD_BYTES = 512 * 1024 * 1024
MAX_IMAGE_UPLOAD_BYTES = 4 * 1024**3  # of one import of images

# Other machines that images come from; nobody who is not listed is asked or listened to.
PACS_URLS = env.names("OVERREAD_PACS_URLS")
PACS_USER = env.optional("OVERREAD_PACS_USER")
PACS_PASSWORD = env.optional("OVERREAD_PACS_PASSWORD")
PACS_TOKEN = env.optional("OVERREAD_PACS_TOKEN")
PACS_CA_FILE = env.optional("OVERREAD_PACS_CA_FILE")
DICOM_PEERS = env.names("OVERREAD_DICOM_PEERS")

# `manage.py serve` and `manage.py demo`
SERVE_HOST = "127.0.0.1"
SERVE_PORT = 8000
SECRETS_ARE_GENERATED = False
DEMO_IS_ALLOWED = False
DEMO_PASSWORD: str | None = None

MESSAGE_TAGS = {message_levels.ERROR: "error"}

# Request lines and errors only: patient text stays out of logs.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "annotator.logs.QuietFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},  # it misses a host name where the broker is a folder
        # They would log UIDs, queries with patients' numbers, headers, and values that they cannot read.
        "dicomweb_client": {"level": "CRITICAL"},
        "highdicom": {"level": "CRITICAL"},
        "pydicom": {"level": "CRITICAL"},
        "pynetdicom": {"level": "CRITICAL"},
        "urllib3": {"level": "CRITICAL"},
    },
}
