"""Reports from a file: what is stored, what is refused, and that nothing is half done."""

import io
import threading
import zipfile

import pytest
from django.conf import settings
from django.db import connection

from annotator.exceptions import ImportRefused
from annotator.models import Case, Event, Report, ReportImport, Study
from annotator.services import reports as service
from annotator.services.reports import chosen_mapping, import_reports
from labeling.core.intake import ColumnMapping
from tests.factories import ProjectFactory, ReportFactory, UserFactory, csv_bytes, report_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory(manager=UserFactory())


def run(project, rows_or_bytes, **options):
    """Import rows, or the bytes of a file."""
    content = rows_or_bytes if isinstance(rows_or_bytes, bytes) else csv_bytes(rows_or_bytes)
    options = {"file_name": "reports.csv", "actor": None} | options
    return import_reports(project=project, source=io.BytesIO(content), **options)


def stored_counts():
    return {model.__name__: model.objects.count() for model in (Report, Case, Study, ReportImport, Event)}


def test_every_row_becomes_a_report_a_study_and_a_case_in_order(project):
    outcome = run(project, report_rows(1201))
    assert outcome.counts() == {"created": 1201, "unchanged": 0, "refused": 0}
    cases = Case.objects.filter(project=project).order_by("position").select_related("report", "study")
    assert [case.position for case in cases] == list(range(1, 1202))
    assert [case.key for case in cases[:2]] == ["R00001", "R00002"]
    assert {(case.report.report_id, case.study.study_id) for case in cases[:2]} == {
        ("R00001", "S00001"),
        ("R00002", "S00002"),
    }


def test_positions_go_on_behind_those_of_an_earlier_file(project):
    run(project, report_rows(3))
    run(project, report_rows(2, start=10))
    assert list(Case.objects.order_by("position").values_list("position", "key"))[3:] == [(4, "R00010"), (5, "R00011")]


def test_text_keeps_its_exact_characters(project):
    text = "  Leading, trailing \r\n\ttab “quotes” Größe 5 µm é \U0001f9b4 \n\n"
    run(project, [{"report_id": "R1", "text": text}])
    assert Report.objects.get().text == text


def test_one_patient_has_one_key_and_the_identifier_is_nowhere(project):
    rows = [
        row | {"PatientName": "Doe^Jane", "mrn": "MRN00001", "comment": row["patient_id"], "site": "A"}
        for row in report_rows(3)
    ]
    outcome = run(project, rows, keep_columns=("PatientName", "mrn", "comment", "site"))
    first, second, third = Case.objects.order_by("position")
    assert first.patient_key == second.patient_key != third.patient_key
    assert len(first.patient_key) == 64
    assert outcome.left_out == {"PatientName", "mrn", "comment"}
    assert Report.objects.first().extra == {"site": "A"}
    record = ReportImport.objects.get()
    everything = [
        *Report.objects.values(),
        *Case.objects.values(),
        *Event.objects.values(),
        record.mapping,
        record.problems,
    ]
    assert "MRN00001" not in str(everything)
    assert "Doe" not in str(everything)


def test_other_columns_are_stored_only_when_chosen(project):
    rows = [row | {"nr": "NR-4711-Q", "site": "A"} for row in report_rows(1)]
    run(project, rows)
    assert Report.objects.get().extra == {}
    assert "NR-4711-Q" not in str([*Report.objects.values(), *ReportImport.objects.values()])


def test_column_to_keep_that_is_not_there_is_named(project):
    with pytest.raises(ImportRefused, match="no column 'site'"):
        run(project, report_rows(1), keep_columns=("site",))
    assert not Report.objects.exists()


def test_patient_keys_of_two_projects_differ(project):
    other = ProjectFactory()
    for each in (project, other):
        run(each, report_rows(1))
    assert len(set(Case.objects.values_list("patient_key", flat=True))) == 2


