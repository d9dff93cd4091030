"""What a log must not hold: databases quote rows in their messages."""

import io
import logging
import sqlite3
import subprocess
import sys

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from annotator.logs import QuietFormatter
from annotator.models import User
from tests.factories import UserFactory

TEXT = "hepatic metastases of Mrs Example"


def formatted(error, message="it failed: %s", *arguments):
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, message, arguments or ("x",), None)
    record.exc_info = (type(error), error, error.__traceback__)
    return QuietFormatter("{message}", style="{").format(record)


def refused_by_sqlite():
    """An error whose message holds the text, as SQLite gives it."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE report (text)")
    database.execute(f"CREATE TRIGGER no BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, '{TEXT}'); END")
    try:
        database.execute("INSERT INTO report VALUES (1)")
    finally:
        database.close()


def test_a_database_error_shows_type_code_and_stack_but_not_its_message():
    with pytest.raises(sqlite3.IntegrityError, match=TEXT) as caught:
        refused_by_sqlite()
    line = formatted(caught.value, "it failed: %s", caught.value)
    assert TEXT not in line
    assert "sqlite3.IntegrityError (SQLITE_CONSTRAINT_TRIGGER;" in line
    assert "in refused_by_sqlite" in line


def test_errors_that_came_from_a_database_error_do_not_quote_it_but_keep_their_own_message():
    try:
        try:
            refused_by_sqlite()
        except sqlite3.Error as error:
            raise ValueError("run R7 cannot be finished") from error
    except ValueError as error:
        line = formatted(error)
    assert TEXT not in line
    assert "ValueError: run R7 cannot be finished" in line
    assert "direct cause" in line


def test_a_formatter_that_came_before_leaves_nothing_behind():
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "failed", (), None)
    try:
        refused_by_sqlite()
    except sqlite3.Error:
        record.exc_info = sys.exc_info()
    assert TEXT in logging.Formatter().format(record)
    assert TEXT not in QuietFormatter().format(record)


@pytest.mark.django_db
def test_the_detail_of_a_real_integrity_error_stays_out():
    User.objects.create(username=TEXT)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        User.objects.create(username=TEXT)
    assert (TEXT in str(caught.value)) == (connection.vendor == "postgresql")
    line = formatted(caught.value)
    assert TEXT not in line
    code = "SQLSTATE 23505" if connection.vendor == "postgresql" else "SQLITE_CONSTRAINT_UNIQUE"
    assert f"django.db.utils.IntegrityError ({code}" in line


@pytest.mark.django_db
def test_the_log_of_a_failed_request_goes_through_it(monkeypatch):
    [handler] = [each for each in logging.getLogger().handlers if isinstance(each.formatter, QuietFormatter)]
    stream = io.StringIO()
    monkeypatch.setattr(handler, "stream", stream)
    monkeypatch.setattr("annotator.views.projects.projects_with_progress", lambda *_, **__: refused_by_sqlite())
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    response = client.get(reverse("projects"))
    assert response.status_code == 500
    assert "What you did last may not have been stored" in response.content.decode()
    assert "Nothing was lost" not in response.content.decode()
    assert "SQLITE_CONSTRAINT_TRIGGER" in stream.getvalue()
    assert TEXT not in stream.getvalue()


@pytest.mark.parametrize("imports", ["import django, pydicom; django.setup();", "import django; django.setup();"])
def test_what_pydicom_says_of_a_value_it_cannot_read_goes_neither_to_the_log_nor_to_the_console(imports):
    """Its warnings and log lines quote the value; here a birth date, read in a process with the app's settings."""
    program = (
        f"{imports} import logging, pydicom.config; from pydicom.dataset import Dataset;"
        "ds = Dataset(); ds.PatientBirthDate = 'Jones 1961';"
        "pydicom.config.logger.error('Jones 1961'); logging.getLogger('pydicom.pixels.utils').error('Jones 1961');"
        "print(ds.PatientBirthDate)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "Jones 1961\n"
    assert done.stderr == ""
