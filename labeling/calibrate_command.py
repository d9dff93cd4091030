"""The command `calibrate`: thresholds fitted on one file of scores and applied to another."""

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Final

from labeling.core.evaluation import calibration
from labeling.core.evaluation.rows import Row
from labeling.evaluation_files import EvaluationRefused, csv_rows, write_rows

# Figures of `calibrate` on screen, and what they are called there.
_OF_CONDITION: Final = {
    "balanced_accuracy": "balanced accuracy",
    "eer": "EER",
    "auroc": "AUROC",
    "f1": "F1",
    "threshold": "threshold",
}


def calibrate(options: argparse.Namespace) -> None:
    """Rows for each condition of the test file. Raises `EvaluationRefused`."""
    fitted, tested = (_scores(path) for path in (options.calibration, options.test))
    missing = sorted(set(tested) - set(fitted))
    if missing:
        raise EvaluationRefused(f"{options.calibration}: no scores of {missing[0]!r}, which {options.test} has")
    rows: list[Row] = []
    for condition, test in tested.items():
        n_leaked = calibration.n_leaked(fitted[condition], test)
        if n_leaked:
            sys.stderr.write(
                f"{condition}: {n_leaked} of {test.truth.size} test cases are of patients or reports of the "
                "calibration file; figures of cases that fitted the threshold are too good\n"
            )
        try:
            rows += calibration.rows(
                condition, fitted[condition], test, n_resamples=options.resamples, seed=options.seed
            )
        except ValueError as error:
            raise EvaluationRefused(str(error)) from error
    write_rows(rows, options, render_text=_by_condition)


def _scores(path: str) -> dict[str, calibration.Scored]:
    """The cases of each condition by report; a report without a patient is one of its own."""
    found: dict[str, dict[str, tuple[bool, float, str]]] = {}
    for number, row in enumerate(csv_rows(path, ("report_id", "finding", "truth", "score")), start=2):
        name = " ".join(part for part in (row.get("target") or "", row["finding"]) if part)
        if row["truth"] not in ("0", "1"):
            said = (row["truth"] or "")[:20]
            raise EvaluationRefused(f"{path}, line {number}: truth is {said!r}, expected is 0 or 1")
        try:
            score = float(row["score"])
        except (TypeError, ValueError) as error:
            raise EvaluationRefused(f"{path}, line {number}: score is no number") from error
        patient = f"patient {row['patient']}" if row.get("patient") else f"report {row['report_id']}"
        cases = found.setdefault(name, {})
        if row["report_id"] in cases:
            raise EvaluationRefused(f"{path}, line {number}: report {row['report_id']!r} stands twice for {name}")
        cases[row["report_id"]] = (row["truth"] == "1", score, patient)
    return {name: calibration.Scored.of(cases.values(), reports=cases) for name, cases in found.items()}


def _by_condition(rows: Sequence[Row]) -> str:
    """A line for each condition, with the columns of Tables 3 and 4 of Park et al. and the threshold."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.row, {})[row.metric] = row
    width = max(len(name) for name in ("condition", *found))
    titles = "".join(f"  {title:^24}" for title in _OF_CONDITION.values())
    lines = [f"{'condition':<{width}}  {'n':>6} {'n+':>6}{titles}".rstrip()]
    for name, of_metric in found.items():
        cells = "".join(f"  {_with_interval(of_metric[metric]):^24}" for metric in _OF_CONDITION)
        behind = of_metric["balanced_accuracy"]
        lines.append(f"{name:<{width}}  {behind.n:>6} {behind.n_positive:>6}{cells}".rstrip())
    return "\n".join(lines) + "\n"


def _with_interval(row: Row) -> str:
    value, low, high = ("-" if math.isnan(each) else f"{each:.3f}" for each in (row.value, row.low, row.high))
    return value if low == "-" else f"{value} ({low} to {high})"
