"""Labels come back in as they went out, once, and only where they fit."""

import json
import uuid

import pytest
from django.db import connection
from django.utils.module_loading import import_string

from annotator.exceptions import ImportRefused
from annotator.models import Arm, Draft, DraftState, Event, Reading, Seat, StudyRules, User
from annotator.selectors.cases import next_case
from annotator.services.exports import Wanted, export
from annotator.services.label_imports import LabelImportOptions, import_labels
from annotator.services.reports import import_reports
from labeling.core.intake import ColumnMapping
from labeling.models import MachineLabel, Run
from labeling.services import run_rules
from tests.annotator.seat_worlds import add_seat
from tests.factories import CaseFactory, ProjectFactory, ReadingFactory, UserFactory, csv_bytes, report_rows

pytestmark = pytest.mark.django_db

BODY = {
    "cells": {
        "spine|stenosis": {
            "evidence": [[0, 9], [12, 20]],
            "comment": "small, “doubtful”",
            "flags": ["image_disagrees"],
            "image_value": "absent",
            "reason": "line one\nline two",
            "probability": 1,
            "logit_difference": -0.30000000000000004,
        },
        "L4-L5|stenosis": {"comment": "only a comment"},
        "spine|cancer": {"evidence": []},
    },
    "acknowledged": ["spine|stenosis|none"],
}


# What a spreadsheet, a CSV reader or a JSON reader may take for something else.
HOSTILE = (
    "=1+1",
    "+1",
    "-1-1",
    "@SUM(A1)",
    "'=1+1",
    "''plain",
    '=HYPERLINK("http://x","y")',
    'he said "no", then ""',
    "first line\nsecond line\r\nthird\rfourth\n",
    "\t=1+1;=2+2\t",
    "  blanks around  ",
    "a,b;c|d\\n",
    "\u2028\uff1d1 \ufeff \u202e \U0001f409",
    "null",
)
# Names that mean something in a file of reports.
EXTRA = ("report", "Text", "Study-ID", "extra", "format")


@pytest.fixture
def source(tmp_path):
    """A project with reports, rules labels, and readings in three revisions by two readers."""
    project = ProjectFactory(slug="from")
    extra = {"report": "not the report", "Text ": "t", "Study-ID": "s", "extra": "e", "format": "f"}
    rows = [row | extra for row in report_rows(4)]
    rows[3] |= {"patient_id": ""}
    path = tmp_path / "reports.csv"
    path.write_bytes(csv_bytes(rows))
    mapping = ColumnMapping(report_id="report_id", text="text", patient_id="patient_id", study_id="study_id")
    import_reports(
        project=project, source=path, file_name="reports.csv", actor=None, mapping=mapping, keep_columns=EXTRA
    )
    run = run_rules(project=project, actor=None)
    first, second = project.cases.order_by("position")[:2]
    ann, bob = UserFactory(username="ann"), UserFactory(username="bob")
    before = None
    for revision in (1, 2, 3):
        before = ReadingFactory(
            case=first, reader=ann, revision=revision, supersedes=before, body=BODY, active_seconds=10 * revision
        )
    ReadingFactory(case=first, reader=bob, arm="prefilled", prefill_run=run.run_id, values="?~0.+...")
    ReadingFactory(case=second, reader=bob, body={"cells": {}, "acknowledged": []})
    return project


def write(project, path, what="readings", format_name="jsonl", **choices):
    wanted = Wanted(what=what, format_name=format_name, **choices)
    path.write_text("".join(export(project=project, actor=None, wanted=wanted).chunks), encoding="utf-8", newline="")
    return path


@pytest.fixture
def target(source, tmp_path):
    """A fresh project with the reports of the first, moved as JSON Lines."""
    project = ProjectFactory(slug="to")
    path = write(source, tmp_path / "reports.jsonl", "reports")
    assert import_reports(project=project, source=path, file_name=path.name, actor=None).counts() == {
        "created": 4,
        "unchanged": 0,
        "refused": 0,
    }
    return project


def bring(project, path, **options):
    return import_labels(project=project, path=path, actor=None, options=LabelImportOptions(**options))


def test_moved_reports_are_the_same_and_patients_stay_grouped(source, target):
    def cases(project):
        fields = ("key", "position", "report__text", "report__text_sha256", "report__extra", "study__study_id")
        return list(project.cases.order_by("position").values_list(*fields))

    def groups(project):
        keys = list(project.cases.order_by("position").values_list("patient_key", flat=True))
        return [keys.index(key) for key in keys]

    assert cases(target) == cases(source)
    assert groups(target) == groups(source) == [0, 0, 2, 3]


