"""Run every benchmark but `benchmarks.web`, one after the other: `make bench`."""

import subprocess
import sys
import time

COMMANDS = (
    ("benchmarks.rules_speed", "--reports", "2000"),
    ("benchmarks.rules_accuracy", "tests/golden/abdomen_reports_a.jsonl"),
    ("benchmarks.rules_accuracy", "tests/golden/abdomen_reports_b.jsonl"),
    ("benchmarks.rules_accuracy", "tests/golden/abdomen_reports_c.jsonl"),
    ("benchmarks.rules_accuracy", "tests/golden/abdomen_reports_d.jsonl"),
    ("benchmarks.rules_spine_accuracy", "both"),
    ("benchmarks.import_core",),
    ("benchmarks.import_web",),
    ("benchmarks.reading",),
)


def main() -> int:
    """Run them all, even when one fails; the exit status says whether all ended well."""
    failed = 0
    for module, *arguments in COMMANDS:
        print(f"\n== python -m {module} {' '.join(arguments)}", flush=True)
        started = time.monotonic()
        failed |= subprocess.call([sys.executable, "-m", module, *arguments])
        print(f"({time.monotonic() - started:.0f} s)", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
