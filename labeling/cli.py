"""Command line of the labeling library; needs neither Django nor a network.

Exit status: 0 all done; 1 the input, the schema or the engine cannot be used; 2 wrong usage; 3 some rows were refused
or reports failed; 130 interrupted.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labeling.core.labelers import MODEL_LABELERS, OptionError, labeler_called
from labeling.core.records import ReportText
from labeling.core.schema import Schema
from labeling.core.schema_yaml import SchemaError, load_preset, parse_schema, preset_names, preset_source

if TYPE_CHECKING:
    from labeling.core.batch import Outcome

BACKENDS: Final = ("openai", "transformers", "vllm")
LABEL_FORMATS: Final = ("leavs", "leavs-wide", "long", "jsonl")
PROTOCOLS: Final = ("default", "published")
ORIGINS: Final = ("blind-first", "blind", "all")
INTERVALS: Final = ("percentile", "bca")
TABLES: Final = ("labels", "any-abnormality", "urgency", "urgency-prevalence")
_LISTED_PROBLEMS: Final = 50
_CONCURRENCY: Final = 256
# An identical row that stands twice is skipped, and its report is labelled all the same.
_HARMLESS: Final = frozenset({"duplicate"})
_OK, _FAILED, _USAGE, _SOME_REFUSED, _INTERRUPTED = 0, 1, 2, 3, 130


class _CommandError(Exception):
    """A message for the person at the terminal, and the exit status that goes with it."""

    def __init__(self, message: str, status: int = _FAILED) -> None:
        super().__init__(message)
        self.status = status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except _CommandError as error:
        print(f"labeling: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("labeling: interrupted; nothing was written", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read standard output has gone; keep Python from flushing into it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labeling",
        description="Structured labels from radiology reports, on this machine only.",
        epilog="Exit status: 0 all done, 1 input or schema unusable, 2 usage, 3 some rows refused.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_schema_commands(commands.add_parser("schema", help="list, show or check label schemas"))
    _add_label_options(commands.add_parser("label", help="label the reports of a file"))
    _add_prompt_options(commands.add_parser("prompts", help="show what a labeler asks a model about one cell"))
    _add_evaluate_options(commands.add_parser("evaluate", help="score labels against the labels of readers"))
    _add_agreement_options(commands.add_parser("agreement", help="how much readers agree, with intervals"))
    _add_calibrate_options(commands.add_parser("calibrate", help="fit thresholds on one file, apply them to another"))
    return parser


def _add_schema_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("list", help="names of the schemas that come with the program")
    command.set_defaults(run=_list_schemas)
    command = commands.add_parser("show", help="print a schema as YAML, or as a table of its cells")
    command.add_argument("schema", metavar="NAME", help="a preset, or a YAML file")
    command.add_argument("--summary", action="store_true", help="a table of cells instead of YAML")
    command.set_defaults(run=_show_schema)
    command = commands.add_parser("check", help="print every error in a schema with its line")
    command.add_argument("file", metavar="FILE", help="a YAML file")
    command.set_defaults(run=_check_schema)


def _add_label_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Label every report of a table (CSV, TSV, XLSX, JSON, JSON Lines) or of text files (folder, ZIP). "
        "The output appears when it is complete. Rows that cannot be read are listed and left out."
    )
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--labeler", default="rules", choices=["rules", *MODEL_LABELERS], help="default: %(default)s")
    parser.add_argument("--in", required=True, dest="input", metavar="FILE", help="reports; - is standard input")
    parser.add_argument("--out", required=True, metavar="FILE", help="labels; - is standard output")
    parser.add_argument("--format", default="long", choices=LABEL_FORMATS, help="default: %(default)s")
    parser.add_argument("--id-column", metavar="NAME", help="column of report ids, if it is not recognised")
    parser.add_argument("--text-column", metavar="NAME", help="column of report texts, if it is not recognised")
    parser.add_argument("--workers", type=_count(256), metavar="N", help="processes of rules; default: 1")
    parser.add_argument("--quiet", action="store_true", help="no progress and no list of refused rows")
    _add_model_options(parser.add_argument_group("labelers that ask a language model (docs/labelers.md)"))
    parser.set_defaults(run=_label)


def _add_model_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--backend", choices=BACKENDS, help="an OpenAI-compatible server, the default; or an engine in this process"
    )
    group.add_argument("--url", metavar="URL", help="of the server, such as http://localhost:8000/v1")
    group.add_argument(
        "--model", metavar="NAME", help="its name on the server; else a folder, or a name in the Hugging Face cache"
    )
    group.add_argument("--device", choices=["cpu", "cuda"], help="for transformers; default: a GPU if there is one")
    group.add_argument("--api-key-file", metavar="FILE", help="a file that holds the key of the server")
    group.add_argument("--concurrency", type=_count(4096), metavar="N", help="calls in flight; default: 256")
    group.add_argument("--calls", metavar="FILE", help="answered calls; default: the name of --out and .calls.jsonl")
    group.add_argument("--resume", action="store_true", help="ask nothing again that --calls holds")
    group.add_argument(
        "--config", nargs="+", action="extend", metavar="KEY=VALUE", help="options of the labeler; 'help' lists them"
    )


def _add_prompt_options(parser: argparse.ArgumentParser) -> None:
    parser.description = "Show every question about one cell of one report, to the letter. No model is asked."
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--labeler", required=True, choices=MODEL_LABELERS)
    parser.add_argument("--report", required=True, metavar="FILE", help="the text of one report")
    parser.add_argument("--cell", required=True, metavar="TARGET|FINDING", help="such as 'liver|focal'")
    parser.add_argument("--config", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="its options")
    parser.set_defaults(run=_show_prompts)


def _add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Figures about labels, with intervals (docs/evaluation.md). Files are label tables of any format."
    )
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--reference", required=True, metavar="FILE", help="labels of readers, or of one reference")
    parser.add_argument("--labels", required=True, metavar="FILE", help="labels of the labeler that is scored")
    parser.add_argument("--protocol", default="default", choices=PROTOCOLS, help="default: %(default)s")
    parser.add_argument("--table", default="labels", choices=TABLES, help="default: %(default)s")
    truth = parser.add_mutually_exclusive_group()
    truth.add_argument(
        "--truth", metavar="RATER", help="one rater of the reference is the truth; default: the majority"
    )
    truth.add_argument(
        "--adjudicator", metavar="RATER", help="decides where it answered, else what all others agree on is the truth"
    )
    _add_origin(parser)
    parser.add_argument("--interval", choices=INTERVALS, help="default: percentile")
    _add_patients(parser)
    _add_resampling(parser, most=1_000_000)
    _add_outputs(parser)
    parser.set_defaults(run=_evaluate)


def _add_agreement_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "How much the raters of a label table agree on presence, certainty and urgency: all of them overall, in each "
        "finding, target and cell, and each two of them (docs/evaluation.md)."
    )
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--readings", required=True, metavar="FILE", help="labels of two or more raters")
    _add_origin(parser)
    _add_patients(parser)
    _add_resampling(parser, most=100_000)
    _add_outputs(parser)
    parser.set_defaults(run=_agreement)


def _add_calibrate_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "The threshold at the equal error rate of one file, and how well it does on another. CSV with columns "
        "report_id, finding, truth (0 or 1) and score, such as a logit difference; `target` and `patient` are "
        "optional. Intervals draw patients as wholes, or reports where no patient is named."
    )
    parser.add_argument("--calibration", required=True, metavar="FILE", help="scores that the thresholds are fitted on")
    parser.add_argument("--test", required=True, metavar="FILE", help="scores that they are applied to")
    _add_resampling(parser, most=1_000_000)
    _add_outputs(parser)
    parser.set_defaults(run=_calibrate)


def _add_origin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--origin", choices=ORIGINS, help="readings made without machine labels first, alone, or all; default: first"
    )


def _add_patients(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", metavar="FILE", help="CSV with columns report_id and patient, to draw patients")


def _add_resampling(parser: argparse.ArgumentParser, *, most: int) -> None:
    parser.add_argument("--resamples", type=_count(most), default=2000, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: %(default)s")


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="the rows as JSON; - is standard output")
    parser.add_argument("--csv", metavar="FILE", help="the rows as CSV; - is standard output")


def _count(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        count = int(text) if text.isdecimal() else 0
        if not 1 <= count <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most:,}")
        return count

    return read


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def _list_schemas(_options: argparse.Namespace) -> int:
    for name in preset_names():
        schema = load_preset(name)
        print(f"{name}\t{schema.title}\t{len(schema.cells)} cells")
    return _OK


def _show_schema(options: argparse.Namespace) -> int:
    if options.summary:
        sys.stdout.write(_summary(_schema_called(options.schema)))
    else:
        sys.stdout.write(_source_of(options.schema))
    return _OK


def _check_schema(options: argparse.Namespace) -> int:
    try:
        schema = parse_schema(_read_text(options.file))
    except SchemaError as error:
        for problem in error.problems:
            print(f"{options.file}:{problem.line}: {problem.message}")
        return _FAILED
    print(f"{options.file}: {schema.name} version {schema.version}, {len(schema.cells)} cells, hash {schema.hash[:12]}")
    return _OK


def _summary(schema: Schema) -> str:
    """Targets down, findings across; a dot where the schema has no such cell."""
    width = max(len(target.name) for target in schema.targets)
    names = [finding.name for finding in schema.findings]
    lines = [
        f"{schema.title} ({schema.name} version {schema.version}, hash {schema.hash[:12]})",
        f"{len(schema.targets)} targets, {len(schema.findings)} findings, {len(schema.cells)} cells",
        "",
        " " * width + "".join(f"  {name}" for name in names),
    ]
    for target in schema.targets:
        marks = ("x" if (target.name, name) in schema.index_of_cell else "." for name in names)
        cells = "".join(f"  {mark:<{len(name)}}" for mark, name in zip(marks, names, strict=True))
        lines.append(f"{target.name:<{width}}{cells}".rstrip())
    if attribute := schema.urgency:
        lines += ["", "urgency: " + ", ".join(f"{level} {name}" for level, name in enumerate(attribute.levels))]
    return "\n".join(lines) + "\n"


def _schema_called(name: str) -> Schema:
    try:
        return parse_schema(_source_of(name))
    except SchemaError as error:
        shown = "\n".join(f"  {problem}" for problem in error.problems)
        raise _CommandError(f"schema {name} has errors:\n{shown}") from error


def _source_of(name: str) -> str:
    if name in preset_names():
        return preset_source(name)
    if name.endswith((".yaml", ".yml")) or Path(name).exists():
        return _read_text(name)
    raise _CommandError(f"no schema {name!r}: presets are {', '.join(preset_names())}; or give a YAML file", _USAGE)


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _CommandError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _CommandError(f"{path}: the byte at offset {error.start} is not UTF-8") from error


def _label(options: argparse.Namespace) -> int:
    schema = _schema_called(options.schema)
    _check_label_options(options)
    # Loaded here because `schema` needs none of it, and a command should answer at once.
    from labeling.label_command import LabelCommandError, label_file  # noqa: PLC0415

    try:
        if options.labeler == "rules":
            outcome = label_file(options, schema)
        else:
            from labeling.model_command import label_file_with_model  # noqa: PLC0415 - rules need none of it

            outcome = label_file_with_model(options, schema)
    except LabelCommandError as error:
        raise _CommandError(str(error), error.status) from error
    _list_problems(outcome, quiet=options.quiet)
    is_all = not outcome.failures and all(problem.code in _HARMLESS for problem in outcome.problems)
    return _OK if is_all else _SOME_REFUSED


def _show_prompts(options: argparse.Namespace) -> int:
    # Loaded here because the other commands need none of it.
    from labeling.core.conversations import as_text, conversations  # noqa: PLC0415
    from labeling.core.excerpts import NoReport  # noqa: PLC0415
    from labeling.core.previews import preview  # noqa: PLC0415

    schema, labeler = _schema_called(options.schema), labeler_called(options.labeler)
    report = ReportText(Path(options.report).name, _read_text(options.report))
    try:
        cell, config = schema.cell_of(options.cell), labeler.configure(options.config, schema)
        found = asyncio.run(preview(report, labeler=labeler, schema=schema, config=config, cell=cell))
    except (KeyError, OptionError) as error:
        raise _CommandError(str(error.args[0]), _USAGE) from error
    except NoReport as error:
        raise _CommandError(str(error)) from error
    sys.stdout.write(as_text(conversations(found.calls)))
    return _OK


def _evaluate(options: argparse.Namespace) -> int:
    from labeling.evaluate_command import evaluate  # noqa: PLC0415 - loads NumPy

    return _written(lambda: evaluate(options, _schema_called(options.schema)))


def _agreement(options: argparse.Namespace) -> int:
    from labeling.agreement_command import agree  # noqa: PLC0415 - loads NumPy

    return _written(lambda: agree(options, _schema_called(options.schema)))


def _calibrate(options: argparse.Namespace) -> int:
    from labeling.calibrate_command import calibrate  # noqa: PLC0415 - loads NumPy

    return _written(lambda: calibrate(options))


def _written(write: Callable[[], None]) -> int:
    from labeling.evaluation_files import EvaluationRefused  # noqa: PLC0415 - loads NumPy

    try:
        write()
    except EvaluationRefused as error:
        raise _CommandError(str(error)) from error
    return _OK


def _check_label_options(options: argparse.Namespace) -> None:
    """Refuse options that the labeler does not look at, and fill in defaults."""
    for_models = ("backend", "url", "model", "device", "api_key_file", "concurrency", "calls", "resume", "config")
    of_others = for_models if options.labeler == "rules" else ("workers",)
    for name in of_others:
        if getattr(options, name):
            raise _CommandError(f"--{name.replace('_', '-')} is not for the labeler {options.labeler}", _USAGE)
    options.workers = options.workers or 1
    options.backend = options.backend or BACKENDS[0]
    options.concurrency = options.concurrency or _CONCURRENCY
    options.config = options.config or []


def _list_problems(outcome: "Outcome", *, quiet: bool) -> None:
    """Rows that were refused, reports that failed, and a last line that counts them."""
    if not quiet:
        lines = [f"{problem.code}: {problem}" for problem in outcome.problems]
        lines += [f"{failed.kind}: report {failed.report_id!r}: {failed.message}" for failed in outcome.failures]
        for line in lines[:_LISTED_PROBLEMS]:
            print(line, file=sys.stderr)
        if len(lines) > _LISTED_PROBLEMS:
            print(f"... and {len(lines) - _LISTED_PROBLEMS:,} more", file=sys.stderr)
    by_code = Counter(str(problem.code) for problem in outcome.problems)
    by_code.update(failed.kind for failed in outcome.failures)
    refused = "".join(f", {count:,} {code}" for code, count in sorted(by_code.items()))
    if refused or not quiet:
        print(f"{outcome.labelled:,} reports labelled{refused}", file=sys.stderr)