def again(project, path):
    return import_reports(project=project, source=path, file_name=path.name, actor=None).counts()


def test_own_reports_come_back_unchanged_here_and_there(source, target, tmp_path):
    path = write(source, tmp_path / "r.jsonl", "reports")
    assert again(source, path) == {"created": 0, "unchanged": 4, "refused": 0}
    assert again(target, path) == {"created": 0, "unchanged": 4, "refused": 0}
    assert write(target, tmp_path / "t.jsonl", "reports").read_text() == path.read_text()
    assert set(source.reports.first().extra) == set(EXTRA)


def test_reports_of_another_instance_get_keys_of_this_one(source, tmp_path, settings):
    path = write(source, tmp_path / "r.jsonl", "reports")
    settings.PATIENT_KEY_SECRET = "another" * 9
    project = ProjectFactory()
    assert again(project, path)["created"] == 4
    assert again(project, path)["unchanged"] == 4
    keys = set(project.cases.values_list("patient_key", flat=True))
    assert not keys & set(source.cases.values_list("patient_key", flat=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patient_key": "Doe, Jane"}, "64 digits"),
        ({"patient_key": ""}, "64 digits"),
        ({"version": 2}, "version is '2'"),
        ({"extra": []}, "object of texts"),
        ({"extra": {"a": ["b"]}}, "object of texts"),
        ({"extra": {"a": "b\0"}}, "NUL"),
    ],
)
def test_damaged_line_of_our_reports_is_refused(source, tmp_path, changes, words):
    path = write(source, tmp_path / "r.jsonl", "reports")
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | changes), *rest]) + "\n")
    project = ProjectFactory()
    outcome = import_reports(project=project, source=path, file_name=path.name, actor=None)
    assert outcome.counts() == {"created": 3, "unchanged": 0, "refused": 1}
    assert words in outcome.problems[0].reason


@pytest.mark.parametrize("all_revisions", [True, False])
def test_readings_survive_the_way_through_json_lines(source, target, tmp_path, all_revisions):
    sent = write(source, tmp_path / "a.jsonl", all_revisions=all_revisions)
    assert bring(target, sent).counts() == {"created": 5 if all_revisions else 3, "unchanged": 0, "refused": 0}
    back = write(target, tmp_path / "b.jsonl", all_revisions=all_revisions)
    assert back.read_text() == sent.read_text()


def _of_ann(project):
    return Reading.objects.filter(project=project, reader__username="ann")


def test_stored_readings_are_equal_field_by_field(source, target, tmp_path):
    bring(target, write(source, tmp_path / "a.jsonl", all_revisions=True))
    fields = (
        "case__key",
        "reader",
        "revision",
        "arm",
        "prefill_run",
        "values",
        "urgencies",
        "active_seconds",
        "submitted_at",
    )
    (stored,) = {json.dumps(reading.body["cells"], sort_keys=True) for reading in _of_ann(target)}
    assert json.loads(stored) == BODY["cells"]

    def rows(project):
        return list(Reading.objects.filter(project=project).order_by("case__key", "reader", "revision").values(*fields))

    assert rows(target) == rows(source)
    chained = Reading.objects.get(project=target, revision=3)
    assert (chained.supersedes.revision, chained.supersedes.supersedes.revision) == (2, 1)


def test_machine_labels_survive_the_way_through_json_lines(source, target, tmp_path):
    sent = write(source, tmp_path / "a.jsonl", "machine")
    assert bring(target, sent, prefill=True).created == 4
    run = Run.objects.get(project=target)
    assert (run.labeler, run.state, run.is_prefill, run.manifest["n_out"]) == ("imported", "complete", True, 4)
    assert write(target, tmp_path / "b.jsonl", "machine").read_text() == sent.read_text()

    def labels(project):
        rows = MachineLabel.objects.filter(run__project=project).order_by("report__report_id")
        return list(rows.values_list("values", "urgencies", "body"))

    assert labels(target) == labels(source)


