"""Labels made elsewhere come in from the shell, as by the page."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotator.models import Reading, User
from annotator.services.exports import Wanted, export
from labeling.core.schema_yaml import load_preset
from labeling.models import Run
from tests.factories import ReadingFactory

pytestmark = pytest.mark.django_db

SPINE = load_preset("spine-mri")


def run(*arguments):
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def labels(world, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("report_id,target,finding,value\nlumbar-1,spine,stenosis,present\nlumbar-9,spine,cancer,absent\n")
    return path


@pytest.fixture
def studio(world, tmp_path):
    """An export with an annotation of every cell and a prediction of one, under other names, and their mapping."""

    def chosen(number, value):
        return {"from_name": f"q{number}", "type": "choices", "value": {"choices": [value]}}

    annotation = {
        "completed_by": 4,
        "result": [chosen(number, "no") for number in range(len(SPINE.cells))],
        "created_at": "2026-03-01T08:00:00Z",
        "lead_time": 61.5,
    }
    prediction = {"model_version": "m1", "result": [chosen(0, "yes")]}
    task = {"data": {"report_id": "lumbar-1"}, "annotations": [annotation], "predictions": [prediction]}
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]))
    mapping = tmp_path / "mapping.json"
    names = {f"q{number}": str(cell) for number, cell in enumerate(SPINE.cells)}
    mapping.write_text(json.dumps({"names": names, "values": {"yes": "present", "no": "not mentioned"}}))
    return path, mapping


def imported():
    return Run.objects.filter(labeler="imported")


def test_dry_run_tells_and_stores_nothing(labels):
    said = run("label", "lumbar", "--labeler", "imported", "--file", labels, "--dry-run")
    assert "1 created, 0 unchanged, 1 refused" in said
    assert "report 'lumbar-9' is not in this project" in said
    assert "nothing was stored" in said
    assert not imported().exists()


def test_label_and_import_labels_make_the_same_run(world, labels):
    said = run("label", "lumbar", "--labeler", "imported", "--file", labels, "--rater", "model x", "--prefill")
    made = imported().get()
    assert f"run {made.run_id}: imported · model x, 1 reports, new" in said
    assert made.is_prefill
    said = run("import_labels", "lumbar", labels, "--what", "machine", "--rater", "model x")
    assert f"run {made.run_id}: imported · model x, 1 reports, here already" in said
    assert imported().count() == 1


@pytest.mark.parametrize("options", [("--labeler", "imported"), ("--labeler", "rules", "--file", "x")])
def test_file_and_labeler_go_together(world, options):
    with pytest.raises(CommandError, match="--file goes with the labeler imported"):
        run("label", "lumbar", *options)


def test_mapping_and_raters_are_chosen(studio):
    path, mapping = studio
    run("label", "lumbar", "--labeler", "imported", "--file", path, "--mapping", mapping, "--only", "m1")
    assert imported().get().manifest["rater"] == "m1"


def test_mapping_that_cannot_be_read_is_said(studio, tmp_path):
    path, mapping = studio
    with pytest.raises(CommandError, match="cannot be read"):
        run("import_labels", "lumbar", path, "--mapping", tmp_path / "no")
    mapping.write_text("{")
    with pytest.raises(CommandError, match="not JSON at line 1"):
        run("import_labels", "lumbar", path, "--mapping", mapping)


def test_annotations_become_readings_and_predictions_a_run(studio):
    path, mapping = studio
    run(
        *("import_labels", "lumbar", path, "--what", "readings", "--arm", "blank", "--create-readers"),
        *("--mapping", mapping),
    )
    reading = Reading.objects.get()
    assert (reading.reader, reading.values) == (User.objects.get(username="annotator-4"), "........")
    assert (reading.active_seconds, reading.submitted_at.isoformat()) == (62, "2026-03-01T08:00:00+00:00")
    assert imported().get().manifest["rater"] == "m1"


def test_readings_do_not_come_in_as_labels_of_a_machine(world, tmp_path):
    ReadingFactory(case=world.cases[0], reader=world.reader)
    path = tmp_path / "readings.jsonl"
    wanted = Wanted(what="readings", format_name="jsonl")
    path.write_text("".join(export(project=world.project, actor=None, wanted=wanted).chunks))
    out = StringIO()
    with pytest.raises(CommandError, match="nothing could be imported"):
        call_command("label", "lumbar", "--labeler", "imported", "--file", str(path), stdout=out)
    assert "this is a reading; say that people made the labels, or use manage.py import_labels" in out.getvalue()


def test_readers_start_from_one_rater_of_several_only(world, tmp_path):
    path = tmp_path / "labels.csv"
    rows = [f"lumbar-1,{rater},spine,stenosis,present\n" for rater in ("m1", "m2")]
    path.write_text("report_id,rater,target,finding,value\n" + "".join(rows))
    asked = ("label", "lumbar", "--labeler", "imported", "--file", path, "--prefill")
    with pytest.raises(CommandError, match="readers can start from one run only, and this file makes 2"):
        run(*asked)
    assert not imported().exists()
    run(*asked, "--only", "m1")
    assert imported().get().is_prefill
