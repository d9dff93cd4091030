"""Files of labels made elsewhere: uploaded, looked at, imported as runs, with everything that was refused told."""

import csv
import io
import json
import stat

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotator.models import Event
from annotator.services import label_uploads
from annotator.services.exports import Wanted, export
from annotator.services.uploads import find_upload, remove_old_uploads
from labeling.models import MachineLabel, Run
from tests.annotator.worlds import NOW, TEXT, add_case
from tests.factories import CaseFactory, MembershipFactory, ProjectFactory, ReadingFactory, ReportFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def project(world):
    return world.project


@pytest.fixture
def client(client, world):
    client.force_login(world.manager)
    return client


HEADER = "report_id,target,finding,value,urgency,probability,evidence\r\n"


def long_csv(*ids, value="present", rater=None):
    header = HEADER if rater is None else HEADER.replace("report_id", "report_id,rater", 1)
    said = "" if rater is None else f"{rater},"
    return (header + "".join(f"{each},{said}spine,stenosis,{value},,0.75,29-78\r\n" for each in ids)).encode()


def task(report_id, *, annotations=(), predictions=()):
    """A task of Label Studio whose text is left out."""
    return {
        "id": 17,
        "data": {"report_id": report_id},
        "annotations": [
            {"completed_by": number, "result": [result], "was_cancelled": False} for number, result in annotations
        ],
        "predictions": [{"model_version": name, "result": [result]} for name, result in predictions],
    }


def choice(value, name="spine__stenosis"):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [value]}}


def send(client, project, content, name="labels.csv"):
    address = reverse("label_import", args=[project.slug])
    return client.post(address, {"file": SimpleUploadedFile(name, content)})


def looked_at(client, project, content, name="labels.csv"):
    """The address of the preview."""
    response = send(client, project, content, name)
    assert response.status_code == 302, response.content
    return response.url


def press_import(client, url, **sent):
    return client.post(url, {"action": "import", "rater": "model x"} | sent)


def imported():
    return Run.objects.filter(labeler="imported")


def test_preview_tells_what_fits_and_stores_nothing(client, project):
    url = looked_at(client, project, long_csv("lumbar-1", "lumbar-2", "unknown-7"), "their model.csv")
    response = client.get(url)
    said = response.context["said"]
    assert (said.format, said.n_here, said.n_unknown) == ("long", 2, 1)
    assert said.counts == {"created": 2, "unchanged": 0, "refused": 1}
    # Of eight cells one is said to be present; the other seven were not asked.
    assert said.runs[0]["values"] == [2, 0, 0, 0, 0, 0, 14]
    html = response.content.decode()
    for words in ("Long CSV", "unknown-7", "is not in this project", 'value="their model"', "Import\n"):
        assert words in html
    assert not imported().exists()
    assert not Event.objects.filter(verb=Event.Verb.LABELS_IMPORTED).exists()


def test_file_without_faults_leads_to_its_run(client, project):
    url = looked_at(client, project, long_csv("lumbar-1", "lumbar-2"))
    response = press_import(client, url)
    run = imported().get()
    assert response.url == reverse("run", args=[project.slug, run.run_id])
    assert (run.manifest["rater"], run.n_reports, run.state) == ("model x", 2, Run.State.COMPLETE)
    assert run.manifest["file_name"] == "labels.csv"
    assert not run.is_prefill
    label = MachineLabel.objects.filter(run=run).first()
    assert label.values == "_" * label.values.index("+") + "+" + "_" * (7 - label.values.index("+"))
    assert label.body["cells"]["spine|stenosis"] == {"evidence": [[29, 78]], "probability": 0.75}