def test_long_table_survives_for_what_it_holds(source, target, tmp_path):
    sent = write(source, tmp_path / "a.csv", format_name="long", reader="ann", all_revisions=True)
    assert bring(target, sent, what="readings", arm="blank").counts() == {"created": 3, "unchanged": 0, "refused": 0}
    back = write(target, tmp_path / "b.csv", format_name="long", reader="ann", all_revisions=True)
    assert back.read_text() == sent.read_text()
    assert bring(target, sent, what="readings", arm="blank").unchanged == 3
    shown = {reading.body["cells"]["spine|stenosis"]["image_value"] for reading in _of_ann(target)}
    assert shown == {"absent"}


@pytest.fixture
def repeated(source):
    """The same project in which ann read a case once more and corrected that, and bob one with planted errors."""
    case, other = source.cases.order_by("position")[1:3]
    ann, bob = User.objects.get(username="ann"), User.objects.get(username="bob")
    ReadingFactory(case=case, reader=ann, values="00000000")
    again = ReadingFactory(case=case, reader=ann, round=2)
    ReadingFactory(case=case, reader=ann, round=2, revision=2, supersedes=again, values="0+000000")
    run = Run.objects.get(project=source)
    StudyRules.objects.create(project=source, is_training=True)
    ReadingFactory(case=other, reader=bob, arm=Arm.SEEDED, prefill_run=run.run_id)
    return source


@pytest.mark.parametrize("format_name", ["jsonl", "long"])
@pytest.mark.parametrize("all_revisions", [True, False])
def test_repeats_and_planted_errors_come_back_as_what_they_were(repeated, target, tmp_path, format_name, all_revisions):
    def places(project):
        readings = Reading.objects.filter(project=project)
        if not all_revisions:
            readings = readings.filter(superseded_by__isnull=True)
        fields = ("case__key", "reader", "round", "arm", "prefill_run", "values")
        return sorted(readings.values_list(*fields), key=repr)

    sent = write(repeated, tmp_path / "a", format_name=format_name, all_revisions=all_revisions)
    StudyRules.objects.create(project=target, is_training=True)
    assert bring(target, sent, what="readings").counts() == {
        "created": 9 if all_revisions else 6,
        "unchanged": 0,
        "refused": 0,
    }
    assert places(target) == places(repeated)
    assert bring(target, sent, what="readings").created == 0


def test_reading_with_planted_errors_is_refused_where_nobody_trains(repeated, target, tmp_path):
    outcome = bring(target, write(repeated, tmp_path / "a"), what="readings")
    assert (outcome.created, outcome.refused) == (5, 1)
    assert "only a training project holds" in outcome.problems[0].reason


def test_repeat_that_comes_in_fills_the_seat_of_the_repeat_alone(repeated, target, tmp_path):
    case, ann = target.cases.order_by("position")[1], User.objects.get(username="ann")
    first = add_seat(case, ann, arm=Arm.BLANK)
    again = add_seat(case, ann, arm=Arm.BLANK, round=2, repeats=first, place=9, washout_days=1)
    path = write(repeated, tmp_path / "a.jsonl", reader="ann")
    lines = [line for line in path.read_text().splitlines(keepends=True) if json.loads(line)["round"] == 2]
    path.write_text("".join(lines))
    assert bring(target, path).created == 1
    assert [Seat.objects.get(pk=seat.pk).state for seat in (first, again)] == ["open", "submitted"]


