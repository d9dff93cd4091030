"""Gold as FHIR R4 resources in NDJSON: a DiagnosticReport per case, an Observation per case and target.

Codes are those of the schema under URIs of its own. No codes of SNOMED CT or RadLex are used: the schema does not say
which they would be.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from annotator.core.releases.json_lines import dumped
from annotator.core.releases.records import UNDECIDED_CODE, Contents, ReleasedCase
from annotator.core.releases.texts import pieces_of_cells
from labeling.core.schema import Schema, Target
from labeling.core.values import NO_URGENCY_CODE, STATE_OF_CODE, Value

_DATA_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_VALUE_WORDS: Final = {
    Value.PRESENT: "The report says that the finding is there",
    Value.POSSIBLE: "The report says that the finding may be there",
    Value.ABSENT: "The report says that the finding is not there",
    Value.AMBIGUOUS: "The report can be read both ways",
    Value.NOT_MENTIONED: "The report does not speak of it",
}


def system(schema: Schema, what: str) -> str:
    """URI of a code system of this version of the schema."""
    return f"urn:overread:{quote(schema.name, safe='')}:{schema.version}:{what}"


def resource_id(name: str) -> str:
    """An id that FHIR allows, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:40]


def report_resources(contents: Contents) -> Iterator[str]:
    """A DiagnosticReport per case: preliminary while a cell is undecided."""
    schema = contents.schema
    code = {"coding": [{"system": system(schema, "schema"), "code": schema.name}], "text": schema.title}
    n_targets = len(_targets_of(schema))
    for case in contents.cases:
        name = resource_id(case.key)
        resource = {
            "resourceType": "DiagnosticReport",
            "id": name,
            "identifier": [{"system": system(schema, "case"), "value": case.key}],
            "status": "preliminary" if case.n_undecided else "final",
            "code": code,
            "subject": _subject(schema, case),
            "result": [{"reference": f"Observation/{name}-{number}"} for number in range(n_targets)],
        }
        yield dumped(resource) + "\n"


def observation_resources(contents: Contents) -> Iterator[str]:
    """An Observation per case and target, with a component per cell; an undecided cell says why it has no value."""
    schema = contents.schema
    places = [
        (dumped(_coded(system(schema, "target"), target.name, target.title)), _cells_of(schema, target))
        for target in _targets_of(schema)
    ]
    pieces = pieces_of_cells(
        len(schema.cells), lambda index, value, urgency: dumped(_component(schema, index, value + urgency))
    )
    for case in contents.cases:
        subject, name, has_open = dumped(_subject(schema, case)), resource_id(case.key), case.n_undecided > 0
        for number, (code, cells) in enumerate(places):
            components = ",".join([pieces[index][case.values[index] + case.urgencies[index]] for index in cells])
            is_open = has_open and any(case.values[index] == UNDECIDED_CODE for index in cells)
            yield (
                f'{{"resourceType":"Observation","id":"{name}-{number}",'
                f'"status":"{"preliminary" if is_open else "final"}",'
                f'"code":{code},"subject":{subject},"component":[{components}]}}\n'
            )


def code_systems(schema: Schema) -> Iterator[str]:
    """The code systems that the resources use."""
    targets = [{"code": target.name, "display": target.title} for target in schema.targets]
    findings = [
        {"code": finding.name, "display": finding.short_name, "definition": finding.long_definition}
        for finding in schema.findings
    ]
    values = [{"code": str(value), "definition": words} for value, words in _VALUE_WORDS.items()]
    codes = [{"code": schema.name, "display": schema.title}]
    for what, concepts in (("schema", codes), ("target", targets), ("finding", findings), ("value", values)):
        resource = {
            "resourceType": "CodeSystem",
            "id": resource_id(system(schema, what)),
            "url": system(schema, what),
            "version": str(schema.version),
            "status": "active",
            "content": "complete",
            "concept": concepts,
        }
        yield dumped(resource) + "\n"


def _targets_of(schema: Schema) -> list[Target]:
    named = {cell.target for cell in schema.cells}
    return [target for target in schema.targets if target.name in named]


def _cells_of(schema: Schema, target: Target) -> list[int]:
    return [index for index, cell in enumerate(schema.cells) if cell.target == target.name]


def _subject(schema: Schema, case: ReleasedCase) -> dict[str, Any]:
    """The patient by pseudonym; there is no Patient resource to refer to."""
    return {"identifier": {"system": system(schema, "patient"), "value": case.patient_key}}


def _coded(uri: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [{"system": uri, "code": code} | ({"display": display} if display else {})]}


def _component(schema: Schema, index: int, codes: str) -> dict[str, Any]:
    value, urgency = codes[0], codes[1]
    component: dict[str, Any] = {}
    if urgency != NO_URGENCY_CODE:
        component["extension"] = [{"url": system(schema, "urgency"), "valueInteger": int(urgency)}]
    component["code"] = _coded(system(schema, "finding"), schema.cells[index].finding)
    if value == UNDECIDED_CODE:
        component["dataAbsentReason"] = _coded(_DATA_ABSENT, "unknown")
    else:
        component["valueCodeableConcept"] = _coded(system(schema, "value"), str(STATE_OF_CODE[value]))
    return component
