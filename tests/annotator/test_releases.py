"""Releases: asked for, frozen by a worker, checked, compared, downloaded, corrected."""

import io
import json
import uuid
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator import tasks
from annotator.core.releases.formats import GOLD_FILE
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.writing import remove
from annotator.exceptions import UserError
from annotator.models import (
    NO_TEXT,
    Arm,
    AssignmentPlan,
    Case,
    Event,
    Gold,
    Guideline,
    Reading,
    Release,
    Report,
    StudyRules,
)
from annotator.services import releases
from annotator.services.label_imports import LabelImportOptions, import_labels
from annotator.services.release_contents import folder_of
from annotator.services.release_files import difference_of, download, errata_text, verify_release, write_erratum
from annotator.services.releases import ask_again, freeze, waiting
from tests.annotator.released import REQUEST, SMALL, add_gold, asked, frozen
from tests.annotator.seat_worlds import add_seat
from tests.annotator.worlds import NOW, TEXT

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(world):
    """Two final cases, one in adjudication."""
    return [
        add_gold(world.cases[0]),
        add_gold(world.cases[1], values="0.0.0.0.", origins="dddddddd"),
        add_gold(world.cases[2], state=Gold.State.IN_ADJUDICATION, values="+_0.0.0.", origins="dudddddd"),
    ]


@pytest.fixture(autouse=True)
def release_folder(settings, tmp_path):
    settings.RELEASE_DIR = tmp_path / "releases"
    yield settings.RELEASE_DIR
    remove(settings.RELEASE_DIR)


def cases_of(release):
    return {case.key: case for case in read_gold(folder_of(release) / GOLD_FILE)}


def bytes_of(release, name=""):
    return b"".join(download(release=release, actor=release.requested_by, name=name, now=NOW).chunks)


def read(world, case, reader, values="0" * 8, **fields):
    given = {"revision": 1, "arm": Arm.BLANK, "active_seconds": 30, "submitted_at": NOW, "urgencies": "_" * 8}
    return Reading.objects.create(
        project=world.project,
        case=case,
        reader=reader,
        schema=world.project.schema,
        submission_id=uuid.uuid4(),
        values=values,
        **(given | fields),
    )


def test_release_holds_final_cases_and_never_those_still_open(world, gold):
    release = frozen(world)
    assert set(cases_of(release)) == {"lumbar-1", "lumbar-2"}
    assert release.n_cases == 2
    assert release.manifest["selection"]["cases of the project by state"]["in adjudication"] == 1


def test_undecided_cells_of_open_cases_have_no_value_where_these_are_asked_for(world, gold):
    release = frozen(world, request=replace(SMALL, only_final=False))
    case = cases_of(release)["lumbar-3"]
    assert (case.values, case.n_undecided) == ("+_0.0.0.", 1)


def test_excluded_cases_are_never_released(world, gold):
    Gold.objects.filter(pk=gold[0].pk).update(state=Gold.State.EXCLUDED)
    assert set(cases_of(frozen(world, request=replace(SMALL, only_final=False)))) == {"lumbar-2", "lumbar-3"}


def test_blind_release_leaves_assisted_cells_undecided(world, gold):
    case = cases_of(frozen(world, request=replace(SMALL, origins="blind")))["lumbar-1"]
    # Origins d s m a j k d d: a and k are assisted.
    assert (case.values, case.origins) == ("+.0_+_+.", "dsmujudd")


def test_report_texts_are_in_it_only_when_they_are_asked_for_and_events_say_so(world, gold):
    without, holding = frozen(world), frozen(world, "v2", replace(SMALL, with_texts=True))
    assert not (folder_of(without) / "reports.jsonl").exists()
    assert (
        TEXT in json.loads((folder_of(holding) / "reports.jsonl").read_text(encoding="utf-8").splitlines()[0])["text"]
    )
    for path in folder_of(without).iterdir():
        assert "compresses the thecal sac" not in path.read_text(encoding="utf-8")
    verbs = [Event.Verb.RELEASE_ASKED_FOR, Event.Verb.RELEASE_FROZEN]
    said = [event.payload["report_texts"] for event in Event.objects.filter(verb__in=verbs).order_by("pk")]
    assert said == [False, False, True, True]


