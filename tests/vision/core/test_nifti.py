"""NIfTI files are read whole and checked before memory is taken; nibabel and SimpleITK are second implementations."""

import gzip
import io
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from tests.shared_data import shared_data
from vision.core.geometry import index_to_world, lps_from_ras
from vision.core.limits import ImageLimits
from vision.core.nifti import narrowest, read_nifti, write_nifti_gz
from vision.core.refusals import ImageRefused

REAL = [
    "ct_abdomen/example_ct.nii.gz",
    "ct_abdomen/example_ct_sm.nii.gz",
    "ct_abdomen/example_mr_sm.nii.gz",
    "ct_abdomen/example_seg.nii.gz",
    "ct_abdomen/example_seg_mr.nii.gz",
    "ct_abdomen/mask_of_dicom.nii.gz",
    "ct_abdomen/spine_report/example_ct_report/totalseg.nii.gz",
    "spine_mr/labels.nii.gz",
    "spine_mr/t2.nii.gz",
    "spine_mr/t2_seg-manual.nii.gz",
    "spine_mr/t2s_uncropped.nii.gz",
]
# Oblique, anisotropic, left-handed: columns are the i, j, k axes times their spacing (RAS).
TURNED = np.array(
    [[0.0, -0.6 * 2, -0.8 * 5, 10.5], [0.7, 0.0, 0.0, -20.25], [0.0, 0.8 * 2, -0.6 * 5, 300.0], [0, 0, 0, 1.0]]
)
VOXELS = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2) - 7


def nifti_bytes(
    *,
    voxels: np.ndarray = VOXELS,
    affine_ras: np.ndarray = TURNED,
    image: type = nibabel.Nifti1Image,
    sform: int = 1,
    qform: int = 1,
) -> bytes:
    made = image(voxels.transpose(2, 1, 0), affine_ras)
    made.set_sform(affine_ras, sform)
    made.set_qform(affine_ras, qform)
    return made.to_bytes()


def patched(offset: int, code: str, *values: float) -> bytes:
    data = bytearray(nifti_bytes())
    struct.pack_into(f"<{code}", data, offset, *values)
    return bytes(data)


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageRefused) as caught:
        read_nifti(io.BytesIO(data), limits=ImageLimits(**limits))
    return caught.value.code


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read_as_nibabel_reads_them(name: str) -> None:
    path = shared_data(name)
    volume, other = read_nifti(path), nibabel.load(path)
    assert np.array_equal(volume.voxels, np.asarray(other.dataobj).T)
    assert np.allclose(volume.grid.affine_lps, lps_from_ras(other.affine), atol=1e-4)
    assert (volume.slope, volume.intercept, volume.n_not_finite, volume.warnings) == (1.0, 0.0, 0, ())


@pytest.mark.parametrize("name", REAL)
def test_voxels_of_real_files_lie_where_simpleitk_puts_them(name: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = shared_data(name)
    volume, other = read_nifti(path), sitk.ReadImage(str(path))
    index = [1, 2, 3]
    expected_lps = other.TransformIndexToPhysicalPoint(index)
    assert index_to_world(index, volume.grid.affine_lps) == pytest.approx(expected_lps, abs=2e-3)
    assert float(volume.voxels[3, 2, 1]) == float(other.GetPixel(*index))


def test_mr_in_lps_order_points_left_and_back() -> None:
    volume = read_nifti(shared_data("ct_abdomen/example_mr_sm.nii.gz"))
    assert np.diag(volume.grid.affine_lps)[:3].tolist() == [3.0, 3.0, 3.0]


def test_pictures_of_a_spine_report_are_refused() -> None:
    path = shared_data("ct_abdomen/spine_report/example_ct_report/spine_report.nii.gz")
    with pytest.raises(ImageRefused, match="RGB"):
        read_nifti(path)


@pytest.mark.parametrize("image", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_both_versions_plain_and_packed_are_read(image: type, pack: Callable[[bytes], bytes]) -> None:
    volume = read_nifti(io.BytesIO(pack(nifti_bytes(image=image))))
    assert np.array_equal(volume.voxels, VOXELS)
    assert np.allclose(volume.grid.affine_lps, lps_from_ras(TURNED), atol=1e-5)


def test_big_endian_files_are_read_in_native_order() -> None:
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.dtype(">i2"))
    data = nibabel.Nifti1Image(VOXELS.transpose(2, 1, 0).astype(">i2"), TURNED, header).to_bytes()
    assert data[:4] == b"\0\0\x01\x5c"
    volume = read_nifti(io.BytesIO(data))
    assert volume.voxels.dtype.isnative
    assert np.array_equal(volume.voxels, VOXELS)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_integers_and_floats_of_every_size_are_read(dtype: str) -> None:
    voxels = np.arange(24).reshape(4, 3, 2).astype(dtype)
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    data = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), TURNED, header).to_bytes()
    volume = read_nifti(io.BytesIO(data))
    assert volume.voxels.dtype == np.dtype(dtype)
    assert np.array_equal(volume.voxels, voxels)


