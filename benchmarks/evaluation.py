"""Times of the evaluation: Table 1 as published, and the default table of 100,000 cases with 99 cells and 3 raters.

    python -m benchmarks.evaluation [--part published --part large] [--data FOLDER] [--cases 100000]

"work" is the command in a process that has loaded the library, "process" all of it from its start. The published script
took 3,376 s for Table 1 on two cores. Each part of "large" is a process of its own, whose peak memory is shown.
"""

import argparse
import contextlib
import io
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "leavs"
FILES: Final = ("amos_test_annotations.csv", "parsing_results_llm_test_amos.csv")
ROUNDS: Final = 5
PUBLISHED_SCRIPT_S: Final = 3376
BUDGETS: Final = {"work_s": 1.0, "process_s": 2.0, "table_s": 60.0, "memory_gib": 4.0}
TABLES: Final = ("labels", "labels bca", "urgency", "compared")
N_RESAMPLES: Final = 1000
N_RATERS: Final = 3


def show(what: str, figure: float, budget: str | None = None) -> None:
    """A line of the table of results."""
    unit = "GiB" if budget == "memory_gib" else "s"
    limit = "" if budget is None else f"   budget {BUDGETS[budget]:g} {unit}"
    missed = "" if budget is None or figure <= BUDGETS[budget] else "   MISSED"
    print(f"{what:<46} {figure:8.2f} {unit}{limit}{missed}", flush=True)


def published(options: argparse.Namespace) -> None:
    """Table 1 by the published protocol, 2,000 resamples, of the files that were published."""
    reference, labels = (str(options.data / name) for name in FILES)
    command = ["evaluate", "--schema", "abdomen-ct", "--reference", reference, "--labels", labels]
    command += ["--protocol", "published"]
    from labeling.cli import main

    def work() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            if main(command) != 0:
                raise RuntimeError("the command failed")

    work()  # loads what it needs
    process = [sys.executable, "-m", "labeling", *command]
    show("Table 1, work (median of 5)", _median(work), "work_s")
    whole = _median(lambda: subprocess.run(process, check=True, stdout=subprocess.DEVNULL))
    show("Table 1, process (median of 5)", whole, "process_s")
    print(f"{'':<46} {PUBLISHED_SCRIPT_S / whole:8,.0f} times as fast as the published script")


def _median(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def large(options: argparse.Namespace) -> None:
    """Default tables of generated labels, patients drawn as wholes."""
    for table in TABLES:
        command = [sys.executable, "-m", "benchmarks.evaluation", "--child", table, "--cases", str(options.cases)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        what = f"{options.cases:,} cases, {table}: {found['rows']} rows"
        show(what, found["table_s"], "table_s")
        show("  peak memory of the process", found["memory_gib"], "memory_gib")


def make_table(table: str, n_cases: int) -> dict[str, float]:
    """Make one table of generated labels; what a measured process does."""
    import numpy as np

    from labeling.core.evaluation import paired, sound
    from labeling.core.evaluation.clusters import BCA, PERCENTILE

    rng = np.random.default_rng(0)
    truth = rng.random((n_cases, 99), np.float32) < 0.08
    reference, labeler = (_ratings(truth, n_raters, rng) for n_raters in (N_RATERS, 1))
    # Patients with 1.7 cases on average, as in a hospital's archive.
    patients = np.unique(rng.integers(3 * n_cases // 5, size=n_cases), return_inverse=True)[1]
    clusters = sound.Clusters(patients, N_RESAMPLES, 0, BCA if table.endswith(BCA) else PERCENTILE)
    started = time.perf_counter()
    rows: list[Any]
    if table == "urgency":
        rows = list(sound.urgency_rows(reference, labeler, clusters))
    elif table == "compared":
        human = reference.of_rater(reference.raters[0])
        others = sound.majority(reference, without=0)
        rows = list(paired.compared(others, human, labeler, clusters))
    else:
        rows = list(sound.presence_rows(reference, labeler, sound.majority(reference), clusters))
    table_s = time.perf_counter() - started
    memory_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"rows": len(rows), "table_s": table_s, "memory_gib": memory_gib}


def _ratings(truth: Any, n_raters: int, rng: Any) -> Any:
    """Raters who are wrong in 5 % of cells and cannot be read in 1 %, with an urgency where they say positive."""
    import numpy as np

    from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
    from labeling.core.schema_yaml import load_preset
    from labeling.core.values import Missing, Value

    present, absent, unreadable = (RANK_OF_STATE[each] for each in (Value.PRESENT, Value.ABSENT, Missing.UNREADABLE))
    shape = (n_raters, *truth.shape)
    ranks, urgencies = np.empty(shape, np.int8), np.full(shape, NO_URGENCY, np.int8)
    for rater in range(n_raters):
        positive = truth ^ (rng.random(truth.shape, np.float32) < 0.05)
        ranks[rater] = np.where(positive, present, absent)
        urgencies[rater][positive] = rng.integers(4, size=int(positive.sum()), dtype=np.int8)
        ranks[rater][rng.random(truth.shape, np.float32) < 0.01] = unreadable
    case_ids = tuple(map(str, range(len(truth))))
    names = tuple(map(str, range(n_raters)))
    cells = load_preset("abdomen-ct").cells
    return Ratings(names, case_ids, cells, ranks, urgencies, np.ones(shape[:2], bool))


PARTS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {"published": published, "large": large}


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", action="append", choices=PARTS, help="default: all")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="the files published with LEAVS")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--child", choices=TABLES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(make_table(options.child, options.cases)))
        return
    for part in options.part or PARTS:
        PARTS[part](options)


if __name__ == "__main__":
    main()
