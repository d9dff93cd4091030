"""Reports per second that the `rules` labeler reads on one core, process start included.

A fresh process imports the labeler, builds the vocabulary and labels the reports of the gold files until `--reports`
are done; every round changes the digits in the text, so nothing is read twice.

    python -m benchmarks.rules_speed --reports 2000
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

GOLD: Final = (Path("tests/golden/abdomen_reports_a.jsonl"), Path("tests/golden/abdomen_reports_b.jsonl"))
BUDGET_PER_S: Final = 100.0
_CHILD: Final = "--child"


def other_digits(text: str, shift: int) -> str:
    """`text` with every digit moved on by `shift`."""
    return re.sub("[0-9]", lambda digit: str((int(digit.group()) + shift) % 10), text)


def label_all(n_reports: int) -> None:
    """Label `n_reports` reports; what the measured process does."""
    from labeling.core.rules import label_report  # the import is part of what is measured
    from labeling.core.schema_yaml import load_preset

    schema = load_preset("abdomen-ct")
    lines = [line for gold in GOLD for line in gold.read_text(encoding="utf-8").splitlines()]
    reports = [json.loads(line)["report"] for line in lines]
    for index in range(n_reports):
        label_report(other_digits(reports[index % len(reports)], index // len(reports)), schema)


def measure(n_reports: int) -> float:
    """Reports per second of a fresh process pinned to one core."""
    command = [sys.executable, "-m", "benchmarks.rules_speed", _CHILD, "--reports", str(n_reports)]
    started = time.perf_counter()
    with subprocess.Popen(command) as process:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        if process.wait() != 0:
            raise RuntimeError(f"the labeling process ended with {process.returncode}")
    return n_reports / (time.perf_counter() - started)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument(_CHILD, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        label_all(arguments.reports)
        return
    rate = measure(arguments.reports)
    print(f"rules: {rate:.0f} reports/s on one core, process start included ({rate / BUDGET_PER_S:.2f} of the budget)")


if __name__ == "__main__":
    main()
