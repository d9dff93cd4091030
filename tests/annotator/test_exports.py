"""Files that leave the site: what they hold, that they are safe, and that they are written down."""

import csv
import io
import json
import uuid

import pytest
from django.urls import reverse

from annotator.exceptions import UserError
from annotator.models import Arm, Event, StudyRules, User
from annotator.services.exports import Wanted, export
from tests.factories import (
    CaseFactory,
    MachineLabelFactory,
    MembershipFactory,
    ProjectFactory,
    ReadingFactory,
    RunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

BODY = {
    "cells": {
        "spine|stenosis": {"evidence": [[0, 6]], "comment": "small", "flags": ["image_disagrees"], "probability": 1}
    },
    "acknowledged": ["spine|stenosis|none"],
}


@pytest.fixture
def manager():
    return UserFactory(username="boss")


@pytest.fixture
def project(manager):
    """Two cases; ann corrected the first, bob read the first; a run labeled both."""
    project = ProjectFactory(slug="lumbar", manager=manager)
    first, second = (CaseFactory(project=project, report__report_id=name) for name in ("R1", "=R2"))
    ann, bob = UserFactory(username="ann"), UserFactory(username="bob")
    old = ReadingFactory(case=first, reader=ann, values="00000000")
    ReadingFactory(case=first, reader=ann, revision=2, supersedes=old, body=BODY)
    ReadingFactory(case=first, reader=bob)
    ReadingFactory(case=second, reader=ann)
    ReadingFactory()  # of another project
    run = RunFactory(project=project)
    for case in (first, second):
        MachineLabelFactory(run=run, report=case.report, values="+!_.....", urgencies="1_______")
    return project


def text_of(project, what, format_name, **choices):
    wanted = Wanted(what=what, format_name=format_name, **choices)
    return "".join(export(project=project, actor=None, wanted=wanted).chunks)


def lines_of(project, what, **choices):
    return [json.loads(line) for line in text_of(project, what, "jsonl", **choices).splitlines()]


def table_of(project, what, format_name, **choices):
    return list(csv.DictReader(io.StringIO(text_of(project, what, format_name, **choices), newline="")))


def test_latest_revision_of_each_reader_is_the_default(project):
    lines = lines_of(project, "readings")
    assert [(line["report_id"], line["rater"], line["revision"]) for line in lines] == [
        ("R1", "ann", 2),
        ("R1", "bob", 1),
        ("=R2", "ann", 1),
    ]
    assert len(lines_of(project, "readings", all_revisions=True)) == 4
    assert {line["rater"] for line in lines_of(project, "readings", reader="bob")} == {"bob"}


def test_json_lines_hold_everything(project):
    line = lines_of(project, "readings")[0]
    assert line["cells"]["spine|stenosis"] == {
        "value": "present",
        "probability": 1.0,
        "evidence": [{"start": 0, "end": 6}],
        "flags": ["image_disagrees"],
    }
    assert line["active_seconds"] == 61
    assert line["submitted_at"] == "2026-03-02T09:00:00+00:00"
    assert (line["extra"]["kind"], line["extra"]["arm"], line["extra"]["prefill_run"]) == ("readings", "blank", None)
    assert uuid.UUID(line["extra"]["submission_id"])
    assert line["extra"]["body"] == {
        "acknowledged": ["spine|stenosis|none"],
        "cells": {"spine|stenosis": {"comment": "small"}},
    }


def test_machine_labels_keep_unreadable_and_not_asked_apart(project):
    cells = lines_of(project, "machine")[0]["cells"]
    values = [cell["value"] for cell in cells.values()]
    assert values[:4] == ["present", "unreadable", "not_asked", "not_mentioned"]


def test_long_table_names_raters_and_is_safe_in_a_spreadsheet(project):
    rows = table_of(project, "readings", "long")
    assert len(rows) == 3 * 8
    assert {row["rater"] for row in rows} == {"ann", "bob"}
    assert {row["report_id"] for row in rows} == {"R1", "'=R2"}


def test_flag_with_a_blank_fits_into_the_long_table(project):
    ReadingFactory(
        case=CaseFactory(project=project), body={"cells": {"spine|stenosis": {"flags": ["see image; again"]}}}
    )
    assert "see_image_again" in text_of(project, "readings", "long")


def test_wide_table_holds_each_reading_once_and_no_repeat_or_planted_error(project, manager):
    case, ann = project.cases.get(key="=R2"), User.objects.get(username="ann")
    ReadingFactory(case=case, reader=ann, round=2, values="00000000")
    StudyRules.objects.create(project=project, is_training=True)
    ReadingFactory(case=case, reader=manager, arm=Arm.SEEDED, prefill_run=uuid.uuid4())
    rows = table_of(project, "readings", "leavs-wide")
    said = [(row["image1"], row["labeler"]) for row in rows if row["type_annotation"] == "labels"]
    assert said == [("R1", "ann"), ("R1", "bob"), ("'=R2", "ann")]
    assert rows[4]["spine_stenosis"] == "1"


def test_leavs_tables(project):
    wide = table_of(project, "readings", "leavs-wide")
    assert {row["labeler"] for row in wide} == {"ann", "bob"}
    tall = table_of(project, "machine", "leavs")
    assert tall[0]["type_annotation"] == "labels"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"what": "readings", "format_name": "leavs"}, "one reader"),
        ({"what": "readings", "format_name": "leavs-wide", "all_revisions": True}, "revisions"),
        ({"what": "readings", "format_name": "xlsx"}, "choose"),
        ({"what": "reports", "format_name": "long"}, "choose"),
        ({"what": "passwords", "format_name": "jsonl"}, "choose"),
        ({"what": "machine", "format_name": "jsonl", "run": "x"}, "not the id"),
        ({"what": "machine", "format_name": "jsonl", "run": str(uuid.uuid4())}, "no such run"),
    ],
)
def test_export_that_cannot_be_is_refused_before_anything_is_sent(project, wanted, words):
    with pytest.raises(UserError, match=words):
        export(project=project, actor=None, wanted=Wanted(**wanted))
    assert not Event.objects.filter(verb=Event.Verb.LABELS_EXPORTED).exists()


