"""How even plans of assignment come out, and how long they take.

python -m benchmarks.assignment_plans
"""

import time
from dataclasses import dataclass
from typing import Final

from annotator.core.assignment import Overlap, PlanCase, PlanReader, PlanRequest, Repeats, make_plan, summarize

BUDGET_S: Final = 30.0
WIDTHS: Final = (32, 7, 7, 4, 16, 14, 14, 7)


@dataclass(frozen=True)
class Study:
    """A plan that is measured: what it is called, its size, and more of its request."""

    name: str
    n_cases: int
    n_readers: int
    n_each: int
    is_mixed: bool = False
    repeats: Repeats | None = None
    n_strata: int = 1


STUDIES: Final = (
    Study("study", 200, 5, 3),
    Study(
        "study, arms mixed, 10 % again",
        200,
        5,
        3,
        is_mixed=True,
        repeats=Repeats(share=0.1, after_days=28, after_cases=30),
    ),
    Study("study, 4 strata", 203, 6, 3, n_strata=4),
    Study("block design 2-(16, 3, 2)", 80, 16, 3),
    Study("many readers", 10_000, 16, 3, n_strata=4),
    Study("many cases", 100_000, 8, 2),
    Study("many cases, arms mixed", 100_000, 8, 2, is_mixed=True),
)


def request_of(study: Study) -> PlanRequest:
    """The request of a study, every second patient with two cases."""
    return PlanRequest(
        cases=tuple(
            PlanCase(key=f"case-{i}", patient=f"patient-{i * 2 // 3}", stratum=f"stratum {i % study.n_strata}")
            for i in range(study.n_cases)
        ),
        readers=tuple(PlanReader(key=f"reader-{i}") for i in range(study.n_readers)),
        overlap=(Overlap(study.n_each),),
        arms={"blank": 0.5, "prefilled": 0.5},
        mixes_arms=study.is_mixed,
        repeats=study.repeats,
        seed=1,
    )


def spread_of(counts: list[int]) -> str:
    """`60 to 60`."""
    return f"{min(counts):,} to {max(counts):,}"


def measured(study: Study) -> tuple[list[str], float]:
    """A line of the table, and the processor time of the plan in seconds."""
    request = request_of(study)
    started = time.process_time()
    plan = make_plan(request)
    seconds = time.process_time() - started
    summary = summarize(request, plan)
    arms = max(abs(row.arms["blank"] - row.arms["prefilled"]) for row in summary.arms)
    loads = spread_of([load.n_cases for load in summary.loads])
    size = [study.name, f"{study.n_cases:,}", str(study.n_readers), str(study.n_each)]
    return [*size, loads, spread_of(summary.pair_counts), str(arms), f"{seconds:.2f}"], seconds


def line_of(cells: list[str]) -> str:
    """The cells, each as wide as its column."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))


def main() -> None:
    """Measure and print."""
    print(line_of(["plan", "cases", "readers", "each", "cases a reader", "cases a pair", "arms differ by", "seconds"]))
    slowest = 0.0
    for study in STUDIES:
        cells, seconds = measured(study)
        print(line_of(cells), flush=True)
        slowest = max(slowest, seconds)
    if slowest > BUDGET_S:
        raise SystemExit(f"a plan took {slowest:.1f} s of processor time, at most {BUDGET_S:.0f} s are allowed")


if __name__ == "__main__":
    main()