def test_refused_label_sets_are_listed_and_downloaded_after_the_import(client, project):
    url = looked_at(client, project, long_csv("lumbar-1", "=unknown", "lumbar-3"))
    response = press_import(client, url)
    assert response.url == url
    html = client.get(url).content.decode()
    run = imported().get()
    assert reverse("run", args=[project.slug, run.run_id]) in html
    assert "is not in this project" in html
    file = client.get(url + "refused.csv")
    assert file["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert [(row["report_id"], row["code"]) for row in rows] == [("'=unknown", "no_match")]


def test_readers_start_from_the_labels_only_when_that_is_chosen(client, world, project):
    url = looked_at(client, project, long_csv("lumbar-1"))
    assert "the labels of rules, as before" in client.get(url).content.decode()
    press_import(client, url, prefill="*")
    world.run.refresh_from_db()
    assert not world.run.is_prefill
    assert imported().get().is_prefill


def test_same_file_again_is_the_same_run_and_a_changed_one_another(client, project):
    press_import(client, looked_at(client, project, long_csv("lumbar-1")))
    response = press_import(client, looked_at(client, project, long_csv("lumbar-1")))
    assert response.url == reverse("run", args=[project.slug, imported().get().run_id])
    assert "Nothing new" in client.get(reverse("worklist", args=[project.slug])).content.decode()
    press_import(client, looked_at(client, project, long_csv("lumbar-1", value="absent")))
    assert imported().count() == 2


def test_file_that_comes_again_is_known_under_the_name_it_had(client, project):
    press_import(client, looked_at(client, project, long_csv("lumbar-1")))
    response = client.get(looked_at(client, project, long_csv("lumbar-1"), "renamed.csv"))
    assert response.context["said"].counts == {"created": 0, "unchanged": 1, "refused": 0}
    assert 'value="model x"' in response.content.decode()


def test_file_that_comes_again_after_more_reports_gets_a_run_with_all_of_them(client, project):
    content = long_csv("lumbar-1", "late")
    press_import(client, looked_at(client, project, content))
    CaseFactory(project=project, report=ReportFactory(project=project, report_id="late", text=TEXT))
    press_import(client, looked_at(client, project, content))
    assert sorted(imported().values_list("n_reports", flat=True)) == [1, 2]
    press_import(client, looked_at(client, project, content))
    assert imported().count() == 2


def test_raters_of_label_studio_become_runs_and_can_be_left_out(client, project):
    tasks = [
        task("lumbar-1", annotations=[(4, choice("absent"))], predictions=[("m1", choice("present"))]),
        task("lumbar-2", predictions=[("m1", choice("possible"))]),
    ]
    content = json.dumps(tasks).encode()
    url = looked_at(client, project, content, "export.json")
    html = client.get(url).content.decode()
    assert "as 2 runs" in " ".join(html.split())
    assert "annotator-4" in html
    response = press_import(client, url, several="True", raters=["m1"], prefill="m1")
    run = imported().get()
    assert response.url == reverse("run", args=[project.slug, run.run_id])
    assert (run.manifest["rater"], run.n_reports, run.is_prefill) == ("m1", 2, True)
    response = press_import(
        client, looked_at(client, project, content, "export.json"), several="True", raters=["annotator-4", "m1"]
    )
    assert response.url == reverse("runs", args=[project.slug])
    assert imported().count() == 2


@pytest.mark.parametrize(
    ("sent", "words"),
    [({}, "Choose whose labels"), ({"raters": ["m1"], "prefill": "m2"}, "only from labels that are taken")],
)
def test_choice_of_raters_that_cannot_be_is_refused(client, project, sent, words):
    tasks = [task("lumbar-1", predictions=[("m1", choice("present")), ("m2", choice("absent"))])]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    html = client.get(url).content.decode()
    assert 'name="several" value="True"' in html
    assert 'value="m2"' in html
    response = press_import(client, url, several="True", **sent)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not imported().exists()


@pytest.mark.parametrize(
    ("raters", "prefill", "words"),
    [(["m1", "m9"], "m9", "cannot start from the labels of"), (["m1", "m2"], "*", "this file makes 2")],
)
def test_readers_start_from_no_run_when_the_chosen_one_is_not_the_only_one(
    client, world, project, raters, prefill, words
):
    tasks = [task("lumbar-1", predictions=[("m1", choice("present")), ("m2", choice("absent"))])]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    sent = {"action": "import", "raters": raters, "prefill": prefill}
    # The form of a file with one rater, sent for a file that has two.
    sent |= {"several": "True"} if prefill != "*" else {}
    assert words in client.post(url, sent, follow=True).content.decode()
    world.run.refresh_from_db()
    assert world.run.is_prefill
    assert not imported().exists()


def test_raters_that_only_a_mapping_brings_to_light_are_all_offered(client, project):
    tasks = [task("lumbar-1", predictions=[("m1", choice("present", "q1")), ("m2", choice("absent", "q1"))])]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    mapping = json.dumps({"names": {"q1": "spine|stenosis"}})
    html = client.post(url, {"action": "look", "mapping": mapping}).content.decode()
    assert 'name="several" value="True"' in html
    assert html.count("checked") == 2
    press_import(client, url, mapping=mapping, several="True", raters=["m2"])
    assert imported().get().manifest["rater"] == "m2"


def test_run_that_cannot_be_the_prefill_stops_the_import_with_the_reason(client, world, project):
    wanted = Wanted(what="machine", format_name="jsonl")
    content = "".join(export(project=project, actor=None, wanted=wanted).chunks).encode()
    # A file that says it was exported from a run that has failed since.
    failed = Run.objects.create(
        project=project, schema=project.schema, labeler="rules", started_at=NOW, finished_at=NOW, state=Run.State.FAILED
    )
    labels = MachineLabel.objects.filter(run=world.run)
    MachineLabel.objects.bulk_create(
        MachineLabel(run=failed, report=each.report, values=each.values, urgencies=each.urgencies, body=each.body)
        for each in labels
    )
    content = content.replace(str(world.run.run_id).encode(), str(failed.run_id).encode())
    url = looked_at(client, project, content, "run.jsonl")
    response = client.post(url, {"action": "import", "prefill": "*"}, follow=True)
    assert "only a complete run can be the pre-fill" in response.content.decode()
    world.run.refresh_from_db()
    assert world.run.is_prefill


def test_mapping_says_what_names_mean_and_another_one_is_another_run(client, project):
    tasks = [task("lumbar-1", predictions=[("m1", choice("yes", "q1"))])]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    html = client.get(url).content.decode()
    assert "&#x27;q1&#x27; is no cell of the schema" in html
    assert "disabled" in html
    mapping = {"names": {"q1": "spine|stenosis"}, "values": {"yes": "present"}}
    looked = client.post(url, {"action": "look", "mapping": json.dumps(mapping)})
    assert looked.context["said"].counts["created"] == 1
    press_import(client, url, mapping=json.dumps(mapping))
    assert imported().get().manifest["mapping"]["names"] == {"q1": "spine|stenosis"}
    again = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    press_import(client, again, mapping=json.dumps(mapping | {"values": {"yes": "possible"}}))
    assert sorted(label.values.strip("_") for label in MachineLabel.objects.filter(run__in=imported())) == ["+", "?"]


def leavs_csv(*ids, quoted=True):
    """A LEAVS table under the schema of the world, as the published program writes it or with its quotes missing."""
    lines = ["subjectid_studyid,organ,type_annotation,stenosis"]
    lines += [f'"{each}_{each}",spine,labels,1' if quoted else f"{each}_{each},spine,labels,1" for each in ids]
    return ("\n".join(lines) + "\n").encode()


# METHODS H 6 and 7: the published program loses commas, letters beyond ASCII and question marks, and labels "nan".
STRANGE_IDS = ("a, b", "Größe 2-3 cm?", "\U0001fac0/1", "nan-1")


def test_leavs_ids_with_commas_and_strange_letters_keep_their_reports(client, project):
    for key in STRANGE_IDS:
        CaseFactory(project=project, report=ReportFactory(project=project, report_id=key, text=TEXT))
    press_import(client, looked_at(client, project, leavs_csv(*STRANGE_IDS)))
    labels = MachineLabel.objects.filter(run=imported().get())
    assert set(labels.values_list("report__report_id", flat=True)) == set(STRANGE_IDS)


def test_leavs_row_whose_comma_shifts_the_columns_is_refused(client, project):
    CaseFactory(project=project, report=ReportFactory(project=project, report_id="a, b", text=TEXT))
    response = client.get(looked_at(client, project, leavs_csv("a, b", "lumbar-1", quoted=False)))
    said = response.context["said"]
    assert said.counts == {"created": 1, "unchanged": 0, "refused": 1}
    assert said.problems[0]["code"] == "too_many_fields"


def test_labels_of_a_missing_report_called_nan_find_no_report(client, project):
    said = client.get(looked_at(client, project, leavs_csv("nan", "lumbar-1"))).context["said"]
    assert (said.n_here, said.n_unknown, said.counts["refused"]) == (1, 1, 1)


@pytest.mark.parametrize("mapping", ["{", "[]", '{"names": {"q1": "spine|gout"}}', '{"evil": 1}'])
def test_mapping_that_cannot_be_is_refused_beside_its_field_and_the_file_waits(client, project, mapping):
    tasks = [task("lumbar-1", predictions=[("m1", choice("present"))])]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    response = press_import(client, url, mapping=mapping)
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert not imported().exists()
    assert client.get(url).status_code == 200


def test_readings_of_people_are_refused_with_the_way_to_bring_them_in(client, world, project):
    ReadingFactory(case=world.cases[0], reader=world.reader)
    wanted = Wanted(what="readings", format_name="jsonl")
    content = "".join(export(project=project, actor=None, wanted=wanted).chunks).encode()
    html = client.get(looked_at(client, project, content, "readings.jsonl")).content.decode()
    assert "manage.py import_labels" in html
    assert "disabled" in html


def test_own_export_of_machine_labels_is_here_already(client, project):
    wanted = Wanted(what="machine", format_name="jsonl")
    content = "".join(export(project=project, actor=None, wanted=wanted).chunks).encode()
    html = client.get(looked_at(client, project, content, "run.jsonl")).content.decode()
    assert "These labels are here already" in html
    assert "here already</span>" in html


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\r\n1,2\r\n", "this is not a label table"),
        (b"", "cannot be imported"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"data": 1}]', "this is no label table"),
        (b"PK\x03\x04", "the ZIP archive is damaged"),
    ],
)
def test_file_that_holds_no_labels_is_refused_and_removed(client, project, upload_dir, content, words):
    response = send(client, project, content, "x")
    if response.status_code == 302:
        response = client.get(response.url, follow=True)
        assert not list(upload_dir.iterdir())
        assert words in response.content.decode()
    else:
        assert response.status_code == 422


