"""What the commands share that bring labels in from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from annotator.management.console import Progress, messages_to_user
from annotator.models import Project, User
from annotator.services.label_files import UNNAMED
from annotator.services.label_imports import LabelImportOptions, import_labels
from annotator.services.outcomes import LabelOutcome
from labeling.core.tables import StudioMapping, TableError, parse_mapping
from labeling.selectors import run_name


def add_file_options(parser: ArgumentParser) -> None:
    """What a file of labels may not say itself."""
    group = parser.add_argument_group("files of labels that were made elsewhere")
    group.add_argument("--rater", default=UNNAMED, help="who made the labels, where the file does not say")
    group.add_argument(
        "--mapping", type=Path, metavar="FILE", help="what names in a file of Label Studio or doccano mean, as JSON"
    )
    group.add_argument("--only", nargs="+", metavar="RATER", help="take only the labels of these raters of the file")


def labels_from_file(
    project: Project,
    path: Path,
    *,
    actor: User | None,
    options: dict[str, Any],
    out: OutputWrapper,
    dry_run: bool = False,
) -> LabelOutcome:
    """Import the file and tell what became of it; `options` are those of the command line."""
    if not path.is_file():
        raise CommandError(f"there is no file {str(path)!r}")
    asked = {
        name: options[name] for name in ("what", "arm", "create_readers", "prefill", "only_machine") if name in options
    }
    with messages_to_user():
        chosen = LabelImportOptions(
            rater=options["rater"],
            mapping=_mapping(options["mapping"]),
            raters=frozenset(options["only"]) if options["only"] else None,
            readers=_readers(options.get("readers", [])),
            **asked,
        )
    progress = Progress("label sets", wanted=options["verbosity"] > 0)
    with messages_to_user():
        outcome = import_labels(
            project=project, path=path, actor=actor, options=chosen, dry_run=dry_run, progress=progress
        )
    progress.end()
    _tell(outcome, out, dry_run=dry_run)
    return outcome


def _readers(pairs: list[str]) -> dict[str, str]:
    """Users by raters of the file, from `NAME=USER`; a name may hold equals signs, a user name none."""
    readers = {}
    for pair in pairs:
        rater, equals, username = pair.rpartition("=")
        if not (rater and equals and username):
            raise CommandError(f"--reader is {pair[:80]!r}, expected is NAME=USER")
        readers[rater] = username
    return readers


def _mapping(path: Path | None) -> StudioMapping:
    try:
        return parse_mapping("" if path is None else path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"the mapping {str(path)!r} cannot be read") from error
    except TableError as error:
        raise CommandError(str(error)) from error


def _tell(outcome: LabelOutcome, out: OutputWrapper, *, dry_run: bool) -> None:
    for problem in outcome.problems:
        out.write(f"{problem.row or ''}\t{problem.report_id}\t{problem.kind}\t{problem.reason}")
    for note in outcome.notes:
        out.write(note)
    for each in outcome.runs:
        if each.run is not None:
            state = "new" if each.is_new else "here already"
            out.write(f"run {each.run.run_id}: {run_name(each.run)}, {each.n_reports:,} reports, {state}")
    out.write(", ".join(f"{count:,} {name}" for name, count in outcome.counts().items()))
    if dry_run:
        out.write("nothing was stored")
    elif not outcome.created and not outcome.unchanged:
        raise CommandError("nothing could be imported")
