"""`python -m labeling`: schemas shown and checked, files of reports labelled."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labeling.cli import LABEL_FORMATS, main
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.core.tables import FORMATS, read_labels
from labeling.progress import Progress
from tests.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[2]
REPORTS = 'pat_id,report\nP1,"There is a 2 cm cyst in the liver.\nSpleen is normal."\nP2,Cholecystectomy.\n'


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A file of two reports."""
    path = tmp_path / "reports.csv"
    path.write_text(REPORTS, encoding="utf-8")
    return path


def label(source: object, out: object, *options: str, schema: str = "abdomen-ct") -> int:
    """Status of one `label` command."""
    return main(["label", "--schema", schema, "--labeler", "rules", "--in", str(source), "--out", str(out), *options])


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "labeling", *arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


def test_list_names_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "abdomen-ct\tAbdominal CT\t99 cells",
        "abdomen-ct-wide\tAbdominal CT, merged findings\t45 cells",
        "spine-mri\tLumbar spine MRI\t8 cells",
    ]


def test_show_prints_yaml_that_can_be_edited_and_given_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "show", "spine-mri"]) == 0
    source = capsys.readouterr().out
    assert source == preset_source("spine-mri")
    path = tmp_path / "mine.yaml"
    path.write_text(source, encoding="utf-8")
    assert main(["schema", "show", str(path), "--summary"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "4 targets, 5 findings, 8 cells"
    assert lines[-1].split() == ["L5-S1", "x", ".", ".", ".", "."]


def test_check_prints_every_error_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("format: 1\nname: x\nversion: none\ncolour: red\ntargets: []\nfindings: []\n", encoding="utf-8")
    assert main(["schema", "check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5", "6"]
    path.write_text(preset_source("spine-mri"), encoding="utf-8")
    assert main(["schema", "check", str(path)]) == 0
    assert "8 cells" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_check_of_what_cannot_be_read_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "schema.yaml"
    if content is not None:
        path.write_bytes(content)
    assert main(["schema", "check", str(path)]) == 1
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("table_format", LABEL_FORMATS)
def test_label_writes_a_table_that_reads_back(
    reports: Path, capsys: pytest.CaptureFixture[str], table_format: str
) -> None:
    out = reports.with_name("labels")
    assert label(reports, out, "--format", table_format) == 0
    assert capsys.readouterr().err == "2 reports labelled\n"
    table = read_labels(out, schema=load_preset("abdomen-ct"), filename="labels")
    assert [report.report_id for report in table.reports] == ["P1", "P2"]
    assert table.problems == ()
    assert set(os.listdir(out.parent)) == {"reports.csv", "labels"}


def test_every_format_but_that_of_several_raters_is_offered() -> None:
    assert set(LABEL_FORMATS) == set(FORMATS) - {"long-raters"}


def test_long_is_the_default_and_has_the_columns_that_scripts_rely_on(reports: Path) -> None:
    out = reports.with_name("labels.csv")
    assert label(reports, out, schema="spine-mri") == 0
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["report_id", "target", "finding", "value", "urgency", "probability", "evidence"]
    assert len(rows) == 1 + 2 * 8


def test_refused_rows_are_listed_and_the_rest_is_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reports.csv"
    source.write_bytes(b'id,report\n1,Normal.\n2,\n3,SECRET\x00\n4,a,SECRET\n5,"SECRET" x\n6,Normal.\n6,SECRET\n')
    assert label(source, tmp_path / "out.jsonl", "--format", "jsonl") == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "blank_text",
        "unstorable_character",
        "too_many_fields",
        "bad_quoting",
        "conflicting_id",
        "conflicting_id",
    ]
    assert lines[-1] == (
        "1 reports labelled, 1 bad_quoting, 1 blank_text, 2 conflicting_id, 1 too_many_fields, 1 unstorable_character"
    )
    assert "SECRET" not in "".join(lines)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1


def test_identical_rows_leave_no_report_without_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("id,report\n1,Normal.\n1,Normal.\n")
    assert label(source, tmp_path / "out.csv") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "1 reports labelled, 1 duplicate"


def test_long_list_of_refused_rows_is_cut_and_quiet_leaves_it_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("id,report\n" + "".join(f"{i},\n" for i in range(70)) + "x,Normal.\n")
    assert label(source, tmp_path / "out.csv") == 3
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), lines[50]) == (52, "... and 20 more")
    assert label(source, tmp_path / "out.csv", "--quiet") == 3
    assert capsys.readouterr().err == "1 reports labelled, 70 blank_text\n"


def test_columns_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("Nummer,Befund,report\n7,Normal.,other\n")
    out = tmp_path / "out.jsonl"
    assert label(source, out) == 2
    assert "no column of report ids is recognised; the columns are 'Nummer', 'Befund'" in capsys.readouterr().err
    assert label(source, out, "--id-column", "nummer", "--text-column", "Befund", "--format", "jsonl") == 0
    entry = json.loads(out.read_text())
    assert entry["report_id"] == "7"
    assert label(source, out, "--id-column", "Nr", "--text-column", "Befund") == 2
    assert "there is no column 'Nr'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "status"), [(b"%PDF-1.7", 1), (b"", 1), (b"id,report\n1,\xff\x81\n", 1), (None, 1)]
)
def test_input_that_cannot_be_read_leaves_no_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, status: int
) -> None:
    source = tmp_path / "reports.csv"
    if content is not None:
        source.write_bytes(content)
    assert label(source, tmp_path / "out.csv") == status
    assert capsys.readouterr().err.startswith(f"labeling: {source}: ")
    assert not (tmp_path / "out.csv").exists()
    assert label(source, "-") == status
    assert capsys.readouterr().out == ""