def test_report_without_patient_is_a_patient_of_its_own_even_when_ids_collide(project):
    run(
        project,
        [{"report_id": "A", "text": "x y", "patient_id": ""}, {"report_id": "B", "text": "x z", "patient_id": "A"}],
    )
    assert len(set(Case.objects.values_list("patient_key", flat=True))) == 2


def test_same_file_twice_changes_nothing_and_says_so(project):
    first = run(project, report_rows(5))
    before = stored_counts()
    again = run(project, report_rows(5))
    assert again.counts() == {"created": 0, "unchanged": 5, "refused": 0}
    assert stored_counts() == before
    assert again.record == first.record


def test_part_of_an_earlier_file_leaves_no_record(project):
    run(project, report_rows(5))
    before = stored_counts()
    assert run(project, report_rows(2)).record is None
    assert stored_counts() == before


def test_same_id_with_another_text_is_refused_and_the_stored_one_stays(project):
    run(project, report_rows(2))
    rows = report_rows(3)
    rows[0]["text"] = "Something else entirely."
    outcome = run(project, rows)
    assert outcome.counts() == {"created": 1, "unchanged": 1, "refused": 1}
    problem = outcome.problems[0]
    assert (problem.row, problem.report_id, problem.code) == (2, "R00001", "differs_from_stored")
    assert "Something else" not in problem.reason
    assert "report 1" in Report.objects.get(report_id="R00001").text


@pytest.mark.parametrize(("column", "word"), [("patient_id", "patient"), ("study_id", "study")])
def test_same_report_of_another_patient_or_study_is_refused(project, column, word):
    run(project, report_rows(1))
    outcome = run(project, [report_rows(1)[0] | {column: "ELSE"}])
    assert outcome.refused == 1
    assert word in outcome.problems[0].reason


def test_refused_rows_are_told_one_by_one_without_patient_text(project):
    rows = report_rows(4)
    rows[1]["text"] = "  "
    rows[2]["report_id"] = ""
    seen = []
    outcome = run(project, rows, each_row=seen.append)
    assert [(row.row, row.kind) for row in sorted(seen, key=lambda row: row.row)] == [
        (2, "created"),
        (3, "refused"),
        (4, "refused"),
        (5, "created"),
    ]
    assert [problem.code for problem in outcome.problems] == ["blank_text", "missing_id"]
    assert ReportImport.objects.get().refused == 2


def test_file_of_refused_rows_is_recorded_once(project):
    rows = [row | {"text": " "} for row in report_rows(2)]
    first, again = run(project, rows), run(project, rows)
    assert first.record == again.record == ReportImport.objects.get()


def test_kept_problems_are_bounded_and_the_count_is_not(project):
    outcome = run(project, [row | {"text": " "} for row in report_rows(1500)])
    assert (outcome.refused, len(outcome.problems)) == (1500, 1000)
    assert len(ReportImport.objects.get().problems) == 1000


@pytest.mark.parametrize(("column", "value"), [("study_id", "S" * 256), ("modality", "M" * 17)])
def test_value_that_does_not_fit_is_refused_not_cut(project, column, value):
    outcome = run(
        project, [{"report_id": "R1", "text": "a b", column: value}, {"report_id": "R2", "text": "c d", column: ""}]
    )
    assert outcome.counts() == {"created": 1, "unchanged": 0, "refused": 1}


def test_dry_run_stores_nothing_and_counts_the_same(project):
    run(project, report_rows(2))
    before = stored_counts()
    outcome = run(project, report_rows(5), dry_run=True)
    assert outcome.counts() == {"created": 3, "unchanged": 2, "refused": 0}
    assert stored_counts() == before


def test_crash_in_the_middle_leaves_nothing(project, monkeypatch):
    batches = []

    def crash_in_the_second(rows, **where):
        batches.append(rows)
        if len(batches) == 2:
            raise RuntimeError("power cut")
        return store(rows, **where)

    store = service._store_reports
    monkeypatch.setattr(service, "_store_reports", crash_in_the_second)
    before = stored_counts()
    with pytest.raises(RuntimeError):
        run(project, report_rows(1001))
    assert len(batches) == 2
    assert stored_counts() == before


