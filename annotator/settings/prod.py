"""A hospital server behind a TLS proxy: nothing is guessed, every secret must be given."""

from annotator.settings import env
from annotator.settings.base import *  # noqa: F403
from annotator.settings.base import BASE_DIR, STORAGES, broker, database

DATA_DIR = env.folder("OVERREAD_DATA", BASE_DIR / "var" / "prod")
SECRET_KEY = env.secret("OVERREAD_SECRET_KEY")
PATIENT_KEY_SECRET = env.secret("OVERREAD_PATIENT_KEY_SECRET")
DEBUG = False
ALLOWED_HOSTS = env.names("OVERREAD_HOSTS")
if not ALLOWED_HOSTS:
    raise env.SettingError(
        "OVERREAD_HOSTS is not set; name the host that users type, for example overread.hospital.org"
    )
CSRF_TRUSTED_ORIGINS = env.names("OVERREAD_ORIGINS")
env.text("DATABASE_URL")
DATABASES = {"default": database(DATA_DIR / "unused")}
STATIC_ROOT = env.folder("OVERREAD_STATIC", BASE_DIR / "staticfiles")
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}
_BROKER = broker(DATA_DIR)
CELERY_BROKER_URL = _BROKER["url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _BROKER["options"]
UPLOAD_DIR = env.private_folder(DATA_DIR / "uploads")
IMAGE_DIR = env.private_folder(DATA_DIR / "images")
RELEASE_DIR = env.private_folder(DATA_DIR / "releases")
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR  # patient data do not pass through the machine's own temporary folder

TRUSTED_PROXIES = env.integer("OVERREAD_TRUSTED_PROXIES", default=1)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.flag("OVERREAD_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^health$"]
SECURE_HSTS_SECONDS = env.integer("OVERREAD_HSTS_SECONDS", default=31_536_000)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Other hosts of the hospital's domain are not ours to promise TLS for.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
