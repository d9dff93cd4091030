"""From files to figures: phantoms with planted findings, labelled by the rules from their invented reports."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from labeling.core.rules import label_report
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import LabeledReport, write_labels
from vision.cli import main
from vision.core.features.table import load_features
from vision.core.learning.models import load_model
from vision.core.nifti import write_nifti_gz
from vision.core.phantoms.cohort import Patient, abdomens, spines

ORGANS, LEVELS = load_preset("abdomen-ct"), load_preset("spine-mri")
PLANTED = {
    "spleen enlarged": Cell("spleen", "enlarged"),
    "liver diffuse": Cell("liver", "diffuse"),
    "liver focal": Cell("liver", "focal"),
    "gallbladder absent": Cell("gallbladder", "absent"),
}


def write_study(folder: Path, patients: Iterable[Patient], *, preset: str, size: int, n_images: int) -> list[Patient]:
    """Images, masks, cases.csv, classes.csv and labels.csv of the patients, and the patients."""
    schema = load_preset(preset)
    rows, reports, kept = ["case_id,patient_key,image,mask"], [], list(patients)
    for patient in kept:
        canvas = patient.paint(size=size, n_images=n_images)
        for name, voxels in (("image", canvas.voxels.round().astype(np.int16)), ("mask", canvas.labels)):
            path = folder / f"{patient.case_id}-{name}.nii.gz"
            write_nifti_gz(path, voxels, affine_lps=canvas.affine_lps(), compression=1)
        rows.append(
            f"{patient.case_id},p{patient.case_id},{patient.case_id}-image.nii.gz,{patient.case_id}-mask.nii.gz"
        )
        reports.append(LabeledReport(patient.case_id, "rules", label_report(patient.report, schema)))
    (folder / "cases.csv").write_text("\n".join(rows))
    write_labels(folder / "labels.csv", reports, schema=schema, format="long")
    return kept


def run(folder: Path, command: str, *options: str, preset: str = "") -> None:
    paths = [str(folder / option) if "." in option or option == "model" else option for option in options]
    schema = ["--schema", preset] if preset else []
    assert main([command, *paths, *schema]) == 0


def trained(folder: Path, preset: str, *options: str, seeds: tuple[str, ...] = ("0", "1", "2")) -> None:
    """Features, models of these seeds, figures of the test cases and predictions."""
    run(folder, "features", "--cases", "cases.csv", "--out", "features.npz", "--spacing-mm", "8", preset=preset)
    data = ("--features", "features.npz", "--labels", "labels.csv")
    run(folder, "train", *data, "--out", "model", *options, "--seeds", *seeds, preset=preset)
    figures = ("--model", "model", "--out", "figures.csv", "--resamples", "200")
    run(folder, "evaluate", *data, *figures, preset=preset)
    run(folder, "predict", "--features", "features.npz", "--model", "model", "--out", "predictions.csv")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def aucs(folder: Path, target: str, finding: str) -> list[float]:
    return [
        float(row["value"])
        for row in rows_of(folder / "figures.csv")
        if (row["target"], row["finding"], row["figure"]) == (target, finding, "auroc")
    ]


@pytest.fixture(scope="module")
def abdomen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Patient]]:
    folder = tmp_path_factory.mktemp("abdomen")
    patients = write_study(folder, abdomens(56, seed=4), preset="abdomen-ct", size=64, n_images=24)
    trained(folder, "abdomen-ct", "--findings", "size", "diffuse", "focal", "absent")
    return folder, patients


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spine")
    write_study(folder, spines(60, seed=4), preset="spine-mri", size=112, n_images=11)
    trained(folder, "spine-mri", "--findings", "stenosis", "--shared", seeds=("0", "1"))
    return folder


def test_the_rules_read_from_the_invented_reports_what_was_planted() -> None:
    for patient in abdomens(20, seed=9):
        labels = label_report(patient.report, ORGANS)
        assert {name for name, cell in PLANTED.items() if labels[cell].state == "present"} == patient.planted
    for patient in spines(20, seed=9):
        labels = label_report(patient.report, LEVELS)
        stenoses = {f"{cell.target} stenosis" for cell in LEVELS.cells if labels[cell].state == "present"}
        assert stenoses - {"spine stenosis"} == patient.planted


@pytest.mark.parametrize(("target", "finding"), [("spleen", "size"), ("liver", "diffuse"), ("gallbladder", "absent")])
def test_planted_findings_of_organs_are_told_in_test_cases(abdomen, target, finding) -> None:
    of_seeds = aucs(abdomen[0], target, finding)
    assert len(of_seeds) == 3
    assert np.mean(of_seeds) >= 0.95


def test_a_narrow_canal_is_told_by_one_machine_for_all_levels(spine) -> None:
    of_seeds = aucs(spine, "*", "stenosis")
    assert len(of_seeds) == 2
    assert np.mean(of_seeds) >= 0.95


def test_shuffled_labels_teach_nothing(abdomen, tmp_path) -> None:
    folder, patients = abdomen
    rng = np.random.default_rng(6)
    shuffled = rng.permutation(len(patients))
    reports = [
        LabeledReport(patients[index].case_id, "rules", label_report(patients[other].report, ORGANS))
        for index, other in enumerate(shuffled.tolist())
    ]
    write_labels(tmp_path / "labels.csv", reports, schema=ORGANS, format="long")
    data = [
        "--features",
        str(folder / "features.npz"),
        "--labels",
        str(tmp_path / "labels.csv"),
        "--schema",
        "abdomen-ct",
    ]
    model = str(tmp_path / "model")
    assert main(["train", *data, "--out", model, "--findings", "size", "diffuse", "absent"]) == 0
    assert main(["evaluate", *data, "--model", model, "--out", str(tmp_path / "figures.csv"), "--part", "test"]) == 0
    judged = [row for row in rows_of(tmp_path / "figures.csv") if row["figure"] == "auroc" and row["low"]]
    chosen = [row for row in judged if (row["target"], row["finding"]) in {("spleen", "size"), ("liver", "diffuse")}]
    assert len(chosen) == 2
    for row in chosen:
        assert float(row["low"]) <= 0.5 <= float(row["high"])


def test_predictions_name_case_outcome_score_and_threshold(abdomen) -> None:
    folder, patients = abdomen
    rows = [row for row in rows_of(folder / "predictions.csv") if (row["finding"], row["seed"]) == ("absent", "0")]
    assert [row["case_id"] for row in rows] == [patient.case_id for patient in patients]
    said = {row["case_id"]: row["is_present"] for row in rows}
    right = [said[each.case_id] == str(int("gallbladder absent" in each.planted)) for each in patients]
    assert np.mean(right) > 0.9


def test_figures_over_seeds_and_a_model_that_names_its_making(abdomen) -> None:
    folder, _ = abdomen
    [spleen] = [
        row
        for row in rows_of(folder / "figures-over-seeds.csv")
        if (row["target"], row["finding"], row["figure"]) == ("spleen", "size", "auroc")
    ]
    assert float(spleen["mean"]) == pytest.approx(np.mean(aucs(folder, "spleen", "size")))
    model = load_model(folder / "model" / "seed-0")
    assert model.manifest["extractor"]["name"] == "radiomics"
    assert model.manifest["features_sha256"] == load_features(folder / "features.npz").manifest["sha256"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("case_id,image\na,b", "lacks the column patient_key"),
        ("case_id,patient_key,image\na,,b", "line 2: patient_key is empty"),
        ("case_id,patient_key,image\na,p,b\na,p,b", "line 3: the case stands twice"),
        ("case_id,patient_key,image\n", "lists no case"),
    ],
)
def test_a_list_of_cases_that_cannot_be_used_says_why(rows, said, tmp_path, capsys) -> None:
    (tmp_path / "cases.csv").write_text(rows)
    command = ["features", "--cases", str(tmp_path / "cases.csv"), "--schema", "abdomen-ct"]
    assert main([*command, "--out", str(tmp_path / "features.npz")]) == 1
    assert said in capsys.readouterr().err


def test_refused_cases_are_listed_and_told_by_the_exit_status(tmp_path, capsys) -> None:
    (tmp_path / "cases.csv").write_text("case_id,patient_key,image,mask\na,p,none.nii.gz,none.nii.gz")
    command = ["features", "--cases", str(tmp_path / "cases.csv"), "--schema", "abdomen-ct"]
    assert main([*command, "--out", str(tmp_path / "features.npz")]) == 3
    assert "case a: the file none.nii.gz cannot be read" in capsys.readouterr().err
