"""A project with images for the browser tests: small series whose every voxel, place and mask are known.

Run as a program it fills the database that the settings name; as a module it says what the tests may expect.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from tests import phantoms
from tests.e2e import world

SLUG = "pictures"
REAL_SLUG = "real-pictures"
OUTSIDER = "outsider"
LIVER, SPLEEN, STOMACH = 5, 1, 6
# The one bright voxel, and what is round it.
BRIGHT_HU = 900

REPORTS = {
    "oblique": "FINDINGS: The liver is normal. The spleen is normal.",
    "flipped": "FINDINGS: The liver is enlarged.",
    "unequal": "FINDINGS: The stomach is normal.",
    "two": "FINDINGS: Small cyst in the liver on series 2, image 31. The spleen (se 5/im 4) is normal.",
    **{
        f"work-{number}": f"FINDINGS: Case {number}. The liver is normal. The spleen is normal." for number in range(10)
    },
}


@dataclass(frozen=True)
class Volume:
    """Units [k, j, i] and where they lie; `labels` has the same shape."""

    units: NDArray[np.int16]
    affine_lps: NDArray[np.float64]
    bright: tuple[int, int, int]
    labels: NDArray[np.uint8] | None = None

    def world(self, index_ijk: tuple[float, float, float]) -> NDArray[np.float64]:
        """LPS millimetres of a voxel."""
        return self.affine_lps[:3, :3] @ np.array(index_ijk, dtype=float) + self.affine_lps[:3, 3]

    def value(self, index_ijk: tuple[int, int, int]) -> int:
        i, j, k = index_ijk
        return int(self.units[k, j, i])


def _ramp(shape_kji: tuple[int, int, int]) -> NDArray[np.int16]:
    k, j, i = np.indices(shape_kji)
    return (-190 + 9 * i + 5 * j + 3 * k).astype(np.int16)


def oblique() -> Volume:
    """CT slices turned about two axes; pixels are taller than wide, slices thicker than both. Two organs."""
    units = _ramp((10, 24, 20))
    right, down = np.array([0.96, 0.28, 0.0]), np.array([-0.224, 0.768, 0.6])
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([right * 0.8, down * 1.2, np.cross(right, down) * 3.0])
    affine[:3, 3] = [-40, 12, -230]
    bright = (14, 5, 6)
    units[bright[::-1]] = BRIGHT_HU
    labels = np.zeros(units.shape, dtype=np.uint8)
    labels[3:7, 6:13, 3:9] = LIVER
    labels[4:7, 13, 5:7] = LIVER
    labels[2:8, 15:21, 12:17] = SPLEEN
    return Volume(units, affine, bright, labels)


def flipped() -> Volume:
    """A NIfTI file whose axes run to the feet, to the right and to the front."""
    units = _ramp((9, 12, 16))
    affine = np.array([[0, -2.0, 0, 30], [0, 0, -2.5, 45], [-1.5, 0, 0, 80], [0, 0, 0, 1]])
    bright = (3, 9, 6)
    units[bright[::-1]] = BRIGHT_HU
    return Volume(units, affine, bright)


# Positions of slices with one missing and one too near.
UNEQUAL_MM = (0.0, 3.0, 6.0, 12.0, 15.0, 16.0)
# Series number: count, first position and distance of the pictures in millimetres; a picture holds 10 times its number.
TWO_SERIES = {2: (40, -20.0, 1.0), 5: (11, -20.0, 4.0)}


def _slices(volume: Volume, **values: object) -> list[Dataset]:
    step = np.linalg.norm(volume.affine_lps[:3, :3], axis=0)
    axes = volume.affine_lps[:3, :3] / step
    return [
        phantoms.image(
            (units + 1024).astype(np.int16),
            InstanceNumber=k + 1,
            ImagePositionPatient=[round(float(part), 9) for part in volume.world((0, 0, k))],
            ImageOrientationPatient=[round(float(part), 9) for part in (*axes[:, 0], *axes[:, 1])],
            PixelSpacing=[float(step[1]), float(step[0])],
            WindowCenter=40,
            WindowWidth=400,
            **values,
        )
        for k, units in enumerate(volume.units)
    ]


def _level(number: int, *, position_mm: float, **values: object) -> Dataset:
    """A picture that is the same all over: ten times its number."""
    return phantoms.image(
        np.full((16, 16), 10 * number + 1024, dtype=np.int16),
        InstanceNumber=number,
        ImagePositionPatient=[-8.0, -8.0, position_mm],
        PixelSpacing=[1.0, 1.0],
        WindowCenter=200,
        WindowWidth=400,
        **values,
    )


def _write(folder: Path, key: str, series: int, slices: list[Dataset]) -> None:
    seed = f"2.25.{list(REPORTS).index(key) + 7}{series:02d}"
    for position, slice_ in enumerate(slices):
        slice_.AccessionNumber, slice_.StudyInstanceUID = key, seed[:-2]
        slice_.SeriesInstanceUID, slice_.SeriesNumber = f"{seed}0", series
        slice_.FrameOfReferenceUID = f"{seed[:-2]}99"
        slice_.SOPInstanceUID = f"{seed}1{position:04d}"
    phantoms.write_files(slices, folder / f"{key}-dicom" / str(series))


def write_pictures(folder: Path) -> None:
    """Write all series and masks of the project."""
    volume = oblique()
    for key in ("oblique", *(key for key in REPORTS if key.startswith("work-"))):
        _write(folder, key, 3, _slices(volume))
        _write_mask(folder / f"{key}_mask.nii.gz", volume)
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    other = flipped()
    nibabel.save(
        nibabel.Nifti1Image(other.units.transpose(2, 1, 0), to_ras @ other.affine_lps), folder / "flipped.nii.gz"
    )
    levels = [_level(number + 1, position_mm=z) for number, z in enumerate(UNEQUAL_MM)]
    _write(folder, "unequal", 4, levels)
    for number, (count, first, gap) in TWO_SERIES.items():
        slices = [_level(each + 1, position_mm=first + each * gap) for each in range(count)]
        _write(folder, "two", number, slices)


def _write_mask(path: Path, volume: Volume) -> None:
    """The mask, with its first axis the other way round than that of the series."""
    assert volume.labels is not None
    labels = volume.labels.transpose(2, 1, 0)[::-1]
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = labels.shape[0] - 1
    affine_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine_lps @ flip
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(labels), affine_ras), path)


def make_pictures() -> None:
    """The project with the small series, and somebody who is a member of another project only."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        write_pictures(folder)
        (folder.parent / "classes.csv").write_text(f"value,name\n{LIVER},liver\n{SPLEEN},spleen\n{STOMACH},stomach\n")
        make_project(SLUG, REPORTS, folder, class_table=folder.parent / "classes.csv")
    _outsider()


