"""Remove stored series of images."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import messages_to_user, named_project, named_user
from vision.models import Series
from vision.services.removal import remove_series


class Command(BaseCommand):
    """`manage.py remove_series PROJECT ID ...`: delete series with their masks and files."""

    help = "Delete series of images with their masks and files; the history keeps that they were there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which series, and who removes them."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument(
            "series", type=int, nargs="+", help="number of a series, as the page of its import shows it"
        )
        parser.add_argument("--though-measured", action="store_true", help="also when readers have measured in it")
        parser.add_argument("--user", help="who removes, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove them all, or none when one does not exist."""
        del args
        project = named_project(options["project"])
        rows = list(Series.objects.filter(project=project, pk__in=options["series"]).select_related("project"))
        missing = sorted(set(options["series"]) - {row.pk for row in rows})
        if missing:
            raise CommandError(f"project {project.slug} has no series {', '.join(map(str, missing))}")
        with messages_to_user():
            actor = named_user(options["user"])
            for row in rows:
                remove_series(series=row, actor=actor, though_measured=options["though_measured"])
                self.stdout.write(f"series {row.pk} of study {row.study_id} is removed")
