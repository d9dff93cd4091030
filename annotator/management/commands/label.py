"""Label the reports of a project."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import Progress, messages_to_user, named_project, named_user
from annotator.management.label_files import add_file_options, labels_from_file
from annotator.management.model_labeling import add_model_options, label_with_model
from annotator.management.run_steering import add_run_options, is_about_a_run, steer_run
from annotator.models import Project
from annotator.services.exports import MACHINE
from annotator.services.imported_runs import IMPORTED_LABELER
from labeling.core.labelers import MODEL_LABELERS
from labeling.services import RULES, run_rules


class Command(BaseCommand):
    """`manage.py label PROJECT --labeler rules`, or another labeler with `--url` and `--model`."""

    help = (
        "Label the reports of a project. With rules readers start from these labels; a labeler that asks a language "
        "model makes a run that workers carry, or this process with --here; imported takes the labels of a --file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The project and the labeler."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--labeler", choices=[RULES, IMPORTED_LABELER, *MODEL_LABELERS], default=RULES)
        parser.add_argument("--user", help="who starts the run, for the history of the project")
        parser.add_argument("--keep-chosen", action="store_true", help="readers go on with labels of another labeler")
        parser.add_argument("--terse-errors", action="store_true", help="tell errors without what they quote, for logs")
        add_model_options(parser)
        add_run_options(parser)
        parser.add_argument("--file", type=Path, help="labels made elsewhere, for the labeler imported")
        add_file_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Label."""
        del args
        if options["terse_errors"]:
            sys.excepthook = tell_tersely
        project = named_project(options["project"])
        if is_about_a_run(options):
            with messages_to_user():
                steer_run(project, actor=named_user(options["user"]), options=options, out=self.stdout)
            return
        if options["labeler"] == IMPORTED_LABELER or options["file"]:
            self._import(project, options)
            return
        if options["labeler"] != RULES or options["resume"]:
            with messages_to_user():
                actor = named_user(options["user"])
                label_with_model(project, actor=actor, options=options, out=self.stdout)
            return
        progress = Progress("reports labeled", wanted=options["verbosity"] > 0)
        with messages_to_user():
            run = run_rules(
                project=project,
                actor=named_user(options["user"]),
                keep_chosen=options["keep_chosen"],
                progress=progress,
            )
        progress.end()
        manifest = run.manifest
        if options["verbosity"] > 0:
            self.stdout.write(
                f"run {run.run_id}: {manifest['n_out']:,} reports, {manifest['n_taken_over']:,} of them as before, "
                f"{manifest['wall_seconds']} s"
            )

    def _import(self, project: Project, options: dict[str, Any]) -> None:
        """The same as `import_labels --what machine`, but for readings, which are refused."""
        if options["labeler"] != IMPORTED_LABELER or not options["file"]:
            raise CommandError(f"--file goes with the labeler {IMPORTED_LABELER}, which needs it")
        with messages_to_user():
            actor = named_user(options["user"])
        is_dry = options["dry_run"] is not None
        chosen = options | {"what": MACHINE, "only_machine": True}
        labels_from_file(project, options["file"], actor=actor, options=chosen, out=self.stdout, dry_run=is_dry)


def tell_tersely(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Name the error and its place in the code: its message could quote a report."""
    for frame in extract_tb(trace):
        sys.stderr.write(f"  {frame.filename}:{frame.lineno} {frame.name}\n")
    sys.stderr.write(f"{kind.__name__}\n")
