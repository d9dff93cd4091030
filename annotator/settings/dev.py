"""One machine, no services: SQLite, a secret drawn at first start, plain HTTP on this machine only.

`demo` and `serve` use it; the data live in OVERREAD_DATA (var/local when it is not set).
"""

from annotator.settings import env
from annotator.settings.base import *  # noqa: F403
from annotator.settings.base import BASE_DIR, broker, database

DATA_DIR = env.folder("OVERREAD_DATA", BASE_DIR / "var" / "local")
SECRET_KEY = env.secret_or_file("OVERREAD_SECRET_KEY", DATA_DIR / "secret_key")
PATIENT_KEY_SECRET = env.secret_or_file("OVERREAD_PATIENT_KEY_SECRET", DATA_DIR / "patient_key_secret")
SECRETS_ARE_GENERATED = not (env.optional("OVERREAD_SECRET_KEY") and env.optional("OVERREAD_PATIENT_KEY_SECRET"))
SERVE_HOST = env.optional("HOST") or "127.0.0.1"
SERVE_PORT = env.integer("PORT", default=8000)
DEMO_IS_ALLOWED = True
DEMO_PASSWORD = env.optional("DEMO_PASSWORD")
DEBUG = False
ALLOWED_HOSTS = env.names("OVERREAD_HOSTS", default=("127.0.0.1", "localhost", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.names("OVERREAD_ORIGINS")
DATABASES = {"default": database(DATA_DIR / "overread.sqlite3")}
STATIC_ROOT = None  # nothing is collected: WhiteNoise serves from where the files are
_BROKER = broker(DATA_DIR)
CELERY_BROKER_URL = _BROKER["url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _BROKER["options"]
UPLOAD_DIR = env.private_folder(DATA_DIR / "uploads")
IMAGE_DIR = env.private_folder(DATA_DIR / "images")
RELEASE_DIR = env.private_folder(DATA_DIR / "releases")
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR  # patient data do not pass through the machine's own temporary folder
WHITENOISE_USE_FINDERS = True
TRUSTED_PROXIES = 0
