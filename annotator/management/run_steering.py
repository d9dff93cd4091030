"""What `manage.py label` does with a run that is there: carry it, wait for it, pause or cancel it, say what it cost."""

import sys
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import CommandError, OutputWrapper

from annotator.models import Project, User
from labeling.engines import close_engine
from labeling.models import OPEN, Run
from labeling.progress import Progress
from labeling.selectors import RunProgress, failures_by_kind, run_progress
from labeling.selectors.run_costs import known_tokens
from labeling.services import cancel_run, pause_run
from labeling.services.here import carry_here

INTERRUPTED: Final = 130
ASK_EVERY_S: Final = 0.5


def add_run_options(parser: ArgumentParser) -> None:
    """The options for runs that are there."""
    group = parser.add_argument_group("runs that workers carry")
    group.add_argument("--wait", action="store_true", help="stay until the run has ended, with a progress bar")
    group.add_argument("--watch", metavar="RUN", help="the same for a run that was started before")
    group.add_argument("--pause", metavar="RUN", help="stop asking; what was answered is kept")
    group.add_argument("--cancel", metavar="RUN", help="end a run for good; what was answered is kept")


def is_about_a_run(options: dict[str, Any]) -> bool:
    """Whether a run that is there is named, and none is to be started."""
    return any(options[name] for name in ("watch", "pause", "cancel"))


def steer_run(project: Project, *, actor: User | None, options: dict[str, Any], out: OutputWrapper) -> None:
    """Pause, cancel or watch the run that is named. Raises `UserError`."""
    if options["pause"]:
        run = named_run(project, options["pause"])
        pause_run(run=run, actor=actor)
    elif options["cancel"]:
        run = named_run(project, options["cancel"])
        cancel_run(run=run, actor=actor)
    else:
        run = named_run(project, options["watch"])
        wait_for_end(run, out, is_shown=options["verbosity"] > 0)
        return
    run.refresh_from_db()
    report_run(run, out)


def named_run(project: Project, run_id: str) -> Run:
    """The run of the project with this id. Raises `CommandError`."""
    try:
        wanted = uuid.UUID(run_id)
    except ValueError as error:
        raise CommandError(f"{run_id!r} is not the id of a run") from error
    run = Run.objects.filter(project=project, run_id=wanted).first()
    if run is None:
        raise CommandError(f"project {project.slug} has no run {run_id}")
    return run


def carry_run(run: Run, out: OutputWrapper, *, is_shown: bool) -> None:
    """Carry the run in this process, with a progress bar, and say what it cost."""
    try:
        with _bar(run, is_shown=is_shown) as show:
            carry_here(run, told=show)
    except KeyboardInterrupt:
        out.write(f"\nrun {run.run_id} is {run.state}; go on with --resume {run.run_id}")
        sys.exit(INTERRUPTED)
    finally:
        close_engine()
    report_run(run, out)


def wait_for_end(run: Run, out: OutputWrapper, *, is_shown: bool) -> None:
    """Stay until workers have ended the run or somebody has paused it, with a progress bar, and say what it cost."""
    try:
        with _bar(run, is_shown=is_shown) as show:
            while run.state in OPEN and run.state != Run.State.PAUSED:
                show(run_progress(run))
                time.sleep(ASK_EVERY_S)
                run.refresh_from_db()
    except KeyboardInterrupt:
        out.write(f"\nrun {run.run_id} goes on without this command; --watch {run.run_id} shows it again")
        sys.exit(INTERRUPTED)
    report_run(run, out)


@contextmanager
def _bar(run: Run, *, is_shown: bool) -> Iterator[Callable[[RunProgress], None]]:
    """What draws the progress of the run, on a terminal."""
    line = Progress(sys.stderr, total=run.n_reports) if is_shown and sys.stderr.isatty() else None
    n_before = run_progress(run).n_done

    def show(progress: RunProgress) -> None:
        if line:
            failed = f", {progress.n_failed:,} failed" if progress.n_failed else ""
            line.show(progress.n_done, skipped=n_before, note=f"{progress.n_calls:,} calls{failed}")

    try:
        yield show
    finally:
        if line:
            line.clear()


def report_run(run: Run, out: OutputWrapper) -> None:
    """State, counts and cost. Raises `CommandError` for a run that failed."""
    progress, known = run_progress(run), known_tokens(run)
    n_read = counted(progress.prompt_tokens, is_known=known["prompt_tokens"])
    n_written = counted(progress.generated_tokens, is_known=known["generated_tokens"])
    failed = ", ".join(f"{count:,} {kind}" for kind, count in failures_by_kind(run).items())
    said = (
        f"run {run.run_id} is {run.state}: {progress.n_labeled:,} of {run.n_reports:,} reports labeled, "
        f"{progress.n_calls:,} calls, {n_read} tokens read, {n_written} written, {progress.active_s:.1f} s"
    )
    if run.state == Run.State.FAILED:
        raise CommandError(f"{said}\n{run.reason}\ngo on with --resume {run.run_id}")
    out.write(said + (f"; not labeled: {failed}" if failed else ""))


def counted(n_tokens: int, *, is_known: bool) -> str:
    """A number of tokens; nobody may have counted them."""
    return f"{n_tokens:,}" if is_known else "unknown"
