"""Gold as tasks of Label Studio, which docs/labels.md says how to read, and the labeling configuration they need."""

from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from annotator.core.releases.json_lines import dumped
from annotator.core.releases.records import UNDECIDED_CODE, Contents, ReleasedCase
from annotator.core.releases.texts import pieces_of_cells
from labeling.core.schema import Schema
from labeling.core.values import NO_URGENCY_CODE, STATE_OF_CODE, URGENCY_LEVELS, Value

_TEXT: Final = "text"
_EVIDENCE: Final = "evidence"
_URGENCY: Final = "urgency"


def task_lines(contents: Contents) -> Iterator[str]:
    """A JSON array with one task per line. Without report texts the text is empty and evidence is left out."""
    keys = [str(cell) for cell in contents.schema.cells]
    pieces = pieces_of_cells(len(keys), lambda index, value, urgency: ",".join(_choices(keys[index], value, urgency)))
    before = "["
    for number, case in enumerate(contents.cases, start=1):
        said = [
            made[value + urgency]
            for made, value, urgency in zip(pieces, case.values, case.urgencies, strict=True)
            if value != UNDECIDED_CODE
        ]
        said += [dumped(marked) for marked in _ranges(case, decided=_decided(case, keys))]
        data = dumped({"report_id": case.key, _TEXT: case.text or "", "split": case.split})
        yield f'{before}\n{{"id":{number},"data":{data},"annotations":[{{"id":{number},"result":[{",".join(said)}]}}]}}'
        before = ","
    yield "\n]\n"


def _choices(key: str, value: str, urgency: str) -> Iterator[str]:
    yield dumped(_choice(key, str(STATE_OF_CODE[value])))
    if urgency != NO_URGENCY_CODE:
        yield dumped(_choice(f"{key}|{_URGENCY}", urgency))


def _choice(name: str, chosen: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": _TEXT, "type": "choices", "value": {"choices": [chosen]}}


def _decided(case: ReleasedCase, keys: list[str]) -> set[str]:
    return {key for key, value in zip(keys, case.values, strict=True) if value != UNDECIDED_CODE}


def _ranges(case: ReleasedCase, *, decided: set[str]) -> Iterator[dict[str, Any]]:
    """Evidence as marked ranges, in code points; a range of two cells is one with two labels."""
    if case.text is None:
        return
    labels: dict[tuple[int, int], list[str]] = {}
    for key, spans in case.evidence.items():
        for start, end in spans:
            if key in decided and start < end:
                labels.setdefault((start, end), []).append(key)
    for number, ((start, end), names) in enumerate(sorted(labels.items()), start=1):
        value = {"start": start, "end": end, "text": case.text[start:end], "labels": names}
        yield {"id": f"e{number}", "from_name": _EVIDENCE, "to_name": _TEXT, "type": "labels", "value": value}


def config_xml(schema: Schema) -> str:
    """The labeling configuration: the text, a label per cell for evidence, choices of value and urgency per cell."""
    lines = ["<View>", f'  <Text name="{_TEXT}" value="${_TEXT}"/>', f'  <Labels name="{_EVIDENCE}" toName="{_TEXT}">']
    lines += [f"    <Label value={quoteattr(str(cell))}/>" for cell in schema.cells]
    lines.append("  </Labels>")
    for cell in schema.cells:
        lines.append(f"  <Header value={quoteattr(f'{cell.target}: {cell.finding}')}/>")
        lines += _choices_xml(str(cell), [str(value) for value in Value])
        if schema.has_urgency(cell.finding):
            lines += _choices_xml(f"{cell}|{_URGENCY}", [str(level) for level in URGENCY_LEVELS])
    return "\n".join([f"<!-- {escape(schema.title).replace('--', '- -')} -->", *lines, "</View>"]) + "\n"


def _choices_xml(name: str, choices: list[str]) -> list[str]:
    head = f'  <Choices name={quoteattr(name)} toName="{_TEXT}" choice="single" showInline="true">'
    return [head, *(f"    <Choice value={quoteattr(choice)}/>" for choice in choices), "  </Choices>"]
