"""The commands of an operator, as typed."""

import io
import stat

import pytest
from django.core.management import CommandError, call_command

from annotator.management.console import Progress
from annotator.models import Event, Project, Reading, Report, User
from labeling.models import MachineLabel, Run
from tests.factories import (
    MembershipFactory,
    ProjectFactory,
    ReadingFactory,
    RunFactory,
    UserFactory,
    csv_bytes,
    report_rows,
)

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def project():
    return ProjectFactory(slug="lumbar", manager=UserFactory(username="boss"))


@pytest.fixture
def reports(tmp_path):
    path = tmp_path / "reports.csv"
    path.write_bytes(csv_bytes(report_rows(3)))
    return path


def test_create_user_draws_a_password_and_shows_it_once():
    out = run("create_user", "ann", "--generate", "--staff")
    user = User.objects.get(username="ann")
    assert user.is_staff
    assert user.check_password(out.split("shown only now: ")[1].strip())


def pipe(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_create_user_takes_a_piped_password_and_does_not_print_it(monkeypatch):
    pipe(monkeypatch, "correct-horse-battery\n")
    assert "correct-horse" not in run("create_user", "ann", "--password-stdin")
    assert User.objects.get().check_password("correct-horse-battery")


def test_create_user_asks_on_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answers = iter(["correct-horse-battery", "correct-horse-battery"])
    monkeypatch.setattr("annotator.management.commands.create_user.getpass", lambda _: next(answers))
    assert "password" not in run("create_user", "ann")
    assert User.objects.get().check_password("correct-horse-battery")


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("ann", "short", "too short"),
        ("boss", "correct-horse-battery", "already"),
        ("a b", "correct-horse-battery", "valid"),
    ],
)
def test_create_user_says_why_not(project, monkeypatch, name, password, words):
    pipe(monkeypatch, password)
    with pytest.raises(CommandError, match=words):
        run("create_user", name, "--password-stdin")


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_create_user_needs_the_password_it_is_promised(monkeypatch, text):
    pipe(monkeypatch, text)
    with pytest.raises(CommandError, match="standard input holds no password"):
        run("create_user", "ann", "--password-stdin")


@pytest.mark.parametrize("from_file", [True, False])
def test_create_project(project, tmp_path, from_file):
    schema = tmp_path / "knee.yaml"
    text = "format: 1\nname: knee\nversion: 1\ntargets: [{name: knee}]\nfindings: [{name: tear, definition: t}]\n"
    schema.write_text(text)
    run("create_project", "My Project", "--schema", schema if from_file else "abdomen-ct", "--manager", "boss")
    made = Project.objects.get(slug="my-project")
    assert made.schema.name == ("knee" if from_file else "abdomen-ct")


@pytest.mark.parametrize(
    ("schema", "manager", "words"),
    [("no-such", "boss", "neither"), ("spine-mri", "nobody", "no active user 'nobody'")],
)
def test_create_project_says_why_not(project, schema, manager, words):
    with pytest.raises(CommandError, match=words):
        run("create_project", "x", "--schema", schema, "--manager", manager)


def test_set_member_and_none_ends_it(project):
    UserFactory(username="ann")
    run("set_member", "lumbar", "ann", "reader")
    assert project.memberships.get(user__username="ann").role == "reader"
    run("set_member", "lumbar", "ann", "reader", "adjudicator")
    assert set(project.memberships.filter(user__username="ann").values_list("role", flat=True)) == {
        "reader",
        "adjudicator",
    }
    with pytest.raises(CommandError, match="stands alone"):
        run("set_member", "lumbar", "ann", "reader", "none")
    run("set_member", "lumbar", "ann", "none")
    assert not project.memberships.filter(user__username="ann").exists()
    with pytest.raises(CommandError, match="last manager"):
        run("set_member", "lumbar", "boss", "none")


def test_set_member_writes_down_who_decided(project):
    UserFactory(username="ann")
    run("set_member", "lumbar", "ann", "reader", "--user=boss")
    assert Event.objects.get(verb=Event.Verb.MEMBER_SET, payload__user="ann").actor.username == "boss"


def test_import_reports_again_labels_what_a_crash_left_without_labels(project, reports):
    run("import_reports", "lumbar", reports, "--no-labels")
    assert not MachineLabel.objects.exists()
    assert "3 reports labeled" in run("import_reports", "lumbar", reports)
    assert MachineLabel.objects.count() == 3
    assert "labeled" not in run("import_reports", "lumbar", reports)


