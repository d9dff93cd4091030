"""What the commands share: finding projects and users by name, and showing how far something is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from django.core.management.base import CommandError

from annotator.exceptions import UserError
from annotator.models import Project, User
from annotator.services.projects import find_user


@contextmanager
def messages_to_user() -> Iterator[None]:
    """Turn a message to the user into one line and exit code 1."""
    try:
        yield
    except UserError as error:
        raise CommandError(str(error)) from error


def named_project(slug: str) -> Project:
    """The project with this address."""
    project = Project.objects.select_related("schema").filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"there is no project {slug!r}; there are: {known}")
    return project


def named_user(username: str | None) -> User | None:
    """The user of this name; None without a name."""
    return find_user(username) if username else None


class Progress:
    """One line on a terminal that counts up; silent elsewhere, so that logs and pipes stay clean."""

    def __init__(self, what: str, *, stream: TextIO | None = None, wanted: bool = True) -> None:
        self._what = what
        self._stream = stream or sys.stderr
        self._shown = wanted and self._stream.isatty()

    def __call__(self, n_done: int, n_all: int | None = None) -> None:
        """Show how far it is."""
        if self._shown:
            self._stream.write(f"\r{self._what}: {n_done:,}" + (f" of {n_all:,}" if n_all else ""))
            self._stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            self._stream.write("\n")
