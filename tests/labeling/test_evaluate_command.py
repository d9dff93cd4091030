"""`python -m labeling evaluate` and `calibrate`: real files in, rows out, refusals that say what is wrong."""

import csv
import json
from pathlib import Path

import pytest

from labeling.cli import main
from tests.shared_data import shared_data

LONG = "report_id,target,finding,value,urgency,probability,evidence,rater\n"


def table(path: Path, *rows: str) -> Path:
    path.write_text(LONG + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two readers and a labeler of two lumbar reports, one cell."""
    readers = (f"R{n},spine,stenosis,{value},,,,{who}" for n, value in ((1, "present"), (2, "absent")) for who in "ab")
    labeler = (f"R{n},spine,stenosis,{value},,,,m" for n, value in ((1, "possible"), (2, "not_mentioned")))
    return table(tmp_path / "readers.csv", *readers), table(tmp_path / "labeler.csv", *labeler)


def evaluate(files: tuple[Path, Path], *options: str) -> int:
    reference, labels = map(str, files)
    return main(["evaluate", "--schema", "spine-mri", "--reference", reference, "--labels", labels, *options])


def test_rows_are_written_as_json_csv_and_text(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_json, as_csv = tmp_path / "rows.json", tmp_path / "rows.csv"
    assert evaluate(files, "--resamples", "20", "--json", str(as_json), "--csv", str(as_csv)) == 0
    rows = json.loads(as_json.read_text())
    assert {tuple(row) for row in rows} == {("row", "metric", "value", "low", "high", "n", "n_positive", "p")}
    found = {(row["row"], row["metric"]): row for row in rows}
    assert found["spine stenosis", "f1"]["value"] == 1.0
    assert (found["spine stenosis", "f1"]["n"], found["spine stenosis", "f1"]["n_positive"]) == (2, 1)
    assert "human a / labeler" in {row for row, _ in found}
    with as_csv.open(newline="") as stream:
        assert [row["row"] for row in csv.DictReader(stream)] == [row["row"] for row in rows]
    shown = capsys.readouterr().out
    assert "spine stenosis" in shown
    assert "95 % interval" in shown


def test_undefined_is_null_in_json_and_a_dash_on_screen(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(files[0], "R1,spine,stenosis,absent,,,,a", "R2,spine,stenosis,absent,,,,a")
    assert evaluate(files, "--resamples", "20", "--json", str(tmp_path / "rows.json")) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    recall = next(row for row in rows if (row["row"], row["metric"]) == ("spine stenosis", "recall"))
    assert (recall["value"], recall["low"], recall["n"], recall["n_positive"]) == (None, None, 2, 0)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert next(line[3:5] for line in lines if line[:3] == ["spine", "stenosis", "recall"]) == ["-", "-"]


def test_json_alone_on_standard_output_can_be_piped(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(files, "--resamples", "20", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)


def test_patients_are_drawn_as_wholes_when_a_file_names_them(files: tuple[Path, Path], tmp_path: Path) -> None:
    patients = tmp_path / "patients.csv"
    patients.write_text("report_id,patient\nR1,p\nR2,p\n")
    out = tmp_path / "rows.json"
    assert evaluate(files, "--resamples", "50", "--patients", str(patients), "--json", str(out)) == 0
    # One patient: every resample is the data, so that every defined interval is a point.
    rows = [row for row in json.loads(out.read_text()) if row["low"] is not None]
    assert rows
    assert all(row["low"] == row["value"] == row["high"] for row in rows)


def test_reports_without_a_patient_are_not_one_patient(files: tuple[Path, Path], tmp_path: Path) -> None:
    patients, out = tmp_path / "patients.csv", tmp_path / "rows.json"
    patients.write_text("report_id,patient\nR1,\nR2,\n")
    table(files[1], "R1,spine,stenosis,present,,,,m", "R2,spine,stenosis,present,,,,m")  # one of two is right
    assert evaluate(files, "--resamples", "50", "--patients", str(patients), "--json", str(out)) == 0
    alone = tmp_path / "alone.json"
    assert evaluate(files, "--resamples", "50", "--json", str(alone)) == 0
    assert out.read_text() == alone.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--truth", "eve"], "no rater 'eve'; there are a, b"),
        (["--protocol", "published"], "the published protocol needs the finding 'enlarged'"),
        (["--table", "any-abnormality"], "has no group of findings 'any abnormality'"),
        (["--patients", "/nowhere.csv"], "/nowhere.csv"),
        (["--json", "/nowhere/rows.json"], "/nowhere/rows.json: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert evaluate(files, "--resamples", "20", *options) == 1
    assert message in capsys.readouterr().err


def test_a_row_that_cannot_be_read_refuses_the_file(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    table(files[1], "R1,spine,stenosis,present,,,,m", "R2,spine,stenosis,perhaps,,,,m")
    assert evaluate(files) == 1
    assert "1 rows cannot be read" in capsys.readouterr().err


def test_files_without_a_common_report_are_refused_with_an_id_of_each(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    table(files[1], "X9,spine,stenosis,present,,,,m")
    assert evaluate(files) == 1
    assert "share no report: ids are like ('R1',) in one and ('X9',) in the other" in capsys.readouterr().err


def test_two_ids_that_are_one_without_folder_and_ending_are_refused(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    table(files[1], "a/R1.txt,spine,stenosis,present,,,,m", "b/R1.txt,spine,stenosis,absent,,,,m")
    assert evaluate(files) == 1
    assert "are both 'R1'" in capsys.readouterr().err


def test_two_labelers_in_one_file_are_refused(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate((files[0], files[0])) == 1
    assert "of 2 raters, expected is one labeler" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["labels", "any-abnormality", "urgency", "urgency-prevalence"])
@pytest.mark.parametrize("protocol", ["published", "default"])
def test_every_table_of_the_published_files_can_be_made(tmp_path: Path, name: str, protocol: str) -> None:
    reference, labels = (
        str(shared_data(f"leavs/{each}.csv")) for each in ("amos_test_annotations", "parsing_results_llm_test_amos")
    )
    out = tmp_path / "rows.json"
    arguments = ["evaluate", "--schema", "abdomen-ct", "--reference", reference, "--labels", labels, "--table", name]
    assert main([*arguments, "--protocol", protocol, "--resamples", "20", "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert {"labels": "liver focal", "any-abnormality": "kidneys any abnormality"}.get(name, rows[0]["row"]) in {
        row["row"] for row in rows
    }


def scores(path: Path, *rows: tuple[int, float], finding: str = "stenosis") -> str:
    lines = [f"R{number},{finding},{truth},{score!r}" for number, (truth, score) in enumerate(rows)]
    path.write_text("report_id,finding,truth,score\n" + "\n".join(lines) + "\n")
    return str(path)


def calibrate(fit: str, test: str, out: Path) -> int:
    return main(["calibrate", "--calibration", fit, "--test", test, "--resamples", "20", "--json", str(out)])


def test_a_threshold_is_fitted_on_one_file_and_applied_to_another(tmp_path: Path) -> None:
    fit = scores(tmp_path / "fit.csv", (1, 9.0), (1, 8.0), (0, 2.0), (0, 1.0))
    test = scores(tmp_path / "test.csv", (1, 41.0), (1, 4.0), (0, 40.0), (0, 0.0))
    out = tmp_path / "rows.json"
    assert calibrate(fit, test, out) == 0
    rows = {row["metric"]: row for row in json.loads(out.read_text())}
    assert (rows["threshold"]["value"], rows["threshold"]["n"]) == (5.0, 4)
    assert rows["balanced_accuracy"]["value"] == 0.5  # one of two positives and one of two negatives are right
    assert rows["auroc"]["value"] == 0.75  # three of four pairs in order, 41 above 40 among them
    assert (rows["f1"]["n"], rows["f1"]["n_positive"]) == (4, 2)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ("report_id,finding,truth,score\nR1,stenosis,1,2\n", "1 of 1 calibration cases are positive"),
        ("report_id,finding,truth,score\nR1,cancer,1,2\n", "no scores of 'stenosis'"),
        ("report_id,finding,truth,score\nR1,stenosis,yes,2\n", "line 2: truth is 'yes', expected is 0 or 1"),
        ("report_id,finding,truth,score\nR1,stenosis,1,high\n", "line 2: score is no number"),
        ("report_id,finding,truth,score\nR1,stenosis\n", "line 2: truth is '', expected is 0 or 1"),
        ("report_id,finding,truth\nR1,stenosis,1\n", "no column 'score'"),
        ("report_id,finding,truth,score\nR1,stenosis,1,nan\nR2,stenosis,0,1\n", "1 scores are no finite numbers"),
    ],
)
def test_scores_that_fit_no_threshold_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fit: str, message: str
) -> None:
    (tmp_path / "fit.csv").write_text(fit)
    test = scores(tmp_path / "test.csv", (1, 1.0), (0, 0.0))
    assert calibrate(str(tmp_path / "fit.csv"), test, tmp_path / "rows.json") == 1
    assert message in capsys.readouterr().err