def test_report_whose_text_is_not_there_has_none_in_a_release_with_texts(world, gold):
    report = Report.objects.create(
        project=world.project, report_id="unknown", has_text=False, text=NO_TEXT, text_sha256=""
    )
    add_gold(Case.objects.create(project=world.project, report=report, key="unknown", position=9, patient_key="f" * 64))
    release = frozen(world, request=replace(SMALL, with_texts=True))
    lines = (folder_of(release) / "reports.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["report_id"] for line in lines] == ["lumbar-1", "lumbar-2"]
    assert cases_of(release)["unknown"].text_sha256 is None
    card = (folder_of(release) / "data-card.md").read_text(encoding="utf-8")
    assert "The project has no report text of 1 cases." in card


def test_card_says_that_cases_were_drawn_with_unequal_probabilities(world, gold):
    drawn_by = AssignmentPlan.objects.create(
        project=world.project,
        number=1,
        seed=0,
        request={},
        summary={},
        method_version=1,
        applied_by=world.manager,
        applied_at=NOW,
    )
    for case, stratum, probability in zip(world.cases, ("rare", "common", "common"), (1.0, 0.25, 0.25), strict=True):
        add_seat(case, world.reader, plan=drawn_by, stratum=stratum, inclusion_probability=probability)
    release = frozen(world)
    assert [case.probability for case in cases_of(release).values()] == [1.0, 0.25]
    card = (folder_of(release) / "data-card.md").read_text(encoding="utf-8")
    assert "drawn with probabilities from 0.25 to 1" in card
    # lumbar-3 is not final, so that it is not in the release.
    assert "| common | 1 | 0.25 | 0.25 |" in card
    assert "| rare | 1 | 1.0 | 1.0 |" in card


def test_splits_of_an_earlier_release_are_kept(world, gold):
    shares = replace(SMALL, fractions={"train": 0.5, "test": 0.5}, seed=3)
    first = cases_of(frozen(world, request=shares))
    again = cases_of(frozen(world, "v2", replace(shares, seed=4, splits_of="v1", only_final=False)))
    assert {key: again[key].split for key in first} == {key: case.split for key, case in first.items()}


def test_data_card_names_rules_guideline_and_agreement_but_no_reader(world, gold):
    Guideline.objects.create(
        project=world.project, version=1, text="Protrusions count.", written_by=world.manager, written_at=NOW
    )
    for case in world.cases:
        read(world, case, world.reader, "+.0.+.+.")
        read(world, case, world.other_reader, "+.0.0.+.")
    release = frozen(world)
    card = (folder_of(release) / "data-card.md").read_text(encoding="utf-8")
    assert "Protrusions count." in card
    assert "every cell on which readers differ" in card
    assert "Cohen κ of two readers" in card
    assert "| A, B |" in card
    everything = "".join(path.read_text(encoding="utf-8") for path in folder_of(release).iterdir())
    for person in (world.reader, world.other_reader, world.manager):
        assert person.username not in everything


@pytest.mark.parametrize("secret", ["a" * 50, "b" * 50, "c" * 50])
def test_pairs_of_readers_stand_by_their_letters_and_not_by_their_names(world, gold, settings, secret):
    settings.PATIENT_KEY_SECRET = secret
    for case in world.cases:
        for reader in (world.reader, world.other_reader, world.manager):
            read(world, case, reader, "+.0.+.+.")
    card = (folder_of(frozen(world)) / "data-card.md").read_text(encoding="utf-8")
    shown = [line.split(" |")[0].removeprefix("| ") for line in card.splitlines() if ", " in line.split(" |")[0]]
    assert [pair for pair in shown if len(pair) == 4] == ["A, B", "A, C", "B, C"]


def test_reader_who_corrects_after_seeing_labels_counts_as_blind_with_the_time_of_the_blind_reading(world, gold):
    blind = read(world, world.cases[0], world.reader, active_seconds=40)
    shown = {"arm": Arm.PREFILLED, "prefill_run": world.run.run_id, "revision": 2, "supersedes": blind}
    read(world, world.cases[0], world.reader, active_seconds=90, **shown)
    read(world, world.cases[1], world.reader, active_seconds=0)
    card = (folder_of(frozen(world)) / "data-card.md").read_text(encoding="utf-8")
    assert "| blank | 2 | 2 | 40.0 |" in card
    assert "| prefilled |" not in card


def test_repeats_and_planted_errors_count_for_nothing_in_the_data_card(world, gold):
    read(world, world.cases[0], world.reader, round=2)
    StudyRules.objects.create(project=world.project, is_training=True)
    read(world, world.cases[1], world.reader, arm=Arm.SEEDED, prefill_run=world.run.run_id)
    assert "Readings by arm" not in (folder_of(frozen(world)) / "data-card.md").read_text(encoding="utf-8")


def test_every_format_is_written_and_whole(world, gold):
    release = frozen(world, request=REQUEST)
    assert verify_release(release).is_whole
    assert release.n_bytes == sum(said["bytes"] for said in release.manifest["files"].values())
    assert "huggingface/data/all.parquet" in release.manifest["files"]


def test_gold_of_a_release_comes_in_as_machine_labels_where_that_is_said(world, gold):
    path = folder_of(frozen(world)) / GOLD_FILE
    unsaid, said = (
        import_labels(project=world.project, path=path, actor=None, options=LabelImportOptions(what=what))
        for what in ("", "machine")
    )
    assert (unsaid.created, unsaid.refused) == (0, 2)
    assert (said.created, said.refused) == (2, 0)


def test_name_is_used_once(world, gold):
    frozen(world)
    with pytest.raises(UserError, match="never used twice"):
        asked(world)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 61, "a/b", "v1\n"])