def test_import_reports_keeps_chosen_labels_of_another_labeler(project, reports):
    run("import_reports", "lumbar", reports, "--no-labels")
    chosen = RunFactory(project=project, labeler="imported", manifest={"rater": "gpt"})
    assert "the labels of gpt, which were chosen; they stay" in run("import_reports", "lumbar", reports)
    assert list(Run.objects.all()) == [chosen]


def test_import_reports_keeps_named_columns_and_warns(project, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("pat_id,report,site,nr,mrn\nP1,Text.,A,4711,M1\n")
    arguments = ("import_reports", "lumbar", path, "--no-labels", "--keep-column", "site", "--keep-column=mrn")
    out = run(*arguments)
    assert "note: One column is report id and patient" in out
    assert "not stored, they name patients: mrn" in out
    assert Report.objects.get().extra == {"site": "A"}


def test_import_reports_stores_and_labels(project, reports):
    out = run("import_reports", "lumbar", reports, "--user", "boss")
    assert "3 created, 0 unchanged, 0 refused" in out
    assert (Report.objects.count(), MachineLabel.objects.count()) == (3, 3)
    assert Event.objects.get(verb=Event.Verb.REPORTS_IMPORTED).actor.username == "boss"
    assert "nothing new" in run("import_reports", "lumbar", reports)


def test_import_reports_without_labels(project, reports):
    run("import_reports", "lumbar", reports, "--no-labels")
    assert not Run.objects.exists()


def test_import_reports_shows_what_would_happen(project, reports):
    out = run("import_reports", "lumbar", reports, "--dry-run", "--verbosity", "2")
    assert "would be: 3 created" in out
    assert "2\tR00001\tcreated" in out
    assert not Report.objects.exists()


def test_import_reports_tells_refused_rows_and_fails_when_all_are(project, tmp_path, capsys):
    path = tmp_path / "blank.csv"
    path.write_bytes(csv_bytes([row | {"text": " "} for row in report_rows(2)]))
    out = io.StringIO()
    with pytest.raises(CommandError, match="nothing could be imported"):
        call_command("import_reports", "lumbar", str(path), stdout=out)
    assert out.getvalue().count("\trefused\t") == 2


def test_import_reports_takes_named_columns_and_a_folder(project, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_bytes(b"alpha,beta,gamma\r\n1,some text,P1\r\n")
    with pytest.raises(CommandError, match="not all recognised"):
        run("import_reports", "lumbar", path)
    columns = ("--id-column", "alpha", "--text-column", "beta", "--patient-column", "gamma")
    run("import_reports", "lumbar", path, *columns, "--no-labels")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "R9.txt").write_text("Findings: none.")
    run("import_reports", "lumbar", folder, "--no-labels")
    assert Report.objects.count() == 2


@pytest.mark.parametrize(
    "arguments", [("no-such", "x.csv"), ("lumbar", "no-such.csv"), ("lumbar", "x", "--user", "nobody")]
)
def test_import_reports_names_what_is_missing(project, arguments):
    with pytest.raises(CommandError, match=r"no-such|nobody"):
        run("import_reports", *arguments)


def test_label_and_again(project, reports):
    run("import_reports", "lumbar", reports, "--no-labels")
    assert "3 reports" in run("label", "lumbar", "--labeler", "rules")
    run("label", "lumbar")
    assert Run.objects.count() == 1


def test_export_and_import_labels(project, reports, tmp_path):
    run("import_reports", "lumbar", reports, "--no-labels")
    reading = ReadingFactory(case=project.cases.first())
    path = tmp_path / "readings.jsonl"
    run("export_labels", "lumbar", "--what", "readings", "--format", "jsonl", "--out", path, "--user", "boss")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    MembershipFactory(project=ProjectFactory(slug="fresh"), user=reading.reader)
    run("import_reports", "fresh", reports, "--no-labels")
    assert "1 created" in run("import_labels", "fresh", path)
    assert "1 unchanged" in run("import_labels", "fresh", path)
    assert Reading.objects.filter(project__slug="fresh").count() == 1


def test_export_goes_to_standard_output(project, reports, capsys):
    run("import_reports", "lumbar", reports)
    run("export_labels", "lumbar", "--what", "machine", "--format", "long")
    assert capsys.readouterr().out.startswith("report_id,target,finding,value")


def test_import_labels_fails_when_nothing_fits(project, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("{}\n")
    with pytest.raises(CommandError, match="nothing could be imported"):
        run("import_labels", "lumbar", path)
    with pytest.raises(CommandError, match="there is no file"):
        run("import_labels", "lumbar", tmp_path / "no")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_only():
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        progress = Progress("rows", stream=stream)
        progress(500)
        progress(1500, 2000)
        progress.end()
    assert terminal.getvalue() == "\rrows: 500\rrows: 1,500 of 2,000\n"
    assert not pipe.getvalue()