def test_round_that_cannot_be_is_refused(source, target, tmp_path):
    path = write(source, tmp_path / "a.jsonl")
    lines = [json.dumps(json.loads(line) | {"round": 0}) for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    outcome = bring(target, path)
    assert (outcome.created, outcome.refused) == (0, 3)
    assert "round is 0" in outcome.problems[0].reason


@pytest.fixture
def annotated():
    """A project whose readers wrote hostile words, each the same ones wherever there is room for words."""
    project = ProjectFactory(slug="annotated")
    case = CaseFactory(project=project, report__report_id="R00003")
    for words in HOSTILE:
        cells = {
            "spine|stenosis": {"comment": words, "reason": words, "flags": ["image_disagrees", "=1+1"]},
            "L4-L5|stenosis": {"comment": words},
        }
        body = {"cells": cells, "acknowledged": [], "case": {"comment": words, "flagged": True}}
        ReadingFactory(case=case, body=body)
    return project


@pytest.fixture
def twin(annotated):
    """A fresh project with the same report."""
    project = ProjectFactory(slug="twin")
    CaseFactory(project=project, report__report_id="R00003", report__text=annotated.cases.get().report.text)
    return project


def bodies(project):
    """What was said of cells and case, by reader."""
    readings = Reading.objects.filter(project=project)
    return {
        reading.reader_id: {name: part for name, part in reading.body.items() if name in ("cells", "case")}
        for reading in readings
    }


def test_comments_and_flags_come_back_by_json_lines_as_they_were_written(annotated, twin, tmp_path):
    assert bring(twin, write(annotated, tmp_path / "a.jsonl")).created == len(HOSTILE)
    assert bodies(twin) == bodies(annotated)
    drafts = Draft.objects.filter(project=twin)
    assert all(draft.flagged for draft in drafts)
    assert {draft.reader_id: draft.body["case"] for draft in drafts} == {
        reader: body["case"] for reader, body in bodies(annotated).items()
    }


def test_long_table_brings_reasons_and_flags_back_and_no_comment(annotated, twin, tmp_path):
    path = write(annotated, tmp_path / "a.csv", format_name="long")
    assert bring(twin, path, what="readings", arm="blank").created == len(HOSTILE)

    def kept(body):
        # Comments, and what is said of the whole case, are kept by JSON Lines alone: docs/labels.md.
        cell = body["cells"]["spine|stenosis"]
        return {"cells": {"spine|stenosis": {"reason": cell["reason"], "flags": cell["flags"]}}}

    assert bodies(twin) == {reader: kept(body) for reader, body in bodies(annotated).items()}


@pytest.mark.parametrize("what", ["readings", "machine"])
def test_nothing_comes_in_twice(source, target, tmp_path, what):
    sent = write(source, tmp_path / "a.jsonl", what, all_revisions=what == "readings")
    bring(target, sent)
    counts = (Reading.objects.count(), MachineLabel.objects.count(), Run.objects.count(), Draft.objects.count())
    events = Event.objects.filter(verb=Event.Verb.LABELS_IMPORTED).count()
    again = bring(target, sent)
    assert (again.created, again.refused) == (0, 0)
    assert (Reading.objects.count(), MachineLabel.objects.count(), Run.objects.count(), Draft.objects.count()) == counts
    assert Event.objects.filter(verb=Event.Verb.LABELS_IMPORTED).count() == events


@pytest.mark.parametrize("what", ["readings", "machine"])
def test_own_export_brings_nothing_new(source, tmp_path, what):
    outcome = bring(source, write(source, tmp_path / "a.jsonl", what))
    assert (outcome.created, outcome.refused) == (0, 0)


def test_own_long_table_brings_nothing_new(source, tmp_path):
    path = write(source, tmp_path / "a.csv", format_name="long", all_revisions=True)
    assert bring(source, path, what="readings", arm="blank").counts() == {"created": 0, "unchanged": 5, "refused": 0}


def test_imported_cases_count_as_read(source, target, tmp_path):
    bring(target, write(source, tmp_path / "a.jsonl"))
    ann = User.objects.get(username="ann")
    assert Draft.objects.get(project=target, reader=ann).state == DraftState.SUBMITTED
    assert next_case(project=target, reader=ann).key == "R00002"


def test_open_draft_is_left_as_it_is(source, target, tmp_path):
    ann = User.objects.get(username="ann")
    case = target.cases.get(key="R00001")
    fields = {"values": "________", "urgencies": "________", "saved_at": "2026-01-01T00:00Z"}
    Draft.objects.create(project=target, case=case, reader=ann, version=4, **fields)
    bring(target, write(source, tmp_path / "a.jsonl"))
    draft = Draft.objects.get(project=target, reader=ann)
    assert (draft.version, draft.state, draft.values) == (4, DraftState.OPEN, "________")


def test_later_revision_follows_the_ones_that_are_there(source, target, tmp_path):
    sent = write(source, tmp_path / "a.jsonl", all_revisions=True)
    lines = sent.read_text().splitlines(keepends=True)
    sent.write_text("".join(lines[:2]))
    assert bring(target, sent).created == 2
    sent.write_text("".join(lines[:3]))
    assert bring(target, sent).counts() == {"created": 1, "unchanged": 2, "refused": 0}
    draft = Draft.objects.get(project=target)
    assert (draft.version, draft.active_seconds) == (3, 30)


def edited(source, tmp_path, **changes):
    """The export with its first line changed; `extra` is merged."""
    path = write(source, tmp_path / "a.jsonl")
    first, *rest = path.read_text().splitlines()
    entry = json.loads(first)
    entry["extra"] |= changes.pop("extra", {})
    path.write_text("\n".join([json.dumps(entry | changes), *rest]) + "\n")
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report_id": "unknown"}, "not in this project"),
        ({"text_sha256": "0" * 64}, "another text"),
        ({"rater": "stranger"}, "--create-readers"),
        ({"submitted_at": "2026-01-01"}, "time zone"),
        ({"revision": 0}, "revision"),
        ({"active_seconds": -1}, "active_seconds"),
        ({"extra": {"arm": "guessed"}}, "--arm"),
        ({"extra": {"arm": "prefilled", "prefill_run": "x"}}, "UUID"),
        ({"extra": {"submission_id": "x"}}, "UUID"),
        ({"extra": {"kind": ""}}, "--what"),
        ({"extra": {"body": {"evil": 1}}}, "body"),
        ({"cells": {"spine|stenosis": {"value": "present"}}}, "have no value"),
        ({"cells": {"spine|nothing": {"value": "present"}}}, "no cell"),
        ({"cells": {"spine|stenosis": {"value": "present", "evidence": [{"start": 0, "end": 99999}]}}}, "outside"),
        ({"schema": {"name": "other", "version": 1, "hash": "0"}}, "made with schema"),
        ({"format": 99}, "format"),
        ({"submitted_at": "2020-13-45"}, "time zone"),
        ({"submitted_at": "2020-13-45T00:00:00Z"}, "time zone"),
        ({"submitted_at": "0001-01-01T00:00:00+14:00"}, "time zone"),
        ({"revision": 10**30}, "revision"),
        ({"cells": []}, "cells"),
        ({"cells": {"spine|stenosis": 5}}, "spine|stenosis"),
        ({"extra": {"body": []}}, "body"),
        ({"extra": {"body": {"cells": []}}}, "cells"),
        ({"extra": {"body": {"cells": {"spine|stenosis": 5}}}}, "cells"),
        ({"extra": {"body": {"cells": {"spine|stenosis": {"evidence": "x"}}}}}, "evidence"),
        ({"extra": {"body": {"imported": []}}}, "body"),
        ({"extra": {"body": {"cells": {"spine|stenosis": {"evidence": []}}}}}, "no words support"),
        ({"extra": {"body": {"cells": {"spine|cancer": {"image_value": "absent"}}}}}, "image_value"),
        ({"rater": "a\0"}, "NUL"),
        ({"report_id": "a\0"}, "NUL"),
        ({"extra": {"note": ["\ud800"]}}, "NUL"),
    ],
)
def test_line_that_does_not_fit_is_refused_and_the_others_come_in(source, target, tmp_path, changes, words):
    outcome = bring(target, edited(source, tmp_path, **changes))
    assert outcome.counts() == {"created": 2, "unchanged": 0, "refused": 1}
    assert words in outcome.problems[0].reason
    assert not User.objects.filter(username="stranger").exists()


