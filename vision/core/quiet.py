"""pydicom without its warnings: they quote values, and values are patients' data."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

_LOGGER = logging.getLogger("pydicom")


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Let values that break a rule of the standard be read and written without a warning or a line in the log.

    What matters is raised or checked by the caller. Not for several threads at a time: the switches are global.
    """
    was_disabled, _LOGGER.disabled = _LOGGER.disabled, True
    try:
        with config.disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _LOGGER.disabled = was_disabled
