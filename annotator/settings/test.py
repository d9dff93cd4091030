"""Fast hashers and a database in memory, or the one that DATABASE_URL names."""

import tempfile
from pathlib import Path

from annotator.settings import env
from annotator.settings.base import *  # noqa: F403
from annotator.settings.base import broker, database

DATA_DIR = Path(tempfile.mkdtemp(prefix="overread-test-"))
SECRET_KEY = "only-for-tests-" + "0" * 40
PATIENT_KEY_SECRET = "only-for-tests-" + "1" * 40
DEMO_IS_ALLOWED = True
DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
DATABASES = {"default": database(DATA_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = DATA_DIR / "static"
_BROKER = broker(DATA_DIR)
CELERY_BROKER_URL = _BROKER["url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _BROKER["options"]
UPLOAD_DIR = env.private_folder(DATA_DIR / "uploads")
IMAGE_DIR = env.private_folder(DATA_DIR / "images")
RELEASE_DIR = env.private_folder(DATA_DIR / "releases")
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR  # patient data do not pass through the machine's own temporary folder
WHITENOISE_AUTOREFRESH = True
TRUSTED_PROXIES = 0
AXES_ENABLED = env.flag("TEST_AXES", default=True)
