"""Log lines without patient text: databases quote rows in their messages (DETAIL, CONTEXT), so those are left out."""

import logging
import traceback
from types import TracebackType
from typing import Any

from gunicorn.glogging import Logger

# By name, so that a local instance on SQLite does not load the driver of PostgreSQL.
DATABASES = ("django.db.utils", "psycopg", "sqlite3")
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class QuietFormatter(logging.Formatter):
    """Shows exceptions as usual, but of a database error only its type, its codes and the stack."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a database error that is an argument of the message is described, not quoted."""
        if isinstance(record.args, tuple):
            record.args = tuple(describe(part) if is_of_database(part) else part for part in record.args)
        if is_of_database(record.msg):
            record.msg = describe(record.msg)
        record.exc_text = None  # another handler's formatter may have kept the whole message there
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        """The exception and what led to it."""
        return "" if ei[1] is None else "".join(_chain(ei[1], seen=set())).rstrip("\n")


class ServerLogger(Logger):
    """gunicorn's logger with the same care: it reports what fails while an answer is being sent."""

    def setup(self, cfg: Any) -> None:
        """Set up as gunicorn does, then exchange the formatter of the error log."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(QuietFormatter(self.error_fmt, self.datefmt))


def is_of_database(what: object) -> bool:
    """Whether it is an exception of a database driver, or of Django in its place."""
    if not isinstance(what, BaseException):
        return False
    modules = [kind.__module__ for kind in type(what).__mro__]
    return any(module == name or module.startswith(f"{name}.") for module in modules for name in DATABASES)


def describe(error: Any) -> str:
    """Type and codes of a database error: SQLSTATE and constraint of PostgreSQL, or the name that SQLite gives it."""
    codes = []
    for source in (error, error.__cause__):
        if sqlstate := getattr(source, "sqlstate", None):
            codes = [f"SQLSTATE {sqlstate}", getattr(getattr(source, "diag", None), "constraint_name", None)]
        elif name := getattr(source, "sqlite_errorname", None):
            codes = [name]
    kind = type(error)
    shown = ", ".join(code for code in codes if code) or "no code"
    return f"{kind.__module__}.{kind.__qualname__} ({shown}; the message is left out, it may quote a report)"


def _chain(error: BaseException, *, seen: set[int]) -> list[str]:
    """Lines of the error, after those of the errors that it came from."""
    seen.add(id(error))
    before, link = error.__cause__, CAUSE
    if before is None and not error.__suppress_context__:
        before, link = error.__context__, CONTEXT
    lines = [] if before is None or id(before) in seen else [*_chain(before, seen=seen), link]
    if error.__traceback__ is not None:
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    return lines + ([describe(error) + "\n"] if is_of_database(error) else traceback.format_exception_only(error))
