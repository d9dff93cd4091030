"""Gold as JSON Lines, Label Studio, FHIR and Parquet, read back by who reads them."""

import gzip
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from annotator.core.releases.formats import FORMATS
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.records import ReleaseError
from labeling.core.schema import Cell
from labeling.core.tables import read_labels
from labeling.core.values import Missing, Value
from tests.annotator.core.releases.samples import CELLS, SCHEMA, SHA, TEXT, case, contents


@pytest.fixture
def write(tmp_path):
    def written(name, made):
        FORMATS[name].write(made, tmp_path)
        return tmp_path

    return written


def test_label_import_reads_json_lines_and_finds_undecided_cells_not_asked(write):
    folder = write("jsonl", contents())
    table = read_labels(folder / "gold.jsonl", schema=SCHEMA, filename="gold.jsonl")
    assert table.problems == ()
    first = table.reports[0]
    assert (first.report_id, first.rater, first.meta.text_sha256) == ("R1", "gold", SHA)
    liver = first.labels[Cell("liver", "focal")]
    assert (liver.state, liver.urgency, [tuple(span) for span in liver.evidence]) == (Value.PRESENT, 2, [(16, 26)])
    assert first.labels[Cell("spleen", "focal")].state is Missing.NOT_ASKED


def test_json_lines_give_back_the_cases(write):
    made = contents()
    assert tuple(read_gold(write("jsonl", made) / "gold.jsonl")) == made.cases


def test_line_that_is_none_of_a_release_is_named(tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"report_id": "R1"}\n', encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"gold\.jsonl, line 1"):
        list(read_gold(path))


def test_report_texts_are_written_only_where_they_are_released(write):
    folder = write("jsonl", contents(texts=True))
    line = json.loads((folder / "reports.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert line == {"report_id": "R1", "text": TEXT, "text_sha256": SHA}


def test_no_form_holds_words_of_a_report_where_texts_are_left_out(tmp_path):
    import pyarrow.parquet as pq

    for name in FORMATS:
        FORMATS[name].write(contents(), tmp_path)
    assert not (tmp_path / "reports.jsonl").exists()
    assert "text" not in pq.read_schema(tmp_path / "huggingface" / "data" / "train.parquet").names
    tasks = json.loads((tmp_path / "label-studio" / "tasks.json").read_text(encoding="utf-8"))
    assert [task["data"]["text"] for task in tasks] == ["", "", ""]


def test_label_import_reads_label_studio_tasks_with_their_evidence(write):
    path = write("label-studio", contents(case("R1"), texts=True)) / "label-studio" / "tasks.json"
    table = read_labels(path, schema=SCHEMA, filename="tasks.json", rater="gold")
    assert table.problems == ()
    labels = table.reports[0].labels
    liver = labels[Cell("liver", "focal")]
    assert (liver.state, liver.urgency, [tuple(span) for span in liver.evidence]) == (Value.PRESENT, 2, [(16, 26)])
    assert labels[Cell("spleen", "focal")].state is Missing.NOT_ASKED
    assert labels[Cell("spleen", "diffuse")].state is Value.NOT_MENTIONED


def test_label_import_reads_label_studio_tasks_without_texts(write):
    path = write("label-studio", contents()) / "label-studio" / "tasks.json"
    table = read_labels(path, schema=SCHEMA, filename="tasks.json", rater="gold")
    assert table.problems == ()
    assert [report.report_id for report in table.reports] == ["R1", "=cmd|'/c calc'!A1", "R3"]


def test_label_studio_configuration_names_every_control_of_the_tasks(write):
    folder = write("label-studio", contents(texts=True)) / "label-studio"
    config = ElementTree.fromstring((folder / "config.xml").read_text(encoding="utf-8"))  # noqa: S314
    controls = {each.get("name") for each in config.iter() if each.get("toName")}
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    used = {result["from_name"] for task in tasks for result in task["annotations"][0]["result"]}
    assert used <= controls


def resources(path):
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def test_fhir_reports_refer_to_observations_that_are_there(write):
    folder = write("fhir", contents()) / "fhir"
    reports = resources(folder / "DiagnosticReport.ndjson.gz")
    observations = resources(folder / "Observation.ndjson.gz")
    wanted = [result["reference"] for report in reports for result in report["result"]]
    assert wanted == [f"Observation/{each['id']}" for each in observations]
    assert len(set(wanted)) == len(wanted) == 3 * 2
    assert [report["status"] for report in reports] == ["preliminary", "final", "final"]


def test_fhir_components_use_codes_of_their_own_systems_and_say_what_is_undecided(write):
    folder = write("fhir", contents()) / "fhir"
    lines = (folder / "CodeSystem.ndjson").read_text(encoding="utf-8").splitlines()
    concepts = {system["url"]: {each["code"] for each in system["concept"]} for system in map(json.loads, lines)}
    liver, spleen = resources(folder / "Observation.ndjson.gz")[:2]
    coded = [component["code"] for each in (liver, spleen) for component in each["component"]]
    for concept in [liver["code"], spleen["code"], liver["component"][0]["valueCodeableConcept"], *coded]:
        (coding,) = concept["coding"]
        assert coding["code"] in concepts[coding["system"]]
    focal = liver["component"][0]
    assert focal["valueCodeableConcept"]["coding"][0]["code"] == "present"
    assert focal["extension"][0]["valueInteger"] == 2
    assert "valueCodeableConcept" not in spleen["component"][0]
    assert spleen["component"][0]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert (liver["status"], spleen["status"]) == ("final", "preliminary")


def test_parquet_holds_what_the_long_table_holds(write):
    import pyarrow.parquet as pq

    rows = pq.read_table(write("parquet", contents()) / "gold-long.parquet").to_pylist()
    assert len(rows) == 3 * len(CELLS)
    assert rows[0] == {
        "report_id": "R1",
        "target": "liver",
        "finding": "focal",
        "value": "present",
        "urgency": 2,
        "evidence": [{"start": 16, "end": 26}],
        "split": "train",
        "patient_key": "p1",
        "origin": "double blind",
        "n_voices": 2,
        "n_agreeing": 2,
    }
    assert (rows[2]["value"], rows[2]["urgency"], rows[2]["evidence"]) == (None, None, [])
    assert [row["value"] for row in rows[8:]] == ["possible", "ambiguous", "not_mentioned", "not_mentioned"]


LOAD = """
import json, sys
from datasets import load_dataset
data = load_dataset(sys.argv[1])
print(json.dumps({split: list(rows) for split, rows in data.items()}))
"""


@pytest.mark.slow
def test_hugging_face_datasets_load_the_folder_by_split(write, tmp_path):
    folder = write("huggingface", contents(texts=True)) / "huggingface"
    offline = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    command = [sys.executable, "-c", LOAD, str(folder)]
    result = subprocess.run(command, env=os.environ | offline, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    data = json.loads(result.stdout.splitlines()[-1])
    assert {split: [row["report_id"] for row in rows] for split, rows in data.items()} == {
        "train": ["R1", "=cmd|'/c calc'!A1"],
        "test": ["R3"],
    }
    first = data["train"][0]
    assert [first[key] for key in CELLS] == ["present", "absent", None, "not_mentioned"]
    assert (first["liver|focal|urgency"], first["spleen|focal|urgency"], first["text"]) == (2, None, TEXT)