def make_real(folder: Path) -> None:
    """The project with the real CT in `folder` and its mask beside that."""
    with TemporaryDirectory() as name:
        source = Path(name) / "real"
        source.mkdir()
        shutil.copytree(folder, source / "real-dicom")
        shutil.copy(folder.parent / "mask_of_dicom.nii.gz", source / "real_mask.nii.gz")
        reports = {"real": "FINDINGS: The liver is normal. The spleen is normal.", "empty": "FINDINGS: None."}
        make_project(REAL_SLUG, reports, source, class_table="total")


def make_project(slug, reports, source, *, class_table: object = None) -> None:
    """A project with these reports and the images in `source`; with masks, where a class table is given."""
    from django.utils import timezone

    from annotator.models import User
    from annotator.services.projects import create_project, set_member
    from labeling.core.schema_yaml import preset_source
    from vision.services.imports import import_images
    from vision.services.options import ImportOptions

    manager, reader = (User.objects.get(username=name) for name in (world.MANAGER, world.READER))
    project = create_project(
        name=f"Browser test {slug}", slug=slug, schema_source=preset_source("abdomen-ct"), actor=manager
    )
    set_member(project=project, user=reader, role="reader", actor=manager)
    _reports(project, reports, manager)
    options = ImportOptions(class_table=class_table)
    done = import_images(project=project, source=source, actor=manager, options=options, now=timezone.now())
    if done.n_refused or done.n_unlinked or bool(done.n_masks) != bool(class_table):
        raise RuntimeError(
            f"{slug}: {done.n_masks} masks, {done.n_refused} refused, {done.n_unlinked} not linked: {done.problems}"
        )


def _reports(project, reports, actor) -> None:
    import csv

    from annotator.services.reports import import_reports

    with TemporaryDirectory() as name:
        path = Path(name) / "reports.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["report_id", "patient_id", "text"])
            writer.writerows([key, f"P-{key}", text] for key, text in reports.items())
        outcome = import_reports(project=project, source=path, file_name=path.name, actor=actor)
    if outcome.created != len(reports):
        raise RuntimeError(f"{outcome.created} of {len(reports)} reports came in: {outcome.problems}")
    _decide(project, actor)


def _decide(project, actor) -> None:
    """Fill in every cell as not mentioned, so that a reading can be submitted as it is."""
    from annotator.models import Report
    from labeling.models import MachineLabel
    from labeling.services import choose_prefill, finish_run, start_run

    n_cells = len(project.schema.parsed().cells)
    run = start_run(project=project, labeler="imported", inputs={}, actor=actor)
    for report in Report.objects.filter(project=project):
        labels = {"values": "." * n_cells, "urgencies": "_" * n_cells, "body": {"cells": {}}}
        MachineLabel.objects.create(run=run, report=report, **labels)
    finish_run(run, counts={})
    choose_prefill(run=run, actor=actor)


def _outsider() -> None:
    from annotator.models import Project, User
    from annotator.services.projects import set_member

    outsider = User.objects.create_user(username=OUTSIDER, password=world.PASSWORD)
    project = Project.objects.get(slug=world.slug_of("blank", 0))
    set_member(project=project, user=outsider, role="reader", actor=User.objects.get(username=world.MANAGER))


if __name__ == "__main__":
    import django

    django.setup()
    if len(sys.argv) > 1:
        make_real(Path(sys.argv[1]))
    else:
        make_pictures()
