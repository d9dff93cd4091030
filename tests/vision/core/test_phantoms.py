"""Made-up bodies: patient sides, organs and classes that agree, lesions where a report says, the same files again."""

import hashlib
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from vision.cli import main
from vision.core.phantoms import abdomen, lumbar
from vision.core.phantoms.plans import PlanError, SeriesPlan, StudyPlan, read_plans, write_study
from vision.core.phantoms.shapes import Canvas, Capsule, Ellipsoid, axial, sagittal

DEMO = Path(__file__).parents[3] / "annotator" / "demo"
PLANS = {
    name: plan
    for file in ("images.yaml", "images-more.yaml")
    for name, plan in read_plans((DEMO / file).read_text(encoding="utf-8")).items()
}


@pytest.fixture(scope="module")
def ordinary() -> Canvas:
    canvas = axial(size=128, fov_mm=380, first_z=195, spacing_mm=6, n_images=66)
    abdomen.paint_abdomen(canvas, abdomen.AbdomenPlan())
    return canvas


def centroid_mm(canvas: Canvas, value: int) -> np.ndarray:
    k, j, i = np.argwhere(canvas.labels == value).mean(axis=0)
    return (canvas.affine_lps() @ [i, j, k, 1])[:3]


def volume_ml(canvas: Canvas, value: int) -> float:
    return float((canvas.labels == value).sum() * abs(np.linalg.det(canvas.affine_lps()[:3, :3])) / 1000)


def test_organs_lie_on_their_sides_of_the_patient(ordinary):
    at = {name: centroid_mm(ordinary, value) for name, value in abdomen.CLASSES.items()}
    assert at["liver"][0] < -50 < 50 < at["spleen"][0]
    assert at["kidney_right"][0] < -40 < 40 < at["kidney_left"][0]
    assert at["gallbladder"][0] < 0 < at["stomach"][0]
    assert at["gallbladder"][1] < at["pancreas"][1] < at["kidney_left"][1], "front to back"
    assert at["liver"][2] > at["kidney_right"][2] > at["colon"][2], "head to feet"
    assert at["vertebrae_L1"][2] > at["vertebrae_L5"][2]


# Volumes of healthy adults in any textbook of anatomy, with room.
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("liver", 1200, 1900),
        ("spleen", 120, 350),
        ("kidney_left", 100, 220),
        ("pancreas", 40, 110),
        ("gallbladder", 25, 80),
    ],
)
def test_organs_have_ordinary_volumes(ordinary, name, low, high):
    assert low < volume_ml(ordinary, abdomen.CLASSES[name]) < high


@pytest.mark.parametrize("name", ["liver", "spleen"])
def test_voxels_of_an_organ_have_its_value(ordinary, name):
    inside = ordinary.voxels[ordinary.labels == abdomen.CLASSES[name]]
    assert np.median(inside) == pytest.approx(abdomen.HU[name], abs=5)


def test_air_is_air_and_bone_is_bone(ordinary):
    assert np.median(ordinary.voxels[:, :10, :10]) == pytest.approx(-1000, abs=10)
    assert ordinary.voxels.min() >= -1000
    assert np.median(ordinary.voxels[ordinary.labels == abdomen.CLASSES["vertebrae_L3"]]) > 180


def test_absent_organ_leaves_no_class_and_scaled_organ_another_volume(ordinary):
    canvas = axial(size=128, fov_mm=380, first_z=195, spacing_mm=6, n_images=66)
    plan = abdomen.AbdomenPlan(absent=frozenset({"gallbladder", "kidney_right"}), scale={"spleen": 1.3})
    abdomen.paint_abdomen(canvas, plan)
    assert volume_ml(canvas, abdomen.CLASSES["gallbladder"]) == 0
    assert volume_ml(canvas, abdomen.CLASSES["kidney_right"]) == 0
    assert volume_ml(canvas, 1) > 1.5 * volume_ml(ordinary, 1), "1.3 cubed is 2.2, less what the wall keeps out"


def test_canvas_and_affine_agree_for_both_planes():
    for canvas in (
        axial(size=32, fov_mm=64, first_z=30, spacing_mm=3, n_images=20),
        sagittal(size=32, fov_mm=64, first_x=-8, spacing_mm=4, n_images=5, y=3, z=7),
    ):
        canvas.paint(Ellipsoid((4.0, -6.0, 9.0), (1.9, 1.9, 1.9)), 100.0, label=1)
        assert centroid_mm(canvas, 1) == pytest.approx([4, -6, 9], abs=1.5)


