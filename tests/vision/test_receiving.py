"""A received study that the database refuses is tried a few times; a database out of reach costs no study a try."""

import pytest
from django.db import connection

from tests.annotator.worlds import NOW
from tests.factories import CaseFactory, ProjectFactory
from tests.vision.image_files import ACCESSION, slice_dataset
from vision.core.spool import Quiet
from vision.models import Series
from vision.services.receiving import import_next, open_spool

AT_ONCE = Quiet(open_s=0, released_s=0, broken_s=0)
# The number of the series that the database refuses.
BAD = 666
REFUSING = {
    "sqlite": [
        f"CREATE TRIGGER refuse BEFORE INSERT ON vision_series WHEN NEW.number = {BAD} "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    ],
    "postgresql": [
        f"CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN IF NEW.number = {BAD} THEN "
        "RAISE EXCEPTION ''refused''; END IF; RETURN NEW; END' LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE INSERT ON vision_series FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
}
READ_ONLY = {
    "sqlite": (["PRAGMA query_only = ON"], ["PRAGMA query_only = OFF"]),
    "postgresql": (["SAVEPOINT writable", "SET transaction_read_only = on"], ["ROLLBACK TO SAVEPOINT writable"]),
}


def execute(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def make_world(settings, tmp_path):
    """A project for which images are received."""
    settings.DATA_DIR, settings.IMAGE_DIR = tmp_path, tmp_path / "images"
    settings.IMAGE_DIR.mkdir(mode=0o700)
    project = ProjectFactory()
    CaseFactory(project=project, report__report_id=ACCESSION)
    return project


def opened(project):
    spool = open_spool(project, quota_bytes=1 << 30, now_s=0.0)
    spool.min_free_bytes = 0
    return spool


def receive(spool, study_uid, *, number=3):
    """A study of one image has come."""
    dataset = slice_dataset(
        0, series=f"{study_uid}.1", StudyInstanceUID=study_uid, SeriesNumber=number, FrameOfReferenceUID=study_uid
    )
    path = spool.arriving / study_uid
    dataset.save_as(path, enforce_file_format=True)
    spool.keep(path, study_uid=study_uid, sop_uid=dataset.SOPInstanceUID, association=1, now_s=0.0)


def attempt(project, spool, now_s):
    """What is said of the study that is tried now; None when there is none to try."""
    received = import_next(project=project, spool=spool, quiet=AT_ONCE, actor=None, now=NOW, now_s=now_s)
    if received is None:
        return None
    return "imported" if received.record else received.reason


@pytest.mark.django_db
def test_study_that_the_database_refuses_is_put_aside_after_five_tries_and_holds_up_no_other(settings, tmp_path):
    project = make_world(settings, tmp_path)
    execute(*REFUSING[connection.vendor])
    spool = opened(project)
    receive(spool, "2.25.41", number=BAD)
    receive(spool, "2.25.42")
    said = {}
    # Twice every half minute for 20 minutes.
    for step in range(80):
        now_s = 30.0 * (step // 2)
        answer = attempt(project, spool, now_s)
        if answer is not None:
            said.setdefault(now_s, []).append(answer)
    # The waits double from a minute: 60, 120, 240 and 480 s.
    assert list(said) == [0, 60, 180, 420, 900]
    assert said[0][1] == "imported"
    assert Series.objects.get().number == 3
    assert "try 1 of 5" in said[0][0]
    assert "60 s" in said[0][0]
    [study] = (spool.folder / "failed").iterdir()
    [last] = said[900]
    assert "put aside" in last
    assert f"failed/{study.name}" in last
    assert not list((spool.folder / "waiting").rglob("*.dcm"))
    spool.close()


@pytest.mark.django_db
def test_database_that_takes_no_writes_costs_no_study_a_try(settings, tmp_path):
    project = make_world(settings, tmp_path)
    spool = opened(project)
    receive(spool, "2.25.41")
    receive(spool, "2.25.42")
    off, on = READ_ONLY[connection.vendor]
    execute(*off)
    try:
        said = [attempt(project, spool, 10.0 * step) for step in range(60)]
    finally:
        execute(*on)
    told = [answer for answer in said if answer]
    # For ten minutes one line every half minute, whichever of the two studies it is.
    assert len(told) == 20
    assert all("out of reach" in answer for answer in told)
    assert [attempt(project, spool, 1000.0) for _ in range(3)] == ["imported", "imported", None]
    assert Series.objects.count() == 2
    spool.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="a database in memory is never out of reach: scripts/with_postgres.py pytest tests/vision",
)
def test_database_that_cannot_be_connected_costs_no_study_a_try(settings, tmp_path, monkeypatch):
    project = make_world(settings, tmp_path)
    spool = opened(project)
    receive(spool, "2.25.41")
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", str(tmp_path / "nowhere"))
        connection.close()
        said = [attempt(project, spool, 60.0 * step) for step in range(10)]
    assert all(answer and "out of reach" in answer for answer in said)
    assert attempt(project, spool, 1000.0) == "imported"
    spool.close()
