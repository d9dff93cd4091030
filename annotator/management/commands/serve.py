"""Run the web server of an instance on one machine."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from annotator.beside import worker_beside
from annotator.management.console import messages_to_user
from annotator.services.uploads import remove_old_uploads
from annotator.serving import migrate_if_needed, open_listener, serve, stop_quietly
from vision.services.work_folders import remove_dead_work


class Command(BaseCommand):
    """`manage.py serve`: bring the database up to date, then serve until Ctrl-C, with a worker where none is set up."""

    help = "Bring the database up to date and serve the site until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        add_address(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        del args
        stop_quietly()
        with messages_to_user():
            listener = open_listener(host=options["host"], port=options["port"])
        migrate_if_needed()
        remove_old_uploads()
        remove_dead_work()
        if not get_user_model().objects.exists():
            self.stdout.write("Nobody can sign in yet. Make a user with: .venv/bin/python manage.py create_user NAME")
        with worker_beside():
            serve(listener, out=self.stdout)


def add_address(parser: ArgumentParser) -> None:
    """The options `--host` and `--port`."""
    parser.add_argument("--host", help="address to listen at (default: HOST, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen at, 0 for a free one (default: PORT, else 8000)")
