"""pydicom silent for good in a process, whether it is imported yet or not: its messages quote patients' data."""

import logging
import warnings


def silence_pydicom() -> None:
    """No log line and no warning of pydicom's from now on.

    A level would not do: pydicom sets its own when it is imported. What its other loggers say ends at the first one.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logger = logging.getLogger("pydicom")
    logger.disabled = True
    logger.propagate = False
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