def test_file_that_is_too_large_is_refused_before_it_is_read(client, project, monkeypatch, upload_dir):
    monkeypatch.setattr("annotator.views.label_import.MAX_LABEL_FILE_BYTES", 1000)
    assert send(client, project, b"x" * 200_000).status_code == 413
    monkeypatch.setattr("annotator.views.label_import.MAX_LABEL_FILE_BYTES", 10**9)
    monkeypatch.setattr("annotator.label_forms.MAX_LABEL_FILE_BYTES", 1000)
    response = send(client, project, b"x" * 2000)
    assert response.status_code == 422
    assert "at most 1,000 are read here" in response.content.decode()
    assert not upload_dir.exists() or not list(upload_dir.iterdir())


def test_file_is_kept_for_its_owner_only_and_empty_after_the_import(client, project, world, upload_dir):
    url = looked_at(client, project, long_csv("lumbar-1", "unknown"))
    client.get(url)
    (folder,) = upload_dir.iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    other = Client()
    other.force_login(MembershipFactory(project=project, role="manager").user)
    assert other.get(url).status_code == 404
    assert other.get(url + "refused.csv").status_code == 404
    elsewhere = ProjectFactory(manager=world.manager)
    assert client.get(url.replace(project.slug, elsewhere.slug)).status_code == 404
    press_import(client, url)
    assert (folder / "file").read_bytes() == b""
    press_import(client, url)
    assert imported().count() == 1