def test_unknown_readers_become_closed_accounts_when_asked_for(source, target, tmp_path):
    assert bring(target, edited(source, tmp_path, rater="stranger"), create_readers=True).created == 3
    made = User.objects.get(username="stranger")
    assert not made.is_active
    assert not made.has_usable_password()


def test_reader_name_that_cannot_be_is_refused(source, target, tmp_path):
    assert bring(target, edited(source, tmp_path, rater="no\nname"), create_readers=True).refused == 1


def test_other_reading_under_a_revision_that_is_there_is_refused(source, target, tmp_path):
    path = write(source, tmp_path / "a.jsonl")
    bring(target, path)
    changed = edited(source, tmp_path, submitted_at="2026-05-05T00:00:00Z", extra={"submission_id": str(uuid.uuid4())})
    outcome = bring(target, changed)
    assert outcome.counts() == {"created": 0, "unchanged": 2, "refused": 1}
    assert "another revision 3" in outcome.problems[0].reason


def test_table_that_merges_findings_is_refused_whole(source, target, tmp_path):
    path = write(source, tmp_path / "a.csv", format_name="leavs-wide")
    with pytest.raises(ImportRefused):
        bring(target, path, what="machine")


def test_leavs_table_becomes_a_run(source, target, tmp_path):
    path = write(source, tmp_path / "a.csv", "machine", format_name="leavs")
    assert bring(target, path, what="machine").created == 4
    assert bring(target, path, what="machine").unchanged == 4
    assert Run.objects.filter(project=target).count() == 1


@pytest.mark.parametrize("content", [b"", b"{\xff", b"a,b\r\n1,2\r\n", b"PK\x03\x04"])
def test_file_that_holds_no_labels_is_refused_whole(target, tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ImportRefused):
        bring(target, path, what="machine")