def test_packed_members_one_after_another_are_one_file() -> None:
    data = nifti_bytes()
    assert np.array_equal(read_nifti(io.BytesIO(gzip.compress(data[:360]) + gzip.compress(data[360:]))).voxels, VOXELS)


def test_a_small_file_that_claims_terabytes_is_refused_without_taking_memory() -> None:
    header = bytearray(nifti_bytes(image=nibabel.Nifti2Image)[:544])
    struct.pack_into("<8q", header, 16, 3, 30_000, 30_000, 30_000, 1, 1, 1, 1)
    small = bytes(header).ljust(859, b"\0")
    tracemalloc.start()
    assert refusal(small) == "nifti_too_large"
    assert refusal(gzip.compress(small)) == "nifti_too_large"
    assert refusal(small, max_voxels=2**60, max_file_bytes=2**60) == "nifti_truncated"
    assert refusal(gzip.compress(small), max_voxels=2**60, max_file_bytes=2**60) == "nifti_truncated"
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("offset", "code", "values", "refused_as"),
    [
        (0, "i", (349,), "not_nifti"),
        (344, "4s", (b"ni1\0",), "nifti_pair"),
        (344, "4s", (b"\0\0\0\0",), "not_nifti"),
        (40, "h", (2,), "nifti_not_3d"),
        (40, "h", (9,), "nifti_not_3d"),
        (42, "h", (0,), "nifti_bad_extents"),
        (44, "h", (-3,), "nifti_bad_extents"),
        (40, "8h", (4, 2, 3, 2, 2, 1, 1, 1), "nifti_several_volumes"),
        (40, "8h", (5, 2, 3, 4, 1, 3, 1, 1), "nifti_several_volumes"),
        (70, "h", (128,), "nifti_data_type"),
        (70, "h", (32,), "nifti_data_type"),
        (70, "h", (999,), "nifti_data_type"),
        (72, "h", (8,), "nifti_data_type"),
        (80, "f", (0.0,), "nifti_spacing"),
        (84, "f", (-1.0,), "nifti_spacing"),
        (88, "f", (float("nan"),), "nifti_spacing"),
        (88, "f", (float("inf"),), "nifti_spacing"),
        (123, "B", (5,), "nifti_spacing"),
        (252, "2h", (0, 0), "nifti_no_orientation"),
        (280, "f", (float("nan"),), "nifti_affine"),
        (284, "f", (float("inf"),), "nifti_affine"),
        (280, "12f", (0.0,) * 12, "nifti_affine"),
        (280, "12f", (1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0), "nifti_affine"),
        (280, "12f", (1, 0.2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0), "nifti_sheared"),
        (292, "f", (1e9,), "nifti_affine"),
        (112, "f", (float("inf"),), "nifti_scaling"),
        (112, "2f", (1.0, float("nan")), "nifti_scaling"),
        (108, "f", (0.0,), "nifti_offset"),
        (108, "f", (352.5,), "nifti_offset"),
        (108, "f", (float("nan"),), "nifti_offset"),
        (108, "f", (1e12,), "nifti_offset"),
        (108, "f", (4000.0,), "nifti_truncated"),
    ],
)
def test_absurd_headers_are_refused_with_their_reason(
    offset: int, code: str, values: tuple[float, ...], refused_as: str
) -> None:
    data = patched(offset, code, *values)
    assert refusal(data) == refused_as
    assert refusal(gzip.compress(data)) == refused_as