def test_second_click_tells_what_came_of_the_first(world, client, project, monkeypatch, upload_dir):
    token = looked_at(client, project, long_csv("lumbar-1")).rstrip("/").rsplit("/", 1)[1]
    upload = find_upload(project=project, user=world.manager, token=token)
    n_calls = 0

    def importing(**sent):
        nonlocal n_calls
        n_calls += 1
        # While one click is at work the other waits: the folder is locked.
        monkeypatch.setattr("annotator.services.uploads.KEPT_SECONDS", -1)
        remove_old_uploads()
        return imports(**sent)

    imports = label_uploads.import_labels
    monkeypatch.setattr(label_uploads, "import_labels", importing)
    sent = {"project": project, "upload": upload, "choices": label_uploads.Choices(rater="model x")}
    first = label_uploads.bring_in(**sent, actor=world.manager)
    assert first == label_uploads.bring_in(**sent, actor=world.manager) == label_uploads.look_at(**sent)
    assert (first.is_over, first.counts["created"], n_calls) == (True, 1, 1)


def test_preview_reads_the_file_once_until_something_changes(client, world, project, monkeypatch):
    tasks = [task("lumbar-1", predictions=[("m1", choice("present", "q1"))]), task("late")]
    url = looked_at(client, project, json.dumps(tasks).encode(), "export.json")
    calls = []

    def importing(**sent):
        calls.append(sent)
        return imports(**sent)

    imports = label_uploads.import_labels
    monkeypatch.setattr(label_uploads, "import_labels", importing)
    first = client.get(url)
    assert client.get(url).context["said"] == first.context["said"]
    assert len(calls) == 1
    # Other choices, which the page without any is not told by.
    mapping = json.dumps({"names": {"q1": "spine|stenosis"}, "values": {"yes": "present"}, "ignored": ["a", "b"]})
    assert client.post(url, {"action": "look", "mapping": mapping}).context["said"].counts["created"] == 1
    assert client.get(url).context["said"] == first.context["said"]
    assert len(calls) == 3
    CaseFactory(project=project, report=ReportFactory(project=project, report_id="late", text=TEXT))
    client.get(url)
    assert len(calls) == 4


