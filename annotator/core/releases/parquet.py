"""Gold as Parquet: the long table, and a folder that `datasets.load_dataset` of Hugging Face reads.

pyarrow is imported only where it is used: the web process never loads it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.releases.csv_tables import LONG_COLUMNS
from annotator.core.releases.records import Contents, ReleasedCase
from labeling.core.schema import Schema
from labeling.core.values import STATE_OF_CODE, URGENCY_LEVELS, Value

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.uint8]
_VALUES: Final = [str(value) for value in Value]
# Position in `_VALUES` by code; -1 is undecided.
_INDEX_OF_CODE: Final = np.full(128, -1, np.int32)
for _code, _state in STATE_OF_CODE.items():
    if isinstance(_state, Value):
        _INDEX_OF_CODE[ord(_code)] = _VALUES.index(str(_state))
_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def _codes(cases: Sequence[ReleasedCase], vector: Callable[[ReleasedCase], str]) -> Codes:
    """One character code per case and cell, `(cases, cells)`."""
    joined = "".join(vector(case) for case in cases).encode("ascii")
    return np.frombuffer(joined, np.uint8).reshape(len(cases), -1)


def _chosen(indexes: NDArray[np.int32], names: Sequence[str]) -> "pa.Array":
    """Names by index; -1 is missing."""
    import pyarrow as pa

    found = pa.array(indexes.ravel(), mask=indexes.ravel() < 0)
    return pa.DictionaryArray.from_arrays(found, pa.array(names, pa.string()))


def _urgencies(codes: Codes) -> "pa.Array":
    """Urgencies 0 to 3; what is none of them is missing."""
    import pyarrow as pa

    numbers = codes.ravel().astype(np.int16) - ord("0")
    is_none = (numbers < min(URGENCY_LEVELS)) | (numbers > max(URGENCY_LEVELS))
    return pa.array(np.where(is_none, 0, numbers).astype(np.int8), mask=is_none)


def _counts(codes: Codes) -> "pa.Array":
    import pyarrow as pa

    return pa.array((codes.ravel() - ord("0")).astype(np.int8))


def _evidence(contents: Contents) -> "pa.Array":
    """A list of `{start, end}` per case and cell."""
    import pyarrow as pa

    index_of_key = {str(cell): index for index, cell in enumerate(contents.schema.cells)}
    counts = np.zeros((len(contents.cases), len(index_of_key)), np.int32)
    pairs_in_order: list[Sequence[int]] = []
    for row, case in enumerate(contents.cases):
        for index, spans in sorted((index_of_key[key], spans) for key, spans in case.evidence.items()):
            counts[row, index] = len(spans)
            pairs_in_order += spans
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    flat = np.array(pairs_in_order, np.int32).reshape(-1, 2)
    pairs = pa.StructArray.from_arrays([pa.array(flat[:, 0]), pa.array(flat[:, 1])], names=["start", "end"])
    return pa.ListArray.from_arrays(pa.array(offsets), pairs)


def _per_case(names: Sequence[str | None], n_cells: int) -> "pa.Array":
    """What is said once per case, repeated for each of its cells."""
    known = sorted({name for name in names if name is not None})
    place = {name: index for index, name in enumerate(known)}
    indexes = np.array([-1 if name is None else place[name] for name in names], np.int32)
    return _chosen(np.repeat(indexes, n_cells), known)


def write_long(contents: Contents, path: Path) -> None:
    """The long table: the columns of its CSV; an undecided value is null, evidence a list of `{start, end}`."""
    import pyarrow as pa

    cases, cells = contents.cases, contents.schema.cells
    n_cells = len(cells)
    origins = list(contents.origin_names)
    origin_of = np.full(128, -1, np.int32)
    for index, code in enumerate(origins):
        origin_of[ord(code)] = index
    targets, findings = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    columns = {
        "report_id": _per_case([case.key for case in cases], n_cells),
        "target": _chosen(np.tile(_places([cell.target for cell in cells], targets), len(cases)), targets),
        "finding": _chosen(np.tile(_places([cell.finding for cell in cells], findings), len(cases)), findings),
        "value": _chosen(_INDEX_OF_CODE[_codes(cases, lambda case: case.values)], _VALUES),
        "urgency": _urgencies(_codes(cases, lambda case: case.urgencies)),
        "evidence": _evidence(contents),
        "split": _per_case([case.split for case in cases], n_cells),
        "patient_key": _per_case([case.patient_key for case in cases], n_cells),
        "origin": _chosen(
            origin_of[_codes(cases, lambda case: case.origins)], [contents.origin_names[code] for code in origins]
        ),
        "n_voices": _counts(_codes(cases, lambda case: case.n_voices)),
        "n_agreeing": _counts(_codes(cases, lambda case: case.n_agreeing)),
    }
    _write(pa.table({name: columns[name] for name in LONG_COLUMNS}), path)


def _places(names: Sequence[str], known: Sequence[str]) -> NDArray[np.int32]:
    return np.array([known.index(name) for name in names], np.int32)


def write_datasets(contents: Contents, folder: Path) -> None:
    """A row per report: its id, patient, text where texts are released, a column per cell and one per urgency."""
    (folder / "data").mkdir(parents=True)
    for split in contents.splits:
        cases = tuple(case for case in contents.cases if case.split == split)
        _write(_reports_table(contents, cases), folder / "data" / f"{split}.parquet")
    (folder / "README.md").write_text("".join(_readme(contents)), encoding="utf-8", newline="")


def _reports_table(contents: Contents, cases: tuple[ReleasedCase, ...]) -> "pa.Table":
    import pyarrow as pa

    schema = contents.schema
    columns: dict[str, Any] = {
        "report_id": pa.array([case.key for case in cases], pa.string()),
        "patient_key": pa.array([case.patient_key for case in cases], pa.string()),
        "text_sha256": pa.array([case.text_sha256 for case in cases], pa.string()),
        "probability": pa.array([case.probability for case in cases], pa.float64()),
    }
    if contents.has_texts:
        columns["text"] = pa.array([case.text for case in cases], pa.string())
    values = _INDEX_OF_CODE[_codes(cases, lambda case: case.values)]
    urgencies = _codes(cases, lambda case: case.urgencies)
    for index, cell in enumerate(schema.cells):
        columns[str(cell)] = _chosen(values[:, index], _VALUES).cast(pa.string())
    for index, cell in enumerate(schema.cells):
        if schema.has_urgency(cell.finding):
            columns[f"{cell}|urgency"] = _urgencies(urgencies[:, index])
    return pa.table(columns)


def _write(table: "pa.Table", path: Path) -> None:
    """The same table gives the same bytes: there is no time in the file."""
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", row_group_size=1_000_000, store_schema=True)


def _readme(contents: Contents) -> Iterator[str]:
    yield "---\nlicense: other\nlanguage: [und]\ntask_categories: [text-classification]\n"
    yield f"tags: [radiology, gold]\nsize_categories: [{_size(len(contents.cases))}]\n"
    yield "configs:\n- config_name: default\n  data_files:\n"
    for split in contents.splits:
        yield f"  - split: {split}\n    path: data/{split}.parquet\n"
    yield f"---\n# Gold release {contents.name}\n\n{_columns_in_words(contents.schema, has_texts=contents.has_texts)}"


def _columns_in_words(schema: Schema, *, has_texts: bool) -> str:
    text = "`text` is the report. " if has_texts else "Report texts are not part of this release. "
    return (
        f"A row per report, labelled with schema {schema.name} version {schema.version}. {text}"
        f"A column `target|finding` says {', '.join(f'`{value}`' for value in _VALUES)}, or nothing where the cell is "
        "undecided; `target|finding|urgency` is 0 to 3. `probability` is that with which the case was drawn, nothing "
        "where no plan drew it. How each cell came about stands in the long table of the release, and what must be "
        "known before use in its data card.\n\n"
        "```python\nfrom datasets import load_dataset\n\ndata = load_dataset('path/to/huggingface')\n```\n"
    )


def _size(n_cases: int) -> str:
    return next((name for limit, name in _SIZES if n_cases < limit), "n>1M")