def test_a_fourth_dimension_of_one_is_no_reason_to_refuse() -> None:
    assert read_nifti(io.BytesIO(patched(40, "8h", 4, 2, 3, 4, 1, 1, 1, 1))).voxels.shape == (4, 3, 2)


@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_a_slope_of_zero_or_nan_means_unscaled(slope: float) -> None:
    volume = read_nifti(io.BytesIO(patched(112, "2f", slope, 100.0)))
    assert (volume.slope, volume.intercept) == (1.0, 0.0)


def test_a_slope_is_kept_beside_the_stored_values() -> None:
    volume = read_nifti(io.BytesIO(patched(112, "2f", 2.0, -1024.0)))
    assert (volume.slope, volume.intercept) == (2.0, -1024.0)
    assert np.array_equal(volume.voxels, VOXELS)


def test_the_qform_counts_where_there_is_no_sform() -> None:
    data = bytearray(nifti_bytes(sform=0, qform=1))
    struct.pack_into("<12f", data, 280, *([float("nan")] * 12))
    volume = read_nifti(io.BytesIO(bytes(data)))
    assert np.allclose(volume.grid.affine_lps, lps_from_ras(TURNED), atol=1e-4)
    assert volume.warnings == ()


def test_a_quaternion_that_is_no_rotation_is_refused() -> None:
    data = bytearray(nifti_bytes(sform=0, qform=1))
    struct.pack_into("<3f", data, 256, 1.0, 1.0, 1.0)
    assert refusal(bytes(data)) == "nifti_affine"


def test_two_orientations_that_differ_are_shown_to_the_reader() -> None:
    volume = read_nifti(io.BytesIO(patched(268, "f", 99.0)))
    assert np.allclose(volume.grid.affine_lps, lps_from_ras(TURNED), atol=1e-4)
    assert any("two orientations" in warning for warning in volume.warnings)


def test_metres_become_millimetres() -> None:
    data = bytearray(nifti_bytes(affine_ras=np.diag([0.001, 0.002, 0.003, 1.0])))
    data[123] = 1
    assert read_nifti(io.BytesIO(bytes(data))).grid.spacing_mm == pytest.approx((1.0, 2.0, 3.0))


def test_damaged_truncated_and_padded_archives_are_refused() -> None:
    packed = gzip.compress(nifti_bytes(), mtime=0)
    wrong_checksum = packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]
    wrong_length = packed[:-1] + bytes([packed[-1] ^ 1])
    assert nibabel.Nifti1Image.from_bytes(nifti_bytes()).shape == (2, 3, 4)
    assert refusal(wrong_checksum) == "nifti_damaged_gzip"
    assert refusal(wrong_length) == "nifti_damaged_gzip"
    assert refusal(packed[:-9]) == "nifti_truncated"
    assert refusal(packed[:-2]) == "nifti_truncated"
    assert refusal(packed + b"more") == "nifti_trailing_bytes"
    assert refusal(gzip.compress(nifti_bytes() + b"\0")) == "nifti_trailing_bytes"
    assert refusal(gzip.compress(nifti_bytes()[:-1])) == "nifti_truncated"
    assert np.array_equal(read_nifti(io.BytesIO(packed + b"\0" * 700)).voxels, VOXELS)


def test_plain_files_of_another_size_than_their_header_names_are_refused() -> None:
    assert refusal(nifti_bytes()[:-1]) == "nifti_truncated"
    assert refusal(nifti_bytes() + b"\0") == "nifti_trailing_bytes"
    assert refusal(nifti_bytes()[:200]) == "nifti_truncated"
    assert refusal(b"") == "nifti_truncated"
    assert refusal(nifti_bytes(), max_file_bytes=100) == "nifti_too_large"


