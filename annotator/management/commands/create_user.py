"""Make an account: there is no sign-up."""

import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import messages_to_user
from annotator.services.users import create_user


class Command(BaseCommand):
    """`manage.py create_user NAME`."""

    help = "Make an account. The password is asked for on a terminal; elsewhere it is drawn and shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name and password."""
        parser.add_argument("name")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument("--generate", action="store_true", help="draw a password and show it once")
        parser.add_argument("--staff", action="store_true", help="may make projects")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        del args
        password, drawn = _piped() if options["password_stdin"] else "", ""
        if not password and sys.stdin.isatty() and not options["generate"]:
            password = _asked()
        if not password:
            password = drawn = secrets.token_urlsafe(15)
        with messages_to_user():
            user = create_user(username=options["name"], password=password, is_staff=options["staff"])
        self.stdout.write(f"user {user.get_username()}{' (may make projects)' if user.is_staff else ''}")
        if drawn:
            self.stdout.write(f"password, shown only now: {drawn}")


def _piped() -> str:
    """The first line of standard input, which must not be blank."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password.strip():
        raise CommandError("standard input holds no password")
    return password


def _asked() -> str:
    password = getpass("Password (empty: draw one): ")
    if password and getpass("Again: ") != password:
        raise CommandError("the two are not the same")
    return password
