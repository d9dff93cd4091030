"""Fill a local instance with made-up reports, people and readings."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, OutputWrapper

from annotator.management.console import messages_to_user
from annotator.services.demo import ROLES, Demo, make_demo


class Command(BaseCommand):
    """`manage.py make_demo`: make what is missing; calling it again changes nothing."""

    help = "Make the projects, reports and users of the demo, as far as they are missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to draw passwords again, and whether to paint images."""
        add_choices(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the demo and say what there is."""
        del args
        with messages_to_user():
            tell(make_demo(**choices_in(options)), out=self.stdout)


def add_choices(parser: ArgumentParser) -> None:
    """The options `--reset-passwords`, `--without-study`, `--without-images` and `--all-images`."""
    parser.add_argument("--reset-passwords", action="store_true", help="draw new passwords and print them")
    parser.add_argument("--without-study", action="store_true", help="only the two projects in which everyone reads")
    images = parser.add_mutually_exclusive_group()
    parser.set_defaults(images="some")
    images.add_argument("--without-images", action="store_const", dest="images", const="none", help="reports only")
    images.add_argument(
        "--all-images", action="store_const", dest="images", const="all", help="for 35 reports and not only for 16"
    )


def choices_in(options: dict[str, Any]) -> dict[str, Any]:
    """What was chosen, as `make_demo` takes it."""
    return {
        "reset_passwords": options["reset_passwords"],
        "images": options["images"],
        "with_study": not options["without_study"],
    }


def tell(demo: Demo, *, out: OutputWrapper) -> None:
    """Print projects and users; passwords that were drawn just now are printed this once."""
    out.write(f"{demo.n_reports} made-up reports in {', '.join(project.name for project in demo.projects)}.")
    if settings.DEMO_PASSWORD is not None:
        out.write(f"Users: {', '.join(ROLES)}; the password of each is the one in DEMO_PASSWORD.")
        return
    for name, role in ROLES.items():
        password = f"password {demo.new_passwords[name]}" if name in demo.new_passwords else "password as before"
        out.write(f"  {name:<11} {role:<11} {password}")
    if len(demo.new_passwords) < len(ROLES):
        out.write("Passwords were printed at first start; `scripts/demo --reset-passwords` makes new ones.")
    else:
        out.write("The passwords are printed this once and stored only as hashes.")