def test_an_archive_that_unpacks_without_end_costs_no_memory() -> None:
    bomb = gzip.compress(nifti_bytes() + bytes(64 * 2**20))
    tracemalloc.start()
    assert refusal(bomb) == "nifti_trailing_bytes"
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_values_that_are_not_numbers_are_counted_and_shown() -> None:
    voxels = np.ones((4, 3, 2), dtype=np.float32)
    voxels[1, 1, 1], voxels[2, 0, 0] = np.nan, np.inf
    volume = read_nifti(io.BytesIO(nifti_bytes(voxels=voxels)))
    assert volume.n_not_finite == 2
    assert "2 of 24 values" in volume.warnings[0]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_change_of_a_header_is_read_or_refused(data: st.DataObject) -> None:
    changed = bytearray(nifti_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, 351))] = data.draw(st.integers(0, 255))
    try:
        volume = read_nifti(io.BytesIO(bytes(changed)))
    except ImageRefused:
        return
    assert volume.voxels.nbytes == len(changed) - 352
    assert np.isfinite(volume.grid.affine_lps).all()


def test_written_files_are_what_nibabel_and_we_read(tmp_path: Path) -> None:
    path = tmp_path / "volume.nii.gz"
    n_bytes = write_nifti_gz(path, VOXELS, affine_lps=lps_from_ras(TURNED), slope=2.0, intercept=-1000.0)
    assert path.stat().st_size == n_bytes
    other, volume = nibabel.load(path), read_nifti(path)
    assert np.array_equal(np.asarray(other.dataobj), VOXELS.T * 2.0 - 1000.0)
    assert (int(other.header["sform_code"]), int(other.header["qform_code"])) == (1, 1)
    for affine_ras in (other.get_sform(), other.get_qform()):
        assert np.allclose(affine_ras, TURNED, atol=1e-4)
    assert np.array_equal(volume.voxels, VOXELS)
    assert volume.warnings == ()


@settings(deadline=None, max_examples=60)
@given(
    turn=st_numpy.arrays(float, 4, elements=st.floats(-1, 1)),
    spacing=st_numpy.arrays(float, 3, elements=st.floats(0.1, 9)),
    flip=st.sampled_from([1.0, -1.0]),
)
def test_every_orientation_survives_writing(
    tmp_path_factory: pytest.TempPathFactory, turn: np.ndarray, spacing: np.ndarray, flip: float
) -> None:
    rotation = np.linalg.qr(np.outer(turn, turn)[:3, :3] + np.diag([1.0, 2.0, 3.0]))[0] * np.array([1, 1, flip])
    affine_lps = np.eye(4)
    affine_lps[:3, :3], affine_lps[:3, 3] = rotation * spacing, (-120.5, 33.25, 410.0)
    path = tmp_path_factory.mktemp("orientations") / "volume.nii.gz"
    write_nifti_gz(path, VOXELS, affine_lps=affine_lps)
    other = nibabel.load(path)
    for affine_ras in (other.get_sform(), other.get_qform()):
        assert np.allclose(lps_from_ras(affine_ras), affine_lps, atol=2e-3)


def test_writing_twice_gives_the_same_bytes_and_leaves_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "volumes"
    folder.mkdir()
    first, second = folder / "a.nii.gz", folder / "b.nii.gz"
    for path in (first, second):
        write_nifti_gz(path, VOXELS, affine_lps=np.eye(4))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["a.nii.gz", "b.nii.gz"]


def test_free_text_and_extensions_do_not_survive_writing(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS.T, TURNED)
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = b"SECRETJONES"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"SECRETJONES"))
    volume = read_nifti(io.BytesIO(image.to_bytes()))
    assert volume.extensions == (b"SECRETJONES",)
    path = tmp_path / "volume.nii.gz"
    write_nifti_gz(path, volume.voxels, affine_lps=volume.grid.affine_lps)
    assert b"SECRETJONES" not in gzip.decompress(path.read_bytes())


def test_a_sheared_affine_is_not_written(tmp_path: Path) -> None:
    sheared = np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(ValueError, match="sheared"):
        write_nifti_gz(tmp_path / "volume.nii.gz", VOXELS, affine_lps=sheared)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([-1024, 3071], "i4", "int16"),
        ([0, 60_000], "i8", "uint16"),
        ([-40_000, 3], "i8", "int32"),
        ([0, 255], "u1", "uint8"),
        ([0.5, 2.0], "f8", "float32"),
    ],
)
def test_numbers_are_kept_in_the_smallest_type_that_holds_them(values: list[float], dtype: str, expected: str) -> None:
    narrow = narrowest(np.array(values, dtype=dtype).reshape(2, 1, 1))
    assert narrow.dtype.name == expected
    assert narrow.ravel().tolist() == values
