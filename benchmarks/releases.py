"""Time and size of a release of 10,000 cases with 99 cells, format by format, and of checking and comparing it.

    python -m benchmarks.releases [--cases 10000] [--texts]

The whole of it is a folder with every format, data card, manifest and checksums, brought to the disk.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from annotator.core.releases.differences import compare
from annotator.core.releases.formats import FORMATS, GOLD_FILE
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.manifest import verify
from annotator.core.releases.records import About, Contents, ReleasedCase
from annotator.core.releases.splits import split_patients
from annotator.core.releases.writing import write_release
from labeling.core.schema_yaml import load_preset, preset_source

BUDGET_S: Final = 10.0
FRACTIONS: Final = {"train": 0.7, "validation": 0.1, "test": 0.2}
VALUES: Final = np.array(list("+?0~._"))
SHARES: Final = (0.06, 0.02, 0.4, 0.01, 0.5, 0.01)
TEXT: Final = "The liver is normal in size. There is a small cyst in the left lobe. No biliary dilatation. " * 12


def made_contents(n_cases: int, *, has_texts: bool) -> Contents:
    """Generated gold; positive cells have evidence, one in five patients has two cases."""
    schema = load_preset("abdomen-ct")
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(VALUES), p=SHARES, size=(n_cases, len(schema.cells)))
    urgencies = rng.choice(list("0123"), size=drawn.shape)
    cases = []
    for number in range(n_cases):
        values = "".join(VALUES[drawn[number]])
        cells = list(zip(schema.cells, values, urgencies[number], strict=True))
        evidence = {str(cell): [[29, 68]] for cell, value, _ in cells if value in "+?"}
        cases.append(
            ReleasedCase(
                key=f"CT-{number:06d}",
                patient_key=hashlib.sha256(str(number % max(1, n_cases * 5 // 6)).encode()).hexdigest()[:32],
                values=values,
                urgencies="".join(level if value in "+?" else "_" for _, value, level in cells),
                origins="".join("b" if value != "_" else "_" for value in values),
                n_voices="3" * len(values),
                n_agreeing="2" * len(values),
                evidence=evidence,
                text_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
                text=TEXT if has_texts else None,
                modality="CT",
            )
        )
    names = {"b": "double blind", "_": "undecided"}
    return Contents(
        name="bench",
        frozen_at="2026-01-01T00:00:00+00:00",
        schema=schema,
        schema_source=preset_source("abdomen-ct"),
        cases=tuple(cases),
        origin_names=names,
        about=About(project="bench"),
    )


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do it, show how long it took."""
    started = time.perf_counter()
    done = work()
    print(f"{what:<44} {time.perf_counter() - started:7.2f} s", flush=True)
    return done


def main() -> None:
    """Measure all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--texts", action="store_true")
    options = parser.parse_args()
    contents = made_contents(options.cases, has_texts=options.texts)
    splits = timed("splits by patient", lambda: split_patients(contents.cases, fractions=FRACTIONS, seed=1))
    contents = replace(contents, cases=tuple(replace(case, split=splits[case.patient_key]) for case in contents.cases))
    with tempfile.TemporaryDirectory() as scratch:
        measure(contents, Path(scratch))


def measure(contents: Contents, scratch: Path) -> None:
    """Each format alone, then the whole."""
    for name, form in FORMATS.items():
        folder = scratch / name
        folder.mkdir()
        timed(f"format {name}", lambda form=form, folder=folder: form.write(contents, folder))
    whole = scratch / "whole"
    started = time.perf_counter()
    manifest, digest = write_release(contents, whole, formats=tuple(FORMATS))
    seconds = time.perf_counter() - started
    n_bytes = sum(said["bytes"] for said in manifest["files"].values())
    missed = "" if seconds <= BUDGET_S else "   MISSED"
    n_cells = len(contents.cases) * len(contents.schema.cells)
    print(f"{'all formats, card, checksums':<44} {seconds:7.2f} s   budget {BUDGET_S:g} s{missed}")
    print(f"{'size':<44} {n_bytes / 1e6:7.1f} MB   {n_cells:,} cells in {len(manifest['files'])} files")
    for name, said in manifest["files"].items():
        print(f"  {name:<42} {said['bytes'] / 1e6:7.1f} MB")
    timed("verify every byte", lambda: verify(whole, manifest_sha256=digest))
    gold = whole / GOLD_FILE
    timed("difference of two releases", lambda: compare(read_gold(gold), read_gold(gold), schema=contents.schema))


if __name__ == "__main__":
    main()
