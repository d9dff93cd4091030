"""Compute figures of a project here."""

import json
import math
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from annotator.core.figure_requests import GOLD, GOLDS, MAJORITY, FigureRequest, Kind, Level, Origin
from annotator.core.figure_tables import csv_lines
from annotator.management.console import messages_to_user, named_project
from annotator.models import Evaluation, Project
from annotator.selectors.figure_pages import readers_of, request_of
from annotator.services.figures import ask, ask_again, compute
from labeling.core.evaluation.rows import Row
from labeling.core.tables import atomic_output
from labeling.evaluation_files import by_row
from labeling.exceptions import UserError


class Command(BaseCommand):
    """`manage.py evaluate PROJECT`: the figures that the dashboard shows, computed in this process if need be."""

    help = (
        "Compute the figures of a project that the dashboard shows, unless they are there, and print them. They are "
        "stored, so that the dashboard has them at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which figures, and where to."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--kind", choices=list(Kind), default=Kind.LABELER)
        parser.add_argument("--run", default="", help="id of the run (default: the pre-fill, else the latest)")
        parser.add_argument("--other", default="", help="id of the run to compare it with")
        parser.add_argument(
            "--truth",
            metavar="TRUTH",
            help=(
                f"gold ({', '.join(GOLDS)}; plain gold is {GOLD}), majority, or a reader (default: gold where the "
                "project has any, else what most readers say)"
            ),
        )
        parser.add_argument("--origin", choices=list(Origin), default=Origin.BLIND_FIRST, help="which readings count")
        parser.add_argument("--level", choices=list(Level), default=Level.CELLS)
        parser.add_argument("--json", metavar="OUT", help="file, or - for standard output")
        parser.add_argument("--csv", metavar="OUT", help="file, or - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute and print."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            done = _figures(project, _request(project, options))
        result = done.result or {}
        for out, text in ((options["json"], _as_json(done)), (options["csv"], "".join(csv_lines(result)))):
            if out == "-":
                sys.stdout.write(text)
            elif out:
                with atomic_output(out) as stream:
                    stream.write(text)
        if "-" not in (options["json"], options["csv"]):
            self.stdout.write(_as_text(result), ending="")


def _request(project: Project, options: dict[str, Any]) -> FigureRequest:
    query = {name: options[name] for name in ("run", "other", "origin", "level")}
    query |= _truth(project, options["truth"])
    try:
        request = request_of(project, Kind(options["kind"]), query)
    except Http404 as error:
        hint = "; the page of a run shows its id" if "run" in str(error) else ""
        raise CommandError(f"{error}{hint}") from error
    if not request.can_be_computed:
        is_one = request.kind != Kind.COMPARISON
        raise CommandError("no run of the project has labels yet" if is_one else "a comparison needs two runs")
    return request


_SHORT: Final = {"gold": GOLD, "majority": MAJORITY}


def _truth(project: Project, given: str | None) -> dict[str, str]:
    """What the option asks for. Raises `CommandError` where a reader has the name of something else."""
    if given in _SHORT and given in readers_of(project):
        raise CommandError(f"{given!r} is also a reader: rename that user, or write {GOLD} for gold")
    return {} if given is None else {"truth": _SHORT.get(given, given)}


def _figures(project: Project, request: FigureRequest) -> Evaluation:
    """The figures of what there is now. Raises `UserError` when they cannot be computed, or somebody else does it."""
    known = ask(project=project, actor=None, request=request, send=_nobody)
    if known.failed is not None:
        ask_again(known.failed, send=_nobody)
        known = ask(project=project, actor=None, request=request, send=_nobody)
    if known.pending is None:
        if known.done is None:
            raise UserError("another process asks for the same figures at this moment; try again")
        return known.done
    ended = compute(known.pending.pk)
    if ended is None:
        raise UserError("a worker computes these figures at this moment; the dashboard shows them when they are there")
    if ended.result is None:
        raise UserError(f"no figures: {ended.reason}")
    return ended


def _nobody(evaluation_id: int) -> None:
    """This process computes it itself."""
    del evaluation_id


def _as_text(result: dict[str, Any]) -> str:
    """A line for each row; what has columns of its own as CSV."""
    if "rows" not in result:
        return "".join(csv_lines(result))
    return by_row([_row(row) for row in (*result["rows"], *result["urgency"])])


def _row(stored: dict[str, Any]) -> Row:
    undefined = {name: math.nan for name in ("value", "low", "high") if stored[name] is None}
    return Row(**(stored | undefined))


def _as_json(done: Evaluation) -> str:
    about = {"project": done.project.slug, "schema": done.inputs["schema"], "request": done.request}
    return json.dumps(about | {"inputs": done.inputs, "result": done.result}, indent=1, ensure_ascii=False) + "\n"