def test_run_of_another_project_is_not_exported(project):
    with pytest.raises(UserError, match="no such run"):
        export(
            project=project,
            actor=None,
            wanted=Wanted(what="machine", format_name="jsonl", run=str(RunFactory(project=ProjectFactory()).run_id)),
        )


def test_export_of_one_reader_as_leavs(project):
    assert len(table_of(project, "readings", "leavs", reader="ann")) > 0


def test_download_is_an_attachment_in_pieces_and_is_written_down(client, project, manager):
    client.force_login(manager)
    response = client.get(reverse("export_download", args=["lumbar"]), {"what": "readings", "format": "long"})
    assert response.streaming
    assert b"R1" in response.getvalue()
    assert response["Content-Disposition"].startswith('attachment; filename="lumbar-readings-')
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"
    event = Event.objects.get(verb=Event.Verb.LABELS_EXPORTED)
    assert (event.actor, event.payload["what"], event.payload["format"]) == (manager, "readings", "long")


def test_page_offers_readers_and_runs_and_says_why_not(client, project, manager):
    client.force_login(manager)
    html = client.get(reverse("exports", args=["lumbar"])).content.decode()
    assert "rules" in html
    response = client.get(
        reverse("export_download", args=["lumbar"]), {"what": "readings", "format": "leavs"}, follow=True
    )
    assert "leavs holds one reader" in response.content.decode()


def test_readers_export_nothing(client, project):
    client.force_login(MembershipFactory(project=project).user)
    for name in ("exports", "export_download"):
        assert client.get(reverse(name, args=["lumbar"]), {"what": "readings", "format": "jsonl"}).status_code == 403


def test_export_reads_rows_as_they_are_sent(project, django_assert_max_num_queries):
    CaseFactory.create_batch(10, project=project)
    with django_assert_max_num_queries(1):
        chunks = export(
            project=project, actor=None, wanted=Wanted(what="reports", format_name="jsonl")
        ).chunks  # the event only
    assert len("".join(chunks).splitlines()) == 12


@pytest.mark.parametrize("name", ["reader", "run", "what", "format"])
def test_name_that_no_database_stores_gives_no_file(client, project, manager, name):
    client.force_login(manager)
    asked = {"what": "readings", "format": "jsonl", name: "a\0"}
    response = client.get(reverse("export_download", args=[project.slug]), asked)
    assert (response.status_code, response.url) == (302, reverse("exports", args=[project.slug]))


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ed%a0%80", "after=99999999999999999999999", "before=9223372036854775808", "state=%00"]
)
def test_query_that_no_database_stores_is_left_out(client, project, manager, query):
    client.force_login(manager)
    assert client.get(reverse("worklist", args=[project.slug]) + "?" + query).status_code == 200


@pytest.mark.parametrize(
    "path", ["imports/%00/", "imports/results/99999999999999999999999/", "cases/9223372036854775808/"]
)
def test_address_that_no_database_stores_leads_nowhere(client, project, manager, path):
    client.force_login(manager)
    assert client.get(reverse("worklist", args=[project.slug]) + path).status_code == 404
