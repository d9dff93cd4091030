"""Time and memory that reading 10,000 generated reports takes, in each format.

Each format is read in a process of its own, so that the peak of one does not hide that of the next. DESIGN 8 allows
15 s for a whole import from CSV; reading is to be a small part of it, and memory must not grow with the file.

    python -m benchmarks.import_core [--reports 10000]
"""

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from labeling.core.intake import read_reports

SENTENCES: Final = (
    "The liver is normal in size with a 1.2 cm cyst in segment IV.",
    "No focal lesion of the spleen.",
    "Status post cholecystectomy, no dilatation of the bile ducts.",
    "Both kidneys enhance symmetrically, without hydronephrosis.",
    'The pancreas is "atrophic", compatible with age.',
    "Mild thickening of the wall of the sigmoid colon, 3 mm, of uncertain cause.",
)
COLUMNS: Final = ("report_id", "patient_id", "report")


class Cost(NamedTuple):
    """What reading one file took. `peak_mib` is above what the process held before."""

    reports: int
    seconds: float
    cpu_seconds: float
    peak_mib: float


def generated_rows(n_reports: int) -> Iterator[tuple[str, str, str]]:
    """Id, patient and text of about 1,500 characters; the same for every run."""
    rng = random.Random(20250317)
    for number in range(n_reports):
        text = "FINDINGS:\n" + "\n".join(rng.choice(SENTENCES) for _ in range(28))
        yield f"R{number:06}", f"P{number // 2:05}", text


def write_csv(path: Path, rows: Iterator[tuple[str, str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def write_jsonl(path: Path, rows: Iterator[tuple[str, str, str]]) -> None:
    path.write_text("".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows))


def write_json(path: Path, rows: Iterator[tuple[str, str, str]]) -> None:
    path.write_text(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]))


def write_xlsx(path: Path, rows: Iterator[tuple[str, str, str]]) -> None:
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in (COLUMNS, *rows):
        sheet.append(row)
    workbook.save(path)


def write_zip(path: Path, rows: Iterator[tuple[str, str, str]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for report_id, patient_id, text in rows:
            archive.writestr(f"{patient_id}/{report_id}.txt", text)


WRITERS: Final[dict[str, Callable[[Path, Iterator[tuple[str, str, str]]], None]]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "json": write_json,
    "xlsx": write_xlsx,
    "zip": write_zip,
}


def peak_kib() -> int:
    """Most memory that this process held (Linux). What `getrusage` says would include the process it came from."""
    return int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[0])


def cost_of_reading(path: Path) -> Cost:
    """Read `path` in this process."""
    before_kib, start_s, start_cpu_s = peak_kib(), time.perf_counter(), time.process_time()
    reports = sum(1 for _ in read_reports(path, filename=path.name))
    seconds, cpu_seconds = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    return Cost(reports, seconds, cpu_seconds, (peak_kib() - before_kib) / 1024)


def measured_apart(path: Path) -> Cost:
    """`cost_of_reading` in a new process."""
    command = [sys.executable, "-m", "benchmarks.import_core", "--read", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(*json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of reading generated reports.")
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(cost_of_reading(options.read)))
        return
    print(f"{'format':8}{'reports':>9}{'file MiB':>10}{'seconds':>9}{'CPU s':>7}{'peak MiB above start':>22}")
    with tempfile.TemporaryDirectory() as folder:
        for suffix, write in WRITERS.items():
            path = Path(folder, f"reports.{suffix}")
            write(path, generated_rows(options.reports))
            cost = measured_apart(path)
            size = path.stat().st_size / 1024**2
            print(
                f"{suffix:8}{cost.reports:9,}{size:10.1f}{cost.seconds:9.2f}{cost.cpu_seconds:7.2f}{cost.peak_mib:22.1f}"
            )


if __name__ == "__main__":
    main()
