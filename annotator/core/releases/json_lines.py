"""Gold as JSON Lines that label imports read, and report texts as a file of their own."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from annotator.core.releases.csv_tables import GOLD_RATER
from annotator.core.releases.records import UNDECIDED_CODE, Contents, ReleasedCase, ReleaseError, Spans
from annotator.core.releases.texts import pieces_of_cells
from labeling.core.tables import jsonl
from labeling.core.values import NO_URGENCY_CODE, STATE_OF_CODE

KIND: Final = "gold"


def dumped(value: Any) -> str:
    """Compact JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def gold_lines(contents: Contents) -> Iterator[str]:
    """A line per case in the format of docs/labels.md; undecided cells are left out of `cells`.

    `extra` holds what that format has no place for: split, patient, and the vectors in schema order.
    """
    schema = contents.schema
    keys = [str(cell) for cell in schema.cells]
    pieces = pieces_of_cells(
        len(keys), lambda index, value, urgency: f"{dumped(keys[index])}:{{{_said(value, urgency)}"
    )
    named = dumped({"name": schema.name, "version": schema.version, "hash": schema.hash})
    for case in contents.cases:
        cells = ",".join(
            made[value + urgency] + (_evidence(case.evidence[key]) if key in case.evidence else "}")
            for key, made, value, urgency in zip(keys, pieces, case.values, case.urgencies, strict=True)
            if value != UNDECIDED_CODE
        )
        digest = f'"text_sha256":{dumped(case.text_sha256)},' if case.text_sha256 else ""
        yield (
            f'{{"format":{jsonl.FORMAT},"report_id":{dumped(case.key)},"rater":"{GOLD_RATER}","schema":{named},'
            f'{digest}"cells":{{{cells}}},"extra":{dumped(_extra(case))}}}\n'
        )


def _said(value: str, urgency: str) -> str:
    said = f'"value":"{STATE_OF_CODE[value]}"'
    return said if urgency == NO_URGENCY_CODE else f'{said},"urgency":{urgency}'


def _evidence(spans: Spans) -> str:
    if not spans:
        return "}"
    return ',"evidence":[' + ",".join(f'{{"start":{start},"end":{end}}}' for start, end in spans) + "]}"


def _extra(case: ReleasedCase) -> dict[str, Any]:
    return {
        "kind": KIND,
        "split": case.split,
        "patient_key": case.patient_key,
        "modality": case.modality,
        "stratum": case.stratum,
        "probability": case.probability,
        "values": case.values,
        "urgencies": case.urgencies,
        "origins": case.origins,
        "n_voices": case.n_voices,
        "n_agreeing": case.n_agreeing,
    }


def read_gold(path: Path) -> Iterator[ReleasedCase]:
    """The cases of a gold file of a release; raises `ReleaseError` at a line that is none."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield _case(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ReleaseError(f"{path.name}, line {number}: this is no line of a release") from error


def _case(entry: Mapping[str, Any]) -> ReleasedCase:
    extra = entry["extra"]
    evidence = {
        key: [[span["start"], span["end"]] for span in said["evidence"]]
        for key, said in entry["cells"].items()
        if "evidence" in said
    }
    vectors = {name: extra[name] for name in ("values", "urgencies", "origins", "n_voices", "n_agreeing")}
    return ReleasedCase(
        key=entry["report_id"],
        patient_key=extra["patient_key"],
        split=extra["split"],
        evidence=evidence,
        text_sha256=entry.get("text_sha256"),
        modality=extra["modality"],
        stratum=extra["stratum"],
        probability=extra["probability"],
        **vectors,
    )


def report_lines(contents: Contents) -> Iterator[str]:
    """The report texts, a line per case that has one."""
    for case in contents.cases:
        if case.text is not None:
            yield dumped({"report_id": case.key, "text": case.text, "text_sha256": case.text_sha256}) + "\n"