def test_list_of_the_refused_says_how_many_it_leaves_out(client, project, monkeypatch):
    monkeypatch.setattr("annotator.services.outcomes.MAX_PROBLEMS", 3)
    url = looked_at(client, project, long_csv("lumbar-1", *(f"unknown-{number}" for number in range(5))))
    html = " ".join(client.get(url).content.decode().split())
    assert "5 are refused or stand twice; the first 3 are shown, the CSV has the first 3." in html
    file = client.get(url + "refused.csv")
    assert "labels-refused-first-3-of-5.csv" in file["Content-Disposition"]
    assert len(list(csv.DictReader(io.StringIO(file.content.decode())))) == 3


def test_token_nobody_gave_out_finds_nothing(client, project):
    for token in ("a" * 32, "x", "%2e%2e%2f"):
        assert client.get(f"/projects/{project.slug}/runs/import/{token}/").status_code == 404


def test_form_without_the_token_against_forgery_is_refused(project, world):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.manager)
    assert send(strict, project, long_csv("lumbar-1")).status_code == 403


def test_texts_of_a_file_are_escaped(client, project):
    hostile = "<script>alert(1)</script>"
    tasks = [task("lumbar-1", predictions=[(hostile, choice("present"))]), task(hostile, predictions=[("m", {})])]
    html = client.get(looked_at(client, project, json.dumps(tasks).encode(), f"{hostile}.json")).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_number_of_queries_does_not_grow_with_the_file(client, project, django_assert_max_num_queries):
    for position in range(10, 190):
        add_case(project, position)
    ids = [f"lumbar-{position}" for position in range(10, 190)]
    url = looked_at(client, project, long_csv(*ids))
    press_import(client, url)
    again = looked_at(client, project, long_csv(*ids))
    with django_assert_max_num_queries(25):
        assert client.get(again).context["said"].counts["unchanged"] == 180


def test_nothing_is_stored_when_something_breaks_in_the_middle(client, project, monkeypatch):
    def crash(*_, **__):
        raise RuntimeError("power cut")

    url = looked_at(client, project, long_csv("lumbar-1", "lumbar-2"))
    monkeypatch.setattr("annotator.services.imported_runs.finish_run", crash)
    with pytest.raises(RuntimeError):
        press_import(client, url)
    assert not imported().exists()