def test_output_that_cannot_be_written_says_so(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert label(reports, reports.parent / "none" / "out.csv") == 1
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["label"],
        ["label", "--schema", "abdomen-ct", "--in", "a", "--out", "b", "--format", "xls"],
        ["label", "--schema", "abdomen-ct", "--in", "a", "--out", "b", "--workers", "0"],
        ["label", "--schema", "abdomen-ct", "--in", "a", "--out", "b", "--labeler", "oracle"],
        ["schema", "shout"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_unknown_schema_names_the_presets(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert label(reports, "-", schema="brain") == 2
    assert "presets are abdomen-ct, abdomen-ct-wide, spine-mri" in capsys.readouterr().err


def test_schema_with_errors_lists_them(reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text("format: 1\nname: x\n", encoding="utf-8")
    assert label(reports, "-", schema=str(tmp_path / "bad.yaml")) == 1
    assert "line 1: the schema: 'targets' is missing" in capsys.readouterr().err


def test_workers_write_what_one_process_writes(tmp_path: Path) -> None:
    source = tmp_path / "reports.csv"
    rows = "".join(f"{i},{'Cyst in the liver.' if i % 3 else ''} Report {i}.\n" for i in range(200))
    source.write_text("id,report\n" + rows + "x,\n")
    outs = [tmp_path / f"{workers}.jsonl" for workers in (1, 2)]
    for workers, out in enumerate(outs, start=1):
        done = command(
            *("label", "--schema", "abdomen-ct", "--in", str(source), "--out", str(out)),
            *("--format", "jsonl", "--workers", str(workers)),
        )
        assert (done.returncode, done.stderr.splitlines()[-1]) == (3, b"200 reports labelled, 1 blank_text")
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_standard_input_and_output_are_pipes() -> None:
    done = command("label", "--schema", "spine-mri", "--in", "-", "--out", "-", input="id;report\n1;Größe.\n".encode())
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert {row["report_id"] for row in rows} == {"1"}
    assert len(rows) == 8


def test_named_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    out = tmp_path / "out.csv"
    writer = threading.Thread(target=lambda: pipe.write_text("nr,report\n1,Normal.\n"))
    writer.start()
    assert label(pipe, out, "--id-column", "nr", schema="spine-mri") == 0
    writer.join()
    assert len(out.read_text().splitlines()) == 1 + 8


def test_column_that_is_still_missing_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("nr,words\n1,Normal.\n")
    assert label(source, "-", "--id-column", "nr") == 2
    assert "--text-column is needed; the columns are 'nr', 'words'" in capsys.readouterr().err


def test_reader_that_leaves_early_is_no_crash(tmp_path: Path) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("id,report\n" + "".join(f"{i},Normal.\n" for i in range(2000)))
    with subprocess.Popen(
        [sys.executable, "-m", "labeling", "label", "--schema", "abdomen-ct", "--in", str(source), "--out", "-"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("workers", "number", "status"), [("1", signal.SIGINT, 130), ("2", signal.SIGINT, 130), ("2", signal.SIGTERM, 143)]
)
def test_interrupt_leaves_no_file(tmp_path: Path, workers: str, number: signal.Signals, status: int) -> None:
    source, folder = tmp_path / "reports.csv", tmp_path / "out"
    folder.mkdir()
    text = "The liver has a cyst. The spleen is normal. " * 50
    source.write_text("id,report\n" + "".join(f"{i},{text}\n" for i in range(3_000)))
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "labeling", "label", "--schema", "abdomen-ct", "--workers", workers),
            *("--in", str(source), "--out", str(folder / "labels.csv")),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    ) as process:
        deadline = time.monotonic() + 60
        while not list(folder.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(folder.iterdir())
        process.send_signal(number)
        assert process.wait(20) == status
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert list(folder.iterdir()) == []


def test_start_is_fast_and_loads_nothing_heavy() -> None:
    script = (
        "import sys, labeling.cli; labeling.cli.main(['schema', 'list']); "
        "print([name for name in ('django', 'numpy', 'openpyxl', 'pysbd', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == b"[]"


def test_progress_shows_count_rate_and_time_left() -> None:
    clock = iter([0.0, 0.1, 2.0, 10.0])
    terminal = io.StringIO()
    progress = Progress(terminal, total=1000, clock=lambda: next(clock))
    progress.show(1)
    progress.show(100)
    progress.show(400)
    progress.clear()
    assert terminal.getvalue().split("\r") == [
        "",
        "[##                  ] 100 of 1,000  50/s  0:18 left\x1b[K",
        "[########            ] 400 of 1,000  40/s  0:15 left\x1b[K",
        "\x1b[K",
    ]


def test_progress_of_nothing_is_no_division_by_zero() -> None:
    progress = Progress(io.StringIO(), total=0, clock=lambda: 0.0)
    assert progress.line(0, elapsed_s=0.0) == "[####################] 0 of 0  0/s"


def test_progress_is_drawn_on_a_terminal_only(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert label(reports, reports.with_name("out.csv")) == 0
    assert "\r\x1b[K" in terminal.getvalue()
    terminal.truncate(0)
    assert label(reports, reports.with_name("out.csv"), "--quiet") == 0
    assert "\r" not in terminal.getvalue()


def test_real_notes_are_labelled_without_django(tmp_path: Path) -> None:
    notes = shared_data("reports/lumbar_mri_notes.csv")
    out = tmp_path / "labels.csv"
    assert label(notes, out, "--format", "leavs", schema="spine-mri") == 0
    table = read_labels(out, schema=load_preset("spine-mri"), filename="labels.csv")
    assert (len(table.reports), table.problems) == (515, ())
