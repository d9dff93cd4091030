"""The commands features, train, evaluate and predict: image classifiers from files, without a server."""

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from labeling.core.intake import IntakeError
from labeling.core.schema import Schema
from labeling.core.schema_yaml import SchemaError, load_preset, parse_schema, preset_names
from labeling.core.tables import TableError, read_labels
from vision.core.features.cases import read_cases
from vision.core.features.extraction import Extractor, extract
from vision.core.features.extractors import default_extractor
from vision.core.features.table import FeatureTable, load_features
from vision.core.files import write_whole
from vision.core.learning.models import Model, load_model
from vision.core.learning.outcomes import Outcome, Truths, outcomes_of, truths_of
from vision.core.learning.scoring import COLUMNS, Scored, evaluate, over_seeds
from vision.core.learning.splits import PARTS, TEST, parts_of, split_by_patient
from vision.core.learning.training import KINDS, TrainingOptions, train
from vision.core.mask_classes import built_in_classes, read_class_table
from vision.core.refusals import ImageRefused
from vision.core.regions import regions_of

_OK, _FAILED, _SOME_REFUSED = 0, 1, 3
_TABLES: Final = ("total", "total_mr", "vertebrae_mr")
_OVER_SEEDS: Final = ("target", "finding", "figure", "n_seeds", "mean", "low", "high", "standard_deviation")
_PREDICTION: Final = ("case_id", "target", "finding", "seed", "score", "threshold", "is_present")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the four commands to those of `python -m vision`."""
    _add_features(commands.add_parser("features", help="measure the organs or discs of images"))
    _add_train(commands.add_parser("train", help="train classifiers on features and labels"))
    _add_evaluate(commands.add_parser("evaluate", help="score trained classifiers, with intervals"))
    _add_predict(commands.add_parser("predict", help="say what trained classifiers see"))


def _add_features(parser: argparse.ArgumentParser) -> None:
    parser.description = "Measure each target of a schema that has mask classes. Cases that are refused are listed."
    parser.add_argument("--cases", required=True, type=Path, metavar="CSV", help="case_id, patient_key, image, mask")
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--out", required=True, type=Path, metavar="NPZ", help="features; a manifest comes beside them")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep what was measured, by content")
    parser.add_argument("--spacing-mm", type=_length, default=2.0, metavar="MM", help="voxels of organs; 2.0")
    parser.add_argument(
        "--classes", default="total", metavar="TABLE|FILE", help=f"of masks without names: {', '.join(_TABLES)}, a file"
    )
    _run(parser, _features)


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="a folder for each seed comes in it")
    parser.add_argument("--findings", nargs="+", default=[], metavar="NAME", help="findings or groups; default: all")
    parser.add_argument("--kind", choices=KINDS, default="svm", help="default: %(default)s; head needs torch")
    parser.add_argument("--shared", action="store_true", help="one machine for a finding in all targets (discs)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="of split and training; 0")
    parser.add_argument("--device", default="cpu", help="of torch; default: %(default)s")
    _run(parser, _train)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="what train wrote")
    parser.add_argument("--out", required=True, type=Path, metavar="CSV", help="figures; over seeds beside them")
    parser.add_argument("--part", choices=[*PARTS, "all"], default=TEST, help="default: %(default)s")
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="default: %(default)s")
    _run(parser, _evaluate)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--features", required=True, type=Path, metavar="NPZ")
    parser.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="what train wrote")
    parser.add_argument("--out", required=True, type=Path, metavar="CSV")
    _run(parser, _predict)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--features", required=True, type=Path, metavar="NPZ")
    parser.add_argument("--labels", required=True, metavar="FILE", help="of the same ids as the cases; any label table")
    parser.add_argument("--schema", required=True, metavar="NAME|FILE", help="a preset, or a YAML file")
    parser.add_argument("--cases", type=Path, metavar="CSV", help="its column part is the split; default: by seed")


def _run(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]) -> None:
    def run(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except (ImageRefused, IntakeError, SchemaError, TableError) as error:
            _say(f"vision: {error}")
            return _FAILED
        except ImportError as error:
            _say(f"vision: {error.name} is not installed; docs/training.md says what to install")
            return _FAILED

    parser.set_defaults(run=run)


def _features(options: argparse.Namespace) -> int:
    schema = _schema(options.schema)
    cases, _ = read_cases(options.cases)
    regions = regions_of(schema)
    if not regions:
        raise ImageRefused(f"no target of {schema.name} names mask classes, expected one", code="no_regions")
    extractor: Extractor = default_extractor(regions, modality=schema.modality, spacing_mm=options.spacing_mm)
    named = options.classes
    classes = built_in_classes(named) if named in _TABLES else read_class_table(Path(named))
    table, failures = extract(cases, regions, extractor, cache=options.cache, classes=classes)
    for failure in failures:
        _say(f"vision: case {failure.case_id}: {failure.message}")
    table.save(options.out)
    n_before = table.manifest["n_from_cache"]
    _say(f"{len(table.case_ids)} cases measured, {n_before} of them before; {len(failures)} refused")
    return _SOME_REFUSED if failures else _OK


def _train(options: argparse.Namespace) -> int:
    schema = _schema(options.schema)
    table = load_features(options.features)
    truths = _truths(options, table, outcomes_of(schema, options.findings), schema)
    for seed in options.seeds:
        parts = _parts(options.cases, table, seed)
        settings = TrainingOptions(kind=options.kind, shared=options.shared, seed=seed, device=options.device)
        model = train(table, truths, parts, options=settings)
        model.save(options.out / f"seed-{seed}")
        left_out = len(model.manifest["left_out"])
        _say(f"seed {seed}: {len(model.outcomes)} outcomes learned, {left_out} left out: too few cases of either truth")
    return _OK


def _evaluate(options: argparse.Namespace) -> int:
    schema = _schema(options.schema)
    table = load_features(options.features)
    scored: list[Scored] = []
    for seed, model in _models(options.model):
        truths = _truths(options, table, model.outcomes, schema)
        parts = _parts(options.cases, table, seed)
        used = np.array([options.part in (part, "all") for part in parts], bool)
        keys = [key for key, is_used in zip(table.patient_keys, used, strict=True) if is_used]
        of_part = Truths(truths.outcomes, truths.values[used])
        is_shared = bool(model.manifest["options"]["shared"])
        scored += evaluate(
            model.score(table)[used],
            model.thresholds,
            of_part,
            patient_keys=keys,
            seed=seed,
            n_resamples=options.resamples,
            pooled=table.regions if is_shared else (),
        )
    _write_csv(options.out, COLUMNS, (row for each in scored for row in each.rows()))
    spread = options.out.with_name(f"{options.out.stem}-over-seeds.csv")
    _write_csv(spread, _OVER_SEEDS, ((*each.outcome, *_plain(each)) for each in over_seeds(scored)))
    _say(f"{len(scored)} rows of figures in {options.out.name}, means over seeds in {spread.name}")
    return _OK


def _predict(options: argparse.Namespace) -> int:
    table = load_features(options.features)
    rows: list[tuple[Any, ...]] = []
    for seed, model in _models(options.model):
        scores = model.score(table)
        for case, outcome in np.ndindex(*scores.shape):
            score, threshold = float(scores[case, outcome]), float(model.thresholds[outcome])
            known = not np.isnan(score) and not np.isnan(threshold)
            said = (_or_empty(score), _or_empty(threshold), int(score > threshold) if known else "")
            rows.append((table.case_ids[case], *model.outcomes[outcome], seed, *said))
    _write_csv(options.out, _PREDICTION, rows)
    _say(f"{len(rows)} predictions in {options.out.name}")
    return _OK


def _length(text: str) -> float:
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if not 0.1 <= length <= 50:
        raise argparse.ArgumentTypeError(f"{text!r} is no length from 0.1 to 50 mm")
    return length


def _schema(name: str) -> Schema:
    if name in preset_names():
        return load_preset(name)
    if not Path(name).is_file():
        known = ", ".join(preset_names())
        raise ImageRefused(f"no schema {name!r}: presets are {known}; or give a YAML file", code="no_schema")
    return parse_schema(Path(name).read_text(encoding="utf-8"))


def _truths(options: argparse.Namespace, table: FeatureTable, outcomes: Sequence[Outcome], schema: Schema) -> Truths:
    """What the label file says. Raises `ImageRefused` where it holds none of the cases, or two raters of one."""
    read = read_labels(options.labels, schema=schema, filename=Path(options.labels).name)
    for problem in read.problems[:20]:
        _say(f"vision: labels: {problem}")
    labels = {}
    for report in read.reports:
        if report.report_id in labels:
            raise ImageRefused(f"{report.report_id} has labels of two raters, expected one", code="two_raters")
        labels[report.report_id] = report.labels
    if not any(case_id in labels for case_id in table.case_ids):
        raise ImageRefused("no case of the features has labels: are the ids the same?", code="no_labels")
    return truths_of(labels, table.case_ids, outcomes, schema=schema)


def _parts(cases: Path | None, table: FeatureTable, seed: int) -> tuple[str, ...]:
    if cases is None:
        return split_by_patient(table.patient_keys, seed=seed)
    return parts_of(table.case_ids, read_cases(cases)[1])


def _models(folder: Path) -> list[tuple[int, Model]]:
    found = [(int(path.name.removeprefix("seed-")), load_model(path)) for path in folder.glob("seed-*")]
    if not found:
        raise ImageRefused(f"{folder.name} holds no seed-0 and so on, expected what train wrote", code="no_model")
    return sorted(found, key=lambda each: each[0])


def _plain(each: Any) -> tuple[Any, ...]:
    values = (each.mean, each.low, each.high, each.standard_deviation)
    return (each.figure, each.n_seeds, *(_or_empty(value) for value in values))


def _or_empty(value: float) -> float | str:
    return "" if np.isnan(value) else value


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    write_whole(path, text.getvalue().encode())


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
