"""Show Overread with made-up cases."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.beside import worker_beside
from annotator.management.commands.make_demo import add_choices, choices_in, tell
from annotator.management.commands.serve import add_address
from annotator.management.console import messages_to_user
from annotator.services.demo import make_demo
from annotator.services.uploads import remove_old_uploads
from annotator.serving import migrate_if_needed, open_listener, serve, stop_quietly


class Command(BaseCommand):
    """`manage.py demo`: migrate, make the demo, serve until Ctrl-C, with a worker."""

    help = "Make the demo in OVERREAD_DATA and serve it until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, and what to make."""
        add_address(parser)
        add_choices(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the demo, then serve."""
        del args
        stop_quietly()
        with messages_to_user():
            listener = open_listener(host=options["host"], port=options["port"])
            migrate_if_needed()
            remove_old_uploads()
            tell(make_demo(**choices_in(options)), out=self.stdout)
        with worker_beside():
            serve(listener, out=self.stdout)