def test_capsule_is_as_long_and_wide_as_stated():
    canvas = axial(size=64, fov_mm=64, first_z=32, spacing_mm=1, n_images=64)
    canvas.paint(Capsule((0, 0, -10), (0, 0, 10), 5, 5), 1.0, label=1)
    # A cylinder of 20 mm and a sphere: pi * 25 * 20 + 4/3 * pi * 125 mm3.
    assert volume_ml(canvas, 1) == pytest.approx(2.0944, rel=0.03)


@pytest.mark.parametrize(
    ("name", "series", "image", "value"),
    [
        ("CT-1001", 3, 38, 5), ("CT-1001", 3, 52, 420), ("CT-1001", 3, 47, 5), ("CT-1001", 3, 104, -5),
        ("CT-1002", 4, 88, 52), ("CT-1003", 2, 71, 82), ("CT-1005", 2, 143, 890), ("CT-1006", 5, 62, 280),
        ("CT-1007", 6, 41, 58), ("CT-1007", 6, 49, 58), ("CT-1007", 6, 36, 58), ("CT-1008", 4, 66, 18),
        ("CT-1016", 6, 40, 45), ("CT-1016", 6, 50, 45), ("CT-1018", 5, 91, 15), ("CT-1020", 2, 66, 95),
        ("CT-1022", 4, 77, 45), ("CT-1022", 5, 95, 14), ("CT-1023", 7, 33, 172),
    ],
)  # fmt: skip
def test_lesion_is_in_the_picture_that_the_report_cites(name, series, image, value):
    plan = PLANS[name]
    [series_plan] = [each for each in plan.series if each.number == series]
    only = replace(series_plan, first_mm=series_plan.position_mm(image - 1), n_images=3)
    canvas = plan.paint(only)
    z = series_plan.position_mm(image)
    [lesion, *_] = [each for each in plan.body.lesions if each.value == value and abs(each.centre[2] - z) < 0.01]
    i, j, k, _ = np.rint(np.linalg.inv(canvas.affine_lps()) @ [*lesion.centre, 1]).astype(int)
    assert k == 1
    seen = canvas.voxels[1, j - 1 : j + 2, i - 1 : i + 2].mean()
    # Small and dense ones are blurred by their neighbours.
    assert seen == pytest.approx(value, abs=max(30, 0.4 * abs(value)))


def sac_area_mm2(plan: StudyPlan, at: str) -> float:
    """Water around the middle of the canal, in an axial picture through it."""
    z = lumbar.spine_of(lumbar.LumbarPlan()).along(at, back_mm=25)[2]
    series = SeriesPlan(number=1, description="", plane="axial", n_images=3, spacing_mm=1, first_mm=z + 1)
    canvas = plan.paint(series)
    pixel_mm2 = (200 / 256) ** 2
    column = canvas.voxels[1, 110:190, 110:146]
    return float((column > 760).sum() * pixel_mm2)


@pytest.mark.parametrize(
    ("name", "at"),
    [("MR-2001", "L4-L5"), ("MR-2003", "L4-L5"), ("MR-2009", "L4-L5"), ("MR-2009", "L3-L4"), ("MR-2010", "L4-L5")],
)
def test_canal_is_narrow_where_the_report_says(name, at):
    normal = sac_area_mm2(PLANS["MR-2006"], at)
    # A sac of more than 100 mm2 is ordinary, one of less than 70 mm2 severely narrowed.
    assert normal > 100
    assert sac_area_mm2(PLANS[name], at) < 70
    assert sac_area_mm2(PLANS[name], "L1-L2") == pytest.approx(sac_area_mm2(PLANS["MR-2006"], "L1-L2"), rel=0.25)


def test_slipped_vertebra_lies_in_front_of_the_one_below():
    ordinary, slipped = (lumbar.spine_of(plan.body).centres for plan in (PLANS["MR-2006"], PLANS["MR-2005"]))
    assert ordinary["L5"][0] - slipped["L5"][0] == 12
    assert ordinary["L4"][0] - slipped["L4"][0] == 12
    assert ordinary["S1"] == slipped["S1"]


