"""What LEAVS published of 200 reports comes in as a run, is what readers start from, and goes out as it was."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotator.services.exports import Wanted, export
from annotator.services.projects import create_project
from annotator.services.reports import import_reports
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.models import MachineLabel, Run
from labeling.selectors import prefill_run
from tests.factories import UserFactory
from tests.shared_data import shared_data

pytestmark = pytest.mark.django_db

SCHEMA = load_preset("abdomen-ct")
# METHODS A.1
NAMES = {"1": "present", "-1": "possible", "0": "absent", "-2": "not_mentioned", "-3": "ambiguous"}
# Counted in the published file by awk, over the columns of lines with `labels` and of those with `urgency`.
VALUES = {"present": 1518, "possible": 30, "absent": 6943, "not_mentioned": 11038, "ambiguous": 271}
URGENCIES = {"0": 814, "1": 362, "2": 289, "3": 83, "": 18252}


@pytest.fixture(scope="module")
def published() -> Path:
    return shared_data("leavs/parsing_results_llm_test_amos.csv")


@pytest.fixture
def rows(published):
    with published.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ids_of(rows):
    """The ids, in order: what stands before the middle of the doubled one."""
    doubled = dict.fromkeys(row["subjectid_studyid"] for row in rows)
    return [pair[: len(pair) // 2] for pair in doubled]


@pytest.fixture
def project(rows, tmp_path):
    """A project with reports under the published ids, in the layout of AMOS-MM; the texts are invented."""
    entries = [
        {"image": key, "labels": {"report": {"findings": {"abdomen": f"Invented report {number}. Liver is normal."}}}}
        for number, key in enumerate(ids_of(rows), start=1)
    ]
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({"training": [], "validation": entries}))
    manager = UserFactory(username="manager")
    project = create_project(name="AMOS", slug="amos", schema_source=preset_source("abdomen-ct"), actor=manager)
    assert import_reports(project=project, source=path, file_name=path.name, actor=manager).created == 200
    return project


def exported(project, format_name):
    wanted = Wanted(what="machine", format_name=format_name)
    text = "".join(export(project=project, actor=None, wanted=wanted).chunks)
    return text, list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def run(project, published):
    """The published labels, chosen as pre-fill."""
    call_command(
        *("label", "amos", "--labeler=imported", f"--file={published}", "--rater=LEAVS Qwen2-72B"),
        *("--prefill", "--user=manager", "--verbosity=0"),
    )
    return Run.objects.get(project=project)


def test_every_published_value_and_urgency_is_there_and_leaves_as_it_came(project, published, rows, run):
    assert (run.n_reports, run.manifest["n_out"], run.state, run.is_prefill) == (200, 200, "complete", True)
    assert prefill_run(project) == run

    text, _ = exported(project, "leavs")
    # The published file has its targets in another order in each report.
    source = published.read_bytes().decode().splitlines(keepends=True)
    assert sorted(text.splitlines(keepends=True)) == sorted(source)
    assert len(source) == 1 + 200 * 9 * 2

    _, cells = exported(project, "long")
    findings = [finding.name for finding in SCHEMA.findings]
    said = {}
    for row in rows:
        key = row["subjectid_studyid"][: len(row["subjectid_studyid"]) // 2]
        for finding in findings:
            said[key, row["organ"], finding, row["type_annotation"]] = row[finding]
    assert len(cells) == 200 * 99
    for cell in cells:
        place = cell["report_id"], cell["target"], cell["finding"]
        assert cell["value"] == NAMES[said[(*place, "labels")]]
        assert cell["urgency"] == {"-1": ""}.get(said[(*place, "urgency")], said[(*place, "urgency")])
        assert cell["rater"] == "LEAVS Qwen2-72B"
    assert Counter(cell["value"] for cell in cells) == VALUES
    assert Counter(cell["urgency"] for cell in cells) == URGENCIES


def test_published_file_twice_is_one_run(project, published, run):
    call_command("label", "amos", "--labeler=imported", f"--file={published}", "--rater=LEAVS Qwen2-72B", verbosity=0)
    assert list(Run.objects.filter(project=project)) == [run]
    assert MachineLabel.objects.filter(run=run).count() == 200


def test_reader_starts_from_the_published_labels(client, project, rows, run):
    case = project.cases.get(key="./imagesVa/amos_5001.nii.gz")
    client.force_login(UserFactory(username="stranger"))
    assert client.get(reverse("read", args=[project.slug, case.pk])).status_code == 404
    client.force_login(project.memberships.get().user)
    assert client.get(reverse("read", args=[project.slug, case.pk])).status_code == 200
    start = client.get(reverse("api_case", args=[project.slug, case.pk])).json()["prefill"]
    liver = SCHEMA.index_of_cell[next(cell for cell in SCHEMA.cells if str(cell) == "liver|focal")]
    # The published row of the liver: focal is 1, and its urgency stands in the row after.
    (labels,) = [
        row
        for row in rows
        if row["subjectid_studyid"].startswith(case.key) and row["organ"] == "liver"
        if row["type_annotation"] == "labels"
    ]
    assert labels["focal"] == "1"
    assert start["values"][liver] == "+"


def test_published_readings_merge_findings_and_are_refused_with_the_reason(project):
    path = shared_data("leavs/amos_test_annotations.csv")
    with pytest.raises(CommandError, match="merges findings and cannot be read back"):
        call_command("label", "amos", "--labeler=imported", f"--file={path}", verbosity=0)
    assert not Run.objects.filter(project=project).exists()
