"""The forms in which a release is written, what each leaves out, and how each is made."""

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from annotator.core.releases import fhir, label_studio, parquet
from annotator.core.releases.csv_tables import long_lines, wide_lines
from annotator.core.releases.json_lines import gold_lines, report_lines
from annotator.core.releases.records import Contents
from annotator.core.releases.texts import joined, write_text

GOLD_FILE: Final = "gold.jsonl"
SCHEMA_FILE: Final = "schema.yaml"
LONG_FILE: Final = "gold-long.csv"
# Said in the data card.
NOT_WRITTEN: Final = (
    "There are no DICOM structured reports: they describe images by references to them, and a release says what "
    "reports say. The FHIR resources carry the same.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One form: its title, files, what it leaves out, and how it is written into a folder."""

    title: str
    files: tuple[str, ...]
    leaves_out: str
    write: Callable[[Contents, Path], None]


def _write_gold(contents: Contents, folder: Path) -> None:
    write_text(folder / GOLD_FILE, gold_lines(contents))
    write_text(folder / SCHEMA_FILE, [contents.schema_source])
    if contents.has_texts:
        write_text(folder / "reports.jsonl", report_lines(contents))


def _write_studio(contents: Contents, folder: Path) -> None:
    write_text(folder / "label-studio" / "tasks.json", label_studio.task_lines(contents))
    write_text(folder / "label-studio" / "config.xml", [label_studio.config_xml(contents.schema)])


def _write_fhir(contents: Contents, folder: Path) -> None:
    write_text(folder / "fhir" / "CodeSystem.ndjson", fhir.code_systems(contents.schema))
    _write_gzip(folder / "fhir" / "DiagnosticReport.ndjson.gz", fhir.report_resources(contents))
    _write_gzip(folder / "fhir" / "Observation.ndjson.gz", fhir.observation_resources(contents))


def _write_gzip(path: Path, pieces: Iterable[str]) -> None:
    """The same pieces give the same bytes: name and time are left out of the header."""
    with path.open("xb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as stream:
        for block in joined(pieces):
            stream.write(block.encode())


FORMATS: Final[dict[str, Format]] = {
    "jsonl": Format(
        title="JSON Lines: a line per case with all that is known; label imports read it",
        files=(GOLD_FILE, SCHEMA_FILE),
        leaves_out="nothing",
        write=_write_gold,
    ),
    "csv": Format(
        title="long table: a line per case and cell, safe to open in a spreadsheet",
        files=(LONG_FILE,),
        leaves_out="report texts",
        write=lambda contents, folder: write_text(folder / LONG_FILE, long_lines(contents)),
    ),
    "parquet": Format(
        title="the long table as Parquet",
        files=("gold-long.parquet",),
        leaves_out="report texts",
        write=lambda contents, folder: parquet.write_long(contents, folder / "gold-long.parquet"),
    ),
    "leavs-wide": Format(
        title="wide table of the LEAVS readers: 1 is positive, 0 is not, empty is undecided",
        files=("leavs-wide.csv",),
        leaves_out="which finding of a merged column it was, certainty, evidence, origin, split, report texts",
        write=lambda contents, folder: write_text(folder / "leavs-wide.csv", wide_lines(contents)),
    ),
    "huggingface": Format(
        title="folder that datasets.load_dataset of Hugging Face reads: a row per report, a file per split",
        files=("huggingface/",),
        leaves_out="evidence, origin",
        write=lambda contents, folder: parquet.write_datasets(contents, folder / "huggingface"),
    ),
    "label-studio": Format(
        title="Label Studio: tasks and labeling configuration",
        files=("label-studio/tasks.json", "label-studio/config.xml"),
        leaves_out="origin, patient; evidence too where report texts are left out",
        write=_write_studio,
    ),
    "fhir": Format(
        title="FHIR R4 resources as NDJSON: a DiagnosticReport per case, an Observation per case and target",
        files=("fhir/CodeSystem.ndjson", "fhir/DiagnosticReport.ndjson.gz", "fhir/Observation.ndjson.gz"),
        leaves_out="evidence, origin, split, report texts; its codes are the schema's own",
        write=_write_fhir,
    ),
}
# Written whatever is chosen: comparing releases reads it.
ALWAYS: Final = "jsonl"