def test_vertebrae_are_labelled_from_head_to_feet_and_bone_is_darker_than_water():
    canvas = sagittal(size=128, fov_mm=300, first_x=-4, spacing_mm=4, n_images=3, y=-14, z=10)
    lumbar.paint_lumbar(canvas, lumbar.LumbarPlan())
    heights = [
        centroid_mm(canvas, lumbar.CLASSES[f"vertebrae_{name}"])[2] for name in ("L1", "L2", "L3", "L4", "L5", "S1")
    ]
    assert heights == sorted(heights, reverse=True)
    marrow = np.median(canvas.voxels[canvas.labels == lumbar.CLASSES["vertebrae_L3"]])
    assert 200 < marrow < 400 < canvas.voxels.max()


def test_marrow_lesion_lies_in_its_vertebra():
    canvas = PLANS["MR-2014"].paint(replace(PLANS["MR-2014"].series[0], n_images=3, first_mm=-4.0))
    for name in ("L1", "S1"):
        inside = canvas.voxels[canvas.labels == lumbar.CLASSES[f"vertebrae_{name}"]]
        assert np.percentile(inside, 95) > 550, "STIR: a lesion of 700 in marrow of 90"
    assert np.percentile(canvas.voxels[canvas.labels == lumbar.CLASSES["vertebrae_L4"]], 90) < 200


def tiny(**more) -> StudyPlan:
    plan = StudyPlan(
        kind="abdomen",
        series=(
            SeriesPlan(number=3, description="CT", plane="axial", n_images=4, spacing_mm=20, first_mm=120, size=64),
        ),
        body=abdomen.AbdomenPlan(),
    )
    return replace(plan, **more)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("IM*"))
    }


@pytest.mark.parametrize("compressed", [True, False])
def test_files_hold_what_was_painted(tmp_path, compressed):
    plan = tiny()
    assert write_study(tmp_path, plan, study_id="S-1", patient_id="P-1", compressed=compressed) == 4
    canvas = plan.paint(plan.series[0])
    for index in range(4):
        ds = dcmread(tmp_path / "series-3" / f"IM{index + 1:05d}")
        assert (ds.InstanceNumber, ds.SeriesNumber, ds.StudyID, ds.AccessionNumber) == (index + 1, 3, "S-1", "S-1")
        assert np.array_equal(ds.pixel_array + ds.RescaleIntercept, np.rint(canvas.voxels[index]))
        assert [float(v) for v in ds.ImagePositionPatient] == pytest.approx(
            list(canvas.affine_lps()[:3, 3] - [0, 0, 20 * index])
        )
    mask = nibabel.load(tmp_path / "S-1_mask.nii.gz")
    assert np.array_equal(np.asarray(mask.dataobj).transpose(2, 1, 0), canvas.labels)
    assert np.allclose(np.diag([-1, -1, 1, 1]) @ mask.affine, canvas.affine_lps())


def test_the_same_plan_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        write_study(tmp_path / folder, tiny(), study_id="S-1", patient_id="P-1")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert len(digests(tmp_path / "a")) == 4
    write_study(tmp_path / "c", tiny(), study_id="S-2", patient_id="P-1")
    first = [dcmread(tmp_path / folder / "series-3" / "IM00001") for folder in ("a", "c")]
    assert len({ds.StudyInstanceUID for ds in first}) == 2


def test_segmentation_names_the_organs_and_has_their_voxels(tmp_path):
    plan = tiny(mask_as="seg")
    write_study(tmp_path, plan, study_id="S-1", patient_id="P-1")
    ds = dcmread(tmp_path / "S-1_mask.dcm")
    assert ds.Modality == "SEG"
    labels = {item.SegmentLabel for item in ds.SegmentSequence}
    canvas = plan.paint(plan.series[0])
    assert labels == {name for name, value in abdomen.CLASSES.items() if (canvas.labels == value).any()}
    in_classes = np.isin(canvas.labels, list(abdomen.CLASSES.values())).sum()
    assert ds.pixel_array.sum() == in_classes


def test_unknown_key_of_a_plan_is_refused():
    with pytest.raises(PlanError, match="CT-1: a abdomen knows no 'lesion'"):
        read_plans("CT-1: {kind: abdomen, series: [], lesion: []}")


def test_command_line_writes_a_study(tmp_path, capsys):
    options = ["--slices", "3", "--size", "32", "--kind", "lumbar", "--plane", "sagittal", "--uncompressed"]
    assert main(["phantom", str(tmp_path / "out"), *options]) == 0
    assert "3 images" in capsys.readouterr().out
    assert len(list((tmp_path / "out").rglob("IM*"))) == 3
    with pytest.raises(SystemExit):
        main(["phantom", str(tmp_path), "--slices", "1"])