def test_name_that_could_be_no_file_name_is_refused(world, gold, name):
    with pytest.raises(UserError, match="a name has at most"):
        asked(world, name)


def test_release_without_final_gold_is_refused(world):
    with pytest.raises(UserError, match="no case can be released"):
        asked(world)


def test_database_refuses_to_change_or_delete_a_frozen_release(world, gold):
    release = frozen(world)
    for change in (lambda: Release.objects.update(description="other"), release.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_release_stays_as_it_was_when_gold_changes(world, gold):
    release = frozen(world)
    Gold.objects.filter(pk=gold[0].pk).update(values="0" * 8, version=2)
    assert cases_of(release)["lumbar-1"].values == "+.0.+.+."
    assert verify_release(release).is_whole


def test_message_is_sent_once_the_request_is_stored(world, gold, django_capture_on_commit_callbacks):
    sent = []
    with django_capture_on_commit_callbacks(execute=True):
        release = asked(world, send=sent.append)
        assert sent == []
    assert sent == [release.pk]


def test_second_message_freezes_nothing_again(world, gold):
    release = frozen(world)
    assert freeze(release.pk) is None
    assert Event.objects.filter(verb=Event.Verb.RELEASE_FROZEN).count() == 1


def test_release_that_a_worker_holds_is_left_alone_and_a_dead_one_is_taken_over(world, gold, release_folder):
    release = asked(world)
    now = timezone.now()
    Release.objects.update(state="running", attempts=1, lease_until=now + timedelta(seconds=30))
    assert waiting(now=now) == []
    assert freeze(release.pk, now=now) is None
    left = release_folder / str(world.project.pk) / f"{release.pk}-1-1.part"
    left.mkdir(parents=True)
    (left / "half").write_text("x", encoding="utf-8")
    later = now + timedelta(seconds=31)
    assert waiting(now=later) == [release.pk]
    done = freeze(release.pk, now=later)
    assert done.state == "done"
    assert [path.name for path in left.parent.iterdir()] == [Path(done.folder).name]


def test_worker_that_was_taken_over_leaves_no_files_and_no_release(world, gold, release_folder, monkeypatch):
    release = asked(world)

    def slow(*args, **kwargs):
        Release.objects.update(attempts=2)
        return write(*args, **kwargs)

    write = releases.write_release
    monkeypatch.setattr(releases, "write_release", slow)
    assert freeze(release.pk) is None
    release.refresh_from_db()
    assert release.state == "running"
    assert list(release_folder.rglob("manifest.json")) == []


def test_fault_frees_the_release_and_the_third_ends_it(world, gold, monkeypatch, release_folder):
    release = asked(world)

    def fail(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(releases, "write_release", fail)
    states = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            freeze(release.pk)
        release.refresh_from_db()
        states.append(release.state)
    assert states == ["queued", "queued", "failed"]
    assert release.reason == releases.FAULT
    monkeypatch.undo()
    assert ask_again(release, send=lambda _key: None)
    assert freeze(release.pk).state == "done"
    assert not ask_again(release, send=lambda _key: None)


def test_what_cannot_be_released_is_told(world, gold):
    release = asked(world)
    Gold.objects.update(state=Gold.State.IN_ADJUDICATION)
    failed = freeze(release.pk)
    assert (failed.state, failed.manifest) == ("failed", None)
    assert "none is final" in failed.reason


def test_archive_holds_every_file_under_one_folder_and_the_errata(world, gold):
    release = frozen(world)
    write_erratum(release=release, actor=world.manager, text="L4 is wrong", now=NOW)
    archive = zipfile.ZipFile(io.BytesIO(bytes_of(release)))
    assert archive.testzip() is None
    names = {"manifest.json", "errata.json", *release.manifest["files"]}
    assert {name.removeprefix("lumbar-v1/") for name in archive.namelist()} == names
    for name in release.manifest["files"]:
        assert archive.read(f"lumbar-v1/{name}") == (folder_of(release) / name).read_bytes()
    assert json.loads(archive.read("lumbar-v1/errata.json"))["errata"][0]["text"] == "L4 is wrong"
    assert bytes_of(release) == bytes_of(release)


def test_download_is_written_down(world, gold):
    release = frozen(world)
    assert bytes_of(release, "schema.yaml").decode() == world.project.schema.source
    event = Event.objects.get(verb=Event.Verb.RELEASE_DOWNLOADED)
    assert (event.actor, event.payload["file"]) == (world.manager, "schema.yaml")


@pytest.mark.parametrize("name", ["../secret_key", "/etc/passwd", "none.csv", "huggingface"])
def test_only_files_of_the_manifest_are_sent(world, gold, name):
    with pytest.raises(UserError, match="has no file"):
        download(release=frozen(world), actor=None, name=name, now=NOW)


def test_erratum_is_kept_apart_and_the_files_stay(world, gold):
    release = frozen(world)
    pairs = [("lumbar-1", "spine|stenosis"), ("lumbar-2", "")]
    write_erratum(
        release=release, actor=world.manager, text=" The report was of another patient. ", cells=pairs, now=NOW
    )
    second = write_erratum(release=release, actor=world.manager, text="Once more.", now=NOW)
    assert second.number == 2
    said = json.loads(errata_text(release))
    assert [each["text"] for each in said["errata"]] == ["The report was of another patient.", "Once more."]
    assert said["errata"][0]["cells"][0] == {"report_id": "lumbar-1", "cell": "spine|stenosis"}
    assert verify_release(release).is_whole
    with pytest.raises(IntegrityError), transaction.atomic():
        release.errata.update(text="never mind")


@pytest.mark.parametrize(
    ("text", "cells", "words"),
    [
        ("  ", [], "1 to 4,000 characters"),
        ("x", [("nobody", "")], "has no case 'nobody'"),
        ("x", [("lumbar-1", "spine|tumour")], "has no cell 'spine|tumour'"),
    ],
)
def test_erratum_of_what_the_release_does_not_have_is_refused(world, gold, text, cells, words):
    release = frozen(world)
    with pytest.raises(UserError, match=words.replace("|", r"\|")):
        write_erratum(release=release, actor=world.manager, text=text, cells=cells, now=NOW)


def test_two_releases_are_compared(world, gold):
    before = frozen(world)
    Gold.objects.filter(pk=gold[0].pk).update(values="0.0.+.+.", version=2)
    Gold.objects.filter(pk=gold[2].pk).update(state=Gold.State.FINAL, n_open=0, values="+00.0.0.")
    after = frozen(world, "v2")
    found = difference_of(before, after)
    assert (found.added, found.removed) == (("lumbar-3",), ())
    (change,) = found.changes
    assert (change.key, str(change.cell), change.value, change.flips) == (
        "lumbar-1",
        "spine|stenosis",
        ("+", "0"),
        True,
    )


def test_release_that_is_not_frozen_has_no_files(world, gold):
    release = asked(world)
    for work in (verify_release, lambda it: difference_of(it, it), bytes_of):
        with pytest.raises(UserError, match="not frozen yet"):
            work(release)


def test_sweep_sends_a_message_for_each_that_waits(world, gold, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.freeze_release, "delay", sent.append)
    waits = asked(world)
    frozen(world, "v2")
    tasks.sweep_releases()
    assert sent == [waits.pk]


def told(*arguments):
    out = io.StringIO()
    call_command("release", *arguments, stdout=out)
    return out.getvalue()


def test_command_freezes_lists_checks_compares_and_corrects(world, gold):
    said = told("create", "lumbar", "v1", "--split", "0.5", "0", "0.5", "--seed", "7", "--user", "lumbar-manager")
    assert "release v1: 2 cases" in said
    release = Release.objects.get()
    assert release.request["fractions"] == {"train": 0.5, "test": 0.5}
    assert "v1: frozen, 2 cases, 0 errata" in told("list", "lumbar")
    assert "files are as they were frozen" in told("verify", "lumbar", "v1")
    assert "files are as they were frozen" in told("verify", str(folder_of(release)))
    told("create", "lumbar", "v2", "--formats", "csv")
    assert "2 in both, 0 added, 0 removed" in told("diff", "lumbar", "v1", "v2")
    told(
        "erratum",
        "lumbar",
        "v1",
        "wrong",
        "--cell",
        "lumbar-1 spine|cauda equina compression",
        "--user",
        "lumbar-manager",
    )
    assert release.errata.get().cells == [{"report_id": "lumbar-1", "cell": "spine|cauda equina compression"}]


def test_command_names_what_was_changed_and_fails(world, gold):
    release = frozen(world)
    path = folder_of(release) / GOLD_FILE
    path.chmod(0o600)
    path.write_text("x", encoding="utf-8")
    out = io.StringIO()
    with pytest.raises(CommandError, match="not as it was frozen"):
        call_command("release", "verify", "lumbar", "v1", stdout=out)
    assert out.getvalue() == "changed: gold.jsonl\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "lumbar", "v9"], "there is no release 'v9'"),
        (["create", "lumbar", "v1", "--split", "0.5", "0.1", "0.1"], "add up to 0.7"),
    ],
)
def test_command_says_what_is_wrong(world, gold, arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("release", *arguments)
