"""`python -m labeling evaluate` and `calibrate`: real files in, rows out, refusals that say what is wrong."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from labeling import cli
from labeling.cli import main
from labeling.core.evaluation import clusters, origins
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import LabeledReport, LabelMeta, jsonl
from labeling.core.values import state_of_name
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


def test_the_shell_offers_what_the_library_has() -> None:
    assert (cli.ORIGINS, cli.INTERVALS) == (origins.ORIGINS, clusters.INTERVALS)


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


def test_reports_without_a_patient_are_not_one_patient(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patients, out = tmp_path / "patients.csv", tmp_path / "rows.json"
    patients.write_text("report_id,patient\nR1,\nR2,\nR3,p\n")
    for path, who, values in ((files[0], "a", "present absent absent"), (files[1], "m", "present present absent")):
        table(path, *(f"R{n},spine,stenosis,{value},,,,{who}" for n, value in enumerate(values.split(), start=1)))
    assert evaluate(files, "--resamples", "50", "--patients", str(patients), "--json", str(out)) == 0
    alone = tmp_path / "alone.json"
    assert evaluate(files, "--resamples", "50", "--json", str(alone)) == 0
    assert out.read_text() == alone.read_text()
    assert "2 of 3 reports have no patient" in capsys.readouterr().err


def test_patients_are_found_by_the_ids_that_the_files_have_in_common(files: tuple[Path, Path], tmp_path: Path) -> None:
    table(files[0], *(f"./R{n}.txt,spine,stenosis,{said},,,,a" for n, said in ((1, "present"), (2, "absent"))))
    table(files[1], *(f"images/R{n}.nii.gz,spine,stenosis,present,,,,m" for n in (1, 2)))
    patients, out = tmp_path / "patients.csv", tmp_path / "rows.json"
    patients.write_text("report_id,patient\n./R1.txt,p\nR2.txt,p\n")
    assert evaluate(files, "--resamples", "50", "--patients", str(patients), "--json", str(out)) == 0
    # One of two is right, and both are of one patient.
    found = rows_in(out)["micro", "precision"]
    assert (found["low"], found["value"], found["high"]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("X1,p\nX2,q\n", "no report has a patient; the reports have ids like 'R1'"),
        ("R1,\nR2,\n", "no report has a patient"),
        ("R1,p\nR2,p\nR1,q\n", "report 'R1' has two patients"),
        ("a/R1.txt,p\nb/R1.txt,q\n", "report 'R1' has two patients"),
    ],
)
def test_patients_that_cannot_be_told_are_refused(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, message: str
) -> None:
    patients = tmp_path / "patients.csv"
    patients.write_text(f"report_id,patient\n{lines}")
    assert evaluate(files, "--resamples", "20", "--patients", str(patients)) == 1
    assert message in capsys.readouterr().err


def test_seeds_are_not_negative(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate(files, "--seed=-1")
    assert "'-1' is not a number from 0 on" in capsys.readouterr().err


def test_a_p_is_not_below_what_resamples_can_tell_from_zero(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Reader a misses everything that b, its truth, and the labeler call positive: in no resample is it the other way.
    table(
        files[0],
        *(
            f"R{n},spine,stenosis,{said},,,,{who}"
            for n in range(9)
            for who, said in (("a", "absent"), ("b", "present"))
        ),
    )
    table(files[1], *(f"R{n},spine,stenosis,present,,,,m" for n in range(9)))
    out = tmp_path / "rows.json"
    assert evaluate(files, "--resamples", "100", "--json", str(out)) == 0
    assert rows_in(out)["human a", "recall"]["p"] == 0.02  # 2 / 100
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert next(line[-1] for line in lines if line[:3] == ["human", "a", "recall"]) == "<0.020"


def rows_in(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["row"], row["metric"]): row for row in json.loads(path.read_text())}


def test_an_adjudicator_decides_and_is_not_judged(files: tuple[Path, Path], tmp_path: Path) -> None:
    more = [f"R1,spine,stenosis,{value},,,,{who}" for who, value in (("a", "present"), ("b", "absent"))]
    table(files[0], *more, "R1,spine,stenosis,present,,,,eve")
    out = tmp_path / "rows.json"
    assert evaluate(files, "--adjudicator", "eve", "--resamples", "20", "--json", str(out)) == 0
    rows = rows_in(out)
    assert (rows["micro", "recall"]["value"], rows["micro", "recall"]["n"]) == (1.0, 1)
    assert {name for name, _ in rows if name.startswith("human") and "/" not in name} == {
        *("human a", "human b", "human average")
    }


ABDOMEN = [
    ("a", ("present", 1), ("present", 2), ("present", 3)),
    ("b", ("present", 1), ("present", 2), ("present", 3)),
    ("eve", ("present", 3), ("present", 1), ("", None)),
]


@pytest.mark.parametrize(
    ("options", "n", "tau"),
    [
        # The labeler has 1, 2, 3, and so have the medians and a; eve has 3, 1 and nothing.
        ([], 3, 1.0),
        (["--truth", "a"], 3, 1.0),
        (["--truth", "eve"], 2, -1.0),
        # 3 and 1 of eve, 3 of the others: one pair concordant, one discordant, one tied.
        (["--adjudicator", "eve"], 3, 0.0),
    ],
)
def test_urgency_is_judged_by_the_truth_that_was_asked_for(
    tmp_path: Path, options: list[str], n: int, tau: float
) -> None:
    def lines(who: str, said: Iterable[tuple[str, int | None]]) -> list[str]:
        return [
            f"R{number},liver,focal,{value},{'' if level is None else level},,,{who}"
            for number, (value, level) in enumerate(said)
            if value
        ]

    reference = table(tmp_path / "readers.csv", *(row for who, *said in ABDOMEN for row in lines(who, said)))
    labels = table(tmp_path / "labels.csv", *lines("m", [("present", 1), ("present", 2), ("present", 3)]))
    out = tmp_path / "rows.json"
    arguments = ["evaluate", "--schema", "abdomen-ct", "--reference", str(reference), "--labels", str(labels)]
    assert main([*arguments, "--table", "urgency", *options, "--resamples", "20", "--json", str(out)]) == 0
    found = rows_in(out)["micro", "tau_b"]
    assert (found["n"], found["value"]) == (n, pytest.approx(tau))


@pytest.mark.parametrize("name", ["urgency", "urgency-prevalence"])
def test_tables_of_urgency_ignore_no_option(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    labels = str(table(tmp_path / "labels.csv", "R1,liver,focal,present,1,,,a"))
    arguments = ["evaluate", "--schema", "abdomen-ct", "--reference", labels, "--labels", labels, "--table", name]
    for options in (["--truth", "nobody"], ["--adjudicator", "nobody"], ["--patients", "/nowhere.csv"]):
        assert main([*arguments, *options]) == 1
        expected = {"--patients": "/nowhere.csv"}.get(options[0], "no rater 'nobody'; there are a")
        if name == "urgency-prevalence":
            expected = f"{options[0]} is not for the table urgency-prevalence"
        assert expected in capsys.readouterr().err
        assert main([*arguments, *options, "--protocol", "published"]) == 1
        assert f"{options[0]} is not for the" in capsys.readouterr().err


def test_intervals_are_made_as_asked(files: tuple[Path, Path], tmp_path: Path) -> None:
    readers = [f"R{n},spine,stenosis,{'present' if n % 3 else 'absent'},,,,a" for n in range(20)]
    labeler = [f"R{n},spine,stenosis,{'present' if n % 4 else 'absent'},,,,m" for n in range(20)]
    files = table(files[0], *readers), table(files[1], *labeler)
    found = {}
    for kind in ("percentile", "bca"):
        out = tmp_path / f"{kind}.json"
        assert evaluate(files, "--interval", kind, "--resamples", "400", "--json", str(out)) == 0
        found[kind] = rows_in(out)["micro", "f1"]
    assert found["percentile"]["value"] == found["bca"]["value"]
    assert found["percentile"]["low"] != found["bca"]["low"]


def with_arms(path: Path, *readings: tuple[str, str, str, str]) -> Path:
    """JSON Lines of readings: report, rater, value, arm."""
    schema = load_preset("spine-mri")
    cell = Cell("spine", "stenosis")
    lines = [
        jsonl.render(
            LabeledReport(
                report, rater, LabelSet({cell: CellLabel(state_of_name(value))}), LabelMeta(extra={"arm": arm})
            ),
            schema,
        )
        for report, rater, value, arm in readings
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_blind_readings_are_the_truth_where_there_are_any_and_the_rest_is_said(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = with_arms(
        tmp_path / "readers.jsonl",
        ("R1", "a", "absent", "blank"),
        ("R1", "b", "present", "prefilled"),
        ("R2", "a", "absent", "prefilled"),
    )
    out = tmp_path / "rows.json"
    assert evaluate((reference, files[1]), "--resamples", "20", "--json", str(out)) == 0
    assert (rows_in(out)["micro", "recall"]["n"], rows_in(out)["micro", "recall"]["n_positive"]) == (2, 0)
    shown = capsys.readouterr().err
    assert "1 readings are left out" in shown
    assert "the truth of 1 of 2 reports is assisted" in shown
    assert evaluate((reference, files[1]), "--origin", "blind", "--resamples", "20", "--json", str(out)) == 0
    assert rows_in(out)["micro", "recall"]["n"] == 1


def test_assisted_readings_of_a_named_rater_judge_the_labeler_alone(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The adjudicator c saw machine labels in R1; a and b read blind, and differ.
    reference = with_arms(
        tmp_path / "readers.jsonl",
        ("R1", "a", "absent", "blank"),
        ("R1", "b", "present", "blank"),
        ("R1", "c", "present", "prefilled"),
        ("R2", "a", "absent", "blank"),
        ("R2", "b", "absent", "blank"),
        ("R9", "c", "absent", "prefilled"),
    )
    out = tmp_path / "rows.json"
    assert evaluate((reference, files[1]), "--adjudicator", "c", "--resamples", "20", "--json", str(out)) == 0
    rows = rows_in(out)
    assert (rows["micro", "recall"]["n"], rows["micro", "recall"]["n_positive"]) == (2, 1)
    # a is judged by b alone, positive in R1, and b by a, who is not: with c both would have a positive.
    assert [rows[f"human {who}", "recall"]["n_positive"] for who in "ab"] == [1, 0]
    # R9 is not among the labels.
    assert "the truth of 1 of 2 reports is assisted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--truth", "a"], ["--adjudicator", "a"], ["--origin", "all"], ["--interval", "bca"], ["--patients", "p.csv"]],
)
def test_options_of_the_default_protocol_are_refused_for_the_published_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    labels = tmp_path / "labels.csv"
    table(labels, "R1,liver,focal,present,,,,a")
    arguments = ["evaluate", "--schema", "abdomen-ct", "--reference", str(labels), "--labels", str(labels)]
    assert main([*arguments, "--protocol", "published", *options]) == 1
    assert f"{options[0]} is not for the published protocol" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--adjudicator", "eve"], "no rater 'eve'; there are a, b"),
        (["--origin", "blind"], "no reading is known to be made without machine labels"),
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
    expected = {
        "labels": ("liver focal", "f1"),
        "any-abnormality": ("kidneys any abnormality", "f1"),
        "urgency": ("kidneys" if protocol == "published" else "kidneys any abnormality", "tau_b"),
        "urgency-prevalence": ("human 4", "urgency 3 %"),
    }
    assert expected[name] in rows_in(out)


def test_urgencies_are_drawn_by_patient(files: tuple[Path, Path], tmp_path: Path) -> None:
    schema, cell = ("--schema", "abdomen-ct"), "liver,focal,present"
    levels = [(0, 1), (1, 0), (2, 3), (3, 2), (1, 2), (0, 0)]
    reference = table(files[0], *(f"R{n},{cell},{level},,,a" for n, (level, _) in enumerate(levels)))
    labels = table(files[1], *(f"R{n},{cell},{level},,,m" for n, (_, level) in enumerate(levels)))
    patients, found = tmp_path / "patients.csv", {}
    patients.write_text("report_id,patient\n" + "".join(f"R{n},p\n" for n in range(len(levels))))
    for name, options in (("alone", ()), ("one", ("--patients", str(patients)))):
        out = tmp_path / f"{name}.json"
        arguments = ("evaluate", *schema, "--reference", str(reference), "--labels", str(labels), "--table", "urgency")
        assert main([*arguments, *options, "--resamples", "200", "--json", str(out)]) == 0
        found[name] = rows_in(out)["micro", "tau_b"]
    assert found["alone"]["low"] < found["alone"]["value"] == found["one"]["value"]
    # One patient: every resample is the data.
    assert found["one"]["low"] == found["one"]["high"] == found["one"]["value"]


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


def patients(path: Path, *rows: tuple[str, int, float]) -> str:
    lines = [
        f"{path.stem}{number},L4-L5,stenosis,{patient},{truth},{score}"
        for number, (patient, truth, score) in enumerate(rows)
    ]
    path.write_text("report_id,target,finding,patient,truth,score\n" + "\n".join(lines) + "\n")
    return str(path)


def test_calibrated_figures_are_shown_as_a_line_for_each_condition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = patients(tmp_path / "fit.csv", ("a", 1, 9.0), ("a", 0, 1.0))
    test = patients(tmp_path / "test.csv", ("b", 1, 8.0), ("b", 1, 2.0), ("b", 0, 0.0))
    assert main(["calibrate", "--calibration", fit, "--test", test, "--resamples", "20"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["condition", "n", "n+", "balanced", "accuracy", "EER", "AUROC", "F1", "threshold"]
    # One patient in each file: every resample is the file. Above 5: one of two positives, no negative; F1 is 2/3.
    shown = [f"{each:.3f} ({each:.3f} to {each:.3f})" for each in (0.75, 0, 1, 2 / 3, 5)]
    assert line.split("  ", 1)[0] == "L4-L5 stenosis"
    assert " ".join(line.split()).endswith(" ".join(["3 2", *shown]))


def test_cases_of_calibration_patients_in_the_test_file_are_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = patients(tmp_path / "fit.csv", ("a", 1, 9.0), ("b", 0, 1.0))
    test = patients(tmp_path / "test.csv", ("b", 1, 8.0), ("", 1, 2.0), ("", 0, 0.0))
    assert calibrate(fit, test, tmp_path / "rows.json") == 0
    assert "L4-L5 stenosis: 1 of 3 test cases are of patients or reports of the calibration" in capsys.readouterr().err


def test_reports_of_the_calibration_file_are_leaked_when_one_file_alone_names_patients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = scores(tmp_path / "fit.csv", (1, 9.0), (0, 1.0))
    test = tmp_path / "test.csv"
    test.write_text("report_id,finding,truth,score,patient\nR1,stenosis,1,2,p\nX1,stenosis,0,1,q\n")
    assert calibrate(fit, str(test), tmp_path / "rows.json") == 0
    assert "stenosis: 1 of 2 test cases are of patients or reports of the calibration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            "report_id,finding,truth,score\nR1,stenosis,1,2\nR1,pain,1,2\nR1,stenosis,1,2\n",
            "line 4: report 'R1' stands twice for stenosis",
        ),
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
