"""The Celery application; settings come from Django under the prefix CELERY."""

from celery import Celery

app = Celery("annotator")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
