"""`python -m labeling agreement`: readings of several raters in, rows out, refusals that say what is missing."""

import csv
import json
from pathlib import Path

import pytest

from labeling.cli import main
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import LabeledReport, LabelMeta, jsonl
from labeling.core.values import Value
from tests.shared_data import shared_data

LONG = "report_id,target,finding,value,urgency,probability,evidence,rater\n"


def table(path: Path, *rows: str) -> Path:
    path.write_text(LONG + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    """Two readers of four lumbar reports, one cell: both say present twice, absent once, and differ once."""
    said = {"a": ("present", "present", "absent", "present"), "b": ("present", "possible", "absent", "absent")}
    rows = (f"R{n},spine,stenosis,{value},,,,{who}" for who, values in said.items() for n, value in enumerate(values))
    return table(tmp_path / "readings.csv", *rows)


def agreement(readings: Path, *options: str) -> int:
    return main(["agreement", "--schema", "spine-mri", "--readings", str(readings), "--resamples", "20", *options])


def test_rows_are_written_as_json_csv_and_text(
    readings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_json, as_csv = tmp_path / "rows.json", tmp_path / "rows.csv"
    assert agreement(readings, "--json", str(as_json), "--csv", str(as_csv)) == 0
    rows = json.loads(as_json.read_text())
    assert {tuple(row) for row in rows} == {("row", "metric", "value", "low", "high", "n", "n_positive", "p")}
    found = {(row["row"], row["metric"]): row for row in rows}
    presence = found["spine stenosis", "presence percent_agreement"]
    assert (presence["value"], presence["n"], presence["n_positive"]) == (0.75, 4, 5)
    certainty = found["finding stenosis", "certainty percent_agreement"]
    assert (certainty["value"], certainty["n"], certainty["n_positive"]) == (0.5, 2, 3)
    kappa = found["human a / human b", "presence cohen_kappa"]
    assert kappa["value"] == pytest.approx((0.75 - 0.5) / 0.5)  # positive: 3/4 and 2/4, by chance 3/8 + 1/8 agree
    assert found["human a", "urgency 0 %"]["value"] is None
    with as_csv.open(newline="") as stream:
        assert [row["row"] for row in csv.DictReader(stream)] == [row["row"] for row in rows]
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["overall", "urgency", "gwet_ac2", "-", "-", "0"] in shown


def test_patients_are_drawn_as_wholes_when_a_file_names_them(readings: Path, tmp_path: Path) -> None:
    patients, out = tmp_path / "patients.csv", tmp_path / "rows.json"
    patients.write_text("report_id,patient\nR0,p\nR1,p\nR2,p\nR3,p\n")
    assert agreement(readings, "--patients", str(patients), "--json", str(out)) == 0
    # One patient: every resample is the data, so that every interval is a point.
    rows = [row for row in json.loads(out.read_text()) if row["low"] is not None]
    assert rows
    assert all(row["low"] == row["value"] == row["high"] for row in rows)


def test_readings_that_started_from_machine_labels_are_left_out_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readings, out = tmp_path / "readings.jsonl", tmp_path / "rows.json"
    schema, cell = load_preset("spine-mri"), Cell("spine", "stenosis")
    readings.write_text(
        "".join(
            jsonl.render(
                LabeledReport("R1", who, LabelSet({cell: CellLabel(value)}), LabelMeta(extra={"arm": arm})), schema
            )
            for who, value, arm in (
                ("a", Value.PRESENT, "blank"),
                ("b", Value.ABSENT, "blank"),
                ("c", Value.PRESENT, "prefilled"),
            )
        )
    )
    percent = {}
    for origin in ("blind-first", "all"):
        assert agreement(readings, "--origin", origin, "--json", str(out)) == 0
        rows = {(row["row"], row["metric"]): row for row in json.loads(out.read_text())}
        percent[origin] = rows["overall", "presence percent_agreement"]["value"]
    assert percent == {"blind-first": 0.0, "all": pytest.approx(1 / 3)}
    shown = capsys.readouterr().err
    assert "1 readings are left out" in shown
    assert "1 of 3 readings are not known to be made without machine labels" in shown


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["R1,spine,stenosis,present,,,,a"], "the readings are of 'a' alone; agreement needs at least two raters"),
        (["R1,spine,stenosis,perhaps,,,,a"], "1 rows cannot be read"),
    ],
)
def test_readings_that_say_nothing_of_agreement_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], message: str
) -> None:
    assert agreement(table(tmp_path / "readings.csv", *rows)) == 1
    assert message in capsys.readouterr().err


def test_the_published_readings_show_the_two_raters_who_share_no_report(tmp_path: Path) -> None:
    out, path = tmp_path / "rows.json", str(shared_data("leavs/amos_test_annotations.csv"))
    arguments = ["agreement", "--schema", "abdomen-ct", "--readings", path, "--resamples", "20", "--json", str(out)]
    assert main(arguments) == 0
    found = {(row["row"], row["metric"]): row for row in json.loads(out.read_text())}
    apart = found["human 2 / human 3", "presence cohen_kappa"]
    assert (apart["value"], apart["low"], apart["n"]) == (None, None, 0)
    assert found["overall", "presence fleiss_kappa"]["n"] == 9000
    # The wide table holds 0 and 1: nobody could say "possible".
    certainty = found["overall", "certainty percent_agreement"]
    assert (certainty["value"], certainty["n"]) == (None, 0)
    assert found["human 4", "urgency 2 %"]["value"] == 6.25  # Table 5 of LEAVS prints 6.3