def test_event_says_who_and_how_many(project):
    actor = UserFactory()
    outcome = run(project, report_rows(2), actor=actor)
    event = Event.objects.get(verb=Event.Verb.REPORTS_IMPORTED)
    assert event.actor == actor
    assert event.payload == {
        "import": outcome.record.pk,
        "file_sha256": outcome.record.file_sha256,
        "created": 2,
        "unchanged": 0,
        "refused": 0,
    }


def test_progress_counts_rows(project):
    told = []
    run(project, report_rows(1100), progress=told.append)
    assert told == [500, 1000, 1100]


def test_columns_that_are_not_recognised_are_named(project):
    with pytest.raises(ImportRefused, match="alpha"):
        run(project, b"alpha,beta\r\n1,2\r\n")
    mapping = ColumnMapping(report_id="alpha", text="beta")
    assert run(project, b"alpha,beta\r\n1,some text\r\n", mapping=mapping).created == 1


def test_chosen_columns_take_the_place_of_suggested_ones():
    content = csv_bytes([{"report_id": "R1", "text": "a", "body": "b", "mrn": "7"}])
    names = {"id_column": None, "text_column": "body", "patient_column": None, "study_column": None}
    mapping = chosen_mapping(io.BytesIO(content), file_name="x.csv", **names)
    assert (mapping.report_id, mapping.text, mapping.patient_id) == ("report_id", "body", "mrn")
    with pytest.raises(ImportRefused, match="no column 'nothing'"):
        chosen_mapping(io.BytesIO(content), file_name="x.csv", **(names | {"text_column": "nothing"}))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 ...", b"<html><body>x</body></html>", b"PK\x03\x04 broken"])
def test_file_that_holds_no_reports_is_refused_whole(project, content):
    with pytest.raises(ImportRefused):
        run(project, content)
    assert not Report.objects.exists()


def test_archive_that_unpacks_to_far_more_is_refused(project):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "0" * 50_000_000)
    outcome_or_error = None
    try:
        outcome_or_error = run(project, bomb.getvalue(), file_name="reports.zip")
    except ImportRefused as error:
        outcome_or_error = error
    assert isinstance(outcome_or_error, ImportRefused) or outcome_or_error.created == 0
    assert not Report.objects.exists()


def test_file_larger_than_the_limit_is_refused(project, settings):
    settings.MAX_UPLOAD_BYTES = 100
    with pytest.raises(ImportRefused, match="larger"):
        run(project, report_rows(50))


def test_reports_of_other_projects_do_not_matter(project):
    ReportFactory(report_id="R00001", text="another")
    assert run(project, report_rows(1)).created == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has one writer; needs PostgreSQL"
)
def test_two_imports_at_once_store_each_report_once():
    project = ProjectFactory()
    barrier = threading.Barrier(2)
    outcomes, errors = [], []

    def work(rows):
        try:
            barrier.wait(timeout=10)
            outcomes.append(run(project, rows))
        except BaseException as error:  # noqa: BLE001  the test shows it
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(report_rows(900, start=start),)) for start in (1, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sum(outcome.created for outcome in outcomes) == 1199
    assert sum(outcome.unchanged for outcome in outcomes) == 601
    assert list(Case.objects.order_by("position").values_list("position", flat=True)) == list(range(1, 1200))


def test_row_that_stands_twice_is_counted_apart(project):
    first, second = report_rows(2)
    outcome = run(project, [first, second, first])
    assert outcome.counts() == {"created": 2, "unchanged": 0, "refused": 0, "duplicate": 1}
    record = ReportImport.objects.get()
    assert (record.created, record.refused, record.mapping["duplicate"]) == (2, 0, 1)
    assert [problem["code"] for problem in record.problems] == ["duplicate"]
