"""Make a project."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import messages_to_user
from annotator.services.projects import create_project, find_user
from labeling.core.schema_yaml import preset_names, preset_source


class Command(BaseCommand):
    """`manage.py create_project NAME --schema abdomen-ct --manager USER`."""

    help = "Make a project under a preset schema or one in a YAML file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What it is called and asks, and whose it is."""
        parser.add_argument("name")
        parser.add_argument("--schema", required=True, help=f"a YAML file, or one of {', '.join(preset_names())}")
        parser.add_argument("--manager", required=True, help="user name of the first manager")
        parser.add_argument("--slug", default="", help="last part of the address (default: from the name)")
        parser.add_argument("--description", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        del args
        with messages_to_user():
            project = create_project(
                name=options["name"],
                slug=options["slug"],
                description=options["description"],
                schema_source=_source(options["schema"]),
                actor=find_user(options["manager"], active=True),
            )
        self.stdout.write(f"project {project.slug} with schema {project.schema}, managed by {options['manager']}")


def _source(schema: str) -> str:
    if schema in preset_names():
        return preset_source(schema)
    try:
        return Path(schema).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{schema!r} is neither a preset ({', '.join(preset_names())}) nor a YAML file") from error