def test_crash_in_the_middle_leaves_nothing(source, target, tmp_path, monkeypatch):
    def crash(*_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("annotator.services.imported_readings.ReadingWriter._mark_submitted", crash)
    before = Reading.objects.count()
    with pytest.raises(RuntimeError):
        bring(target, write(source, tmp_path / "a.jsonl", all_revisions=True), create_readers=True)
    assert Reading.objects.count() == before


def test_event_counts_what_came_in(source, target, tmp_path):
    bring(target, write(source, tmp_path / "a.jsonl"))
    payload = Event.objects.get(verb=Event.Verb.LABELS_IMPORTED).payload
    assert (payload["created"], payload["refused"], len(payload["file_sha256"])) == (3, 0, 64)


def test_changed_copy_of_an_own_run_is_refused(source, tmp_path):
    path = write(source, tmp_path / "a.jsonl", "machine")
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text(first.replace('"value":"present"', '"value":"absent"', 1) + "".join(rest))
    outcome = bring(source, path)
    assert outcome.counts() == {"created": 0, "unchanged": 3, "refused": 1}
    assert "says something else" in outcome.problems[0].reason


def test_machine_label_that_stands_twice_or_points_outside_is_refused(source, target, tmp_path):
    path = write(source, tmp_path / "a.jsonl", "machine")
    first, second, *_ = path.read_text().splitlines(keepends=True)
    entry = json.loads(second)
    next(iter(entry["cells"].values()))["evidence"] = [{"start": 0, "end": 10**6}]
    path.write_text(first + first + json.dumps(entry) + "\n")
    outcome = bring(target, path)
    assert outcome.counts() == {"created": 1, "unchanged": 0, "refused": 1, "duplicate": 1}
    assert ["twice" in problem.reason for problem in outcome.problems] == [True, False]


@pytest.mark.parametrize("prefill", [True, False])
def test_file_of_refused_machine_labels_makes_no_run(source, target, tmp_path, prefill):
    path = write(source, tmp_path / "a.jsonl", "machine")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["extra"]["body"] = []
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = run_rules(project=target, actor=None)
    assert bring(target, path, prefill=prefill).counts() == {"created": 0, "unchanged": 0, "refused": 4}
    assert list(Run.objects.filter(project=target)) == [before]
    before.refresh_from_db()
    assert before.is_prefill


@pytest.mark.parametrize("body", [[], {"cells": 1}, {"cells": {"spine|stenosis": 5}}, {"imported": {}}])
def test_hostile_machine_label_is_refused_and_the_others_come_in(source, target, tmp_path, body):
    path = write(source, tmp_path / "a.jsonl", "machine")
    first, *rest = path.read_text().splitlines()
    entry = json.loads(first)
    entry["extra"] |= {"body": body}
    path.write_text("\n".join([json.dumps(entry), *rest]) + "\n")
    assert bring(target, path, prefill=True).counts() == {"created": 3, "unchanged": 0, "refused": 1}
    assert Run.objects.get(project=target).manifest["n_out"] == 3


def test_lines_far_apart_that_contradict_each_other_are_all_refused(source, target, tmp_path):
    path = write(source, tmp_path / "a.jsonl")
    first, second, third = path.read_text().splitlines(keepends=True)
    other = first.replace('"value":"present"', '"value":"absent"', 1)
    path.write_text(first + second * 401 + third + other)
    outcome = bring(target, path)
    assert outcome.counts() == {"created": 2, "unchanged": 0, "refused": 2, "duplicate": 400}
    assert {problem.code for problem in outcome.problems} == {"duplicate", "conflicting_id"}
    assert [problem.row for problem in outcome.problems if problem.kind == "refused"] == [1, 404]


@pytest.mark.parametrize("name", ["label_files.read_labels", "label_imports.sha256_of"])
def test_file_is_read_while_nobody_waits_for_the_project(source, target, tmp_path, monkeypatch, name):
    path = write(source, tmp_path / "m.csv", "machine", "long")
    original = import_string(f"annotator.services.{name}")
    depths = []

    def recording(*args, **sent):
        depths.append(len(connection.savepoint_ids))
        return original(*args, **sent)

    monkeypatch.setattr(f"annotator.services.{name}", recording)
    assert bring(target, path, what="machine").created == 4
    assert depths == [len(connection.savepoint_ids)]
