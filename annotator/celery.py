"""The Celery application; settings come from Django under the prefix CELERY."""

from typing import Any

from celery import Celery, bootsteps
from django.conf import settings

_SWEEPS = (
    "labeling.tasks.sweep_chunks",
    "annotator.tasks.sweep_figures",
    "annotator.tasks.sweep_settling",
    "annotator.tasks.sweep_releases",
)


class Sweeper(bootsteps.StartStopStep):
    """Sends the message to sweep when a worker starts and every so often after that.

    Workers that die leave chunks behind, and brokers lose messages: whoever gets this one looks for both.
    """

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        self._entry: Any = None
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        """Begin to send."""
        self._send(worker)
        self._entry = worker.timer.call_repeatedly(settings.RUN_SWEEP_S, self._send, (worker,), priority=10)

    def stop(self, worker: Any) -> None:
        """Send no more."""
        del worker
        if self._entry is not None:
            self._entry.cancel()

    def _send(self, worker: Any) -> None:
        for name in _SWEEPS:
            worker.app.send_task(name, expires=settings.RUN_SWEEP_S)


app = Celery("annotator")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Sweeper)
