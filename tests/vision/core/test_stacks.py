"""What is one volume, what is split, and what is a stack with a warning."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.phantoms import Place, dicom_bytes, image, places, series
from tests.shared_data import shared_data
from vision.core.archives import ImageFile, image_files
from vision.core.dicom import read_instance
from vision.core.headers import InstanceHeader
from vision.core.limits import ImageLimits
from vision.core.stacks import Stack, arrange

PLACES = places()


def header(**values: Any) -> InstanceHeader:
    return read_instance(dicom_bytes(image(**values))).header


def axial(positions_mm: list[float], *, shift_mm: float = 0, first: int = 1, **values: Any) -> list[InstanceHeader]:
    """Axial slices at these heights; each is moved to the back by `shift_mm` per mm of height."""
    return [
        header(
            **{
                "SOPInstanceUID": f"2.25.{500 + first + index}",
                "InstanceNumber": first + index,
                "ImagePositionPatient": [-100, round(-80 + shift_mm * z, 6), z],
            }
            | values
        )
        for index, z in enumerate(positions_mm)
    ]


def only(headers: list[InstanceHeader], **limits: int) -> Stack:
    (stack,) = arrange(headers, limits=ImageLimits(**limits))
    assert (stack.part, stack.n_parts) == (1, 1)
    return stack


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_shuffled_slices_of_a_regular_box_are_one_volume_in_the_order_of_their_places(place: Place) -> None:
    slices = series(place)
    for dataset in slices:
        dataset.InstanceNumber = 1000 - dataset.InstanceNumber
    random.Random(4).shuffle(slices)
    stack = only([read_instance(dicom_bytes(dataset)).header for dataset in slices])
    assert (stack.kind, stack.warnings) == ("volume", ())
    assert stack.grid is not None
    assert stack.grid.shape_kji == place.shape_kji
    assert stack.grid.affine_lps == pytest.approx(place.affine_lps, abs=1e-6)
    in_order = [1000 - slices[index].InstanceNumber for index, _ in stack.images]
    assert in_order == list(range(1, place.shape_kji[0] + 1))


@pytest.mark.parametrize("n_digits", [1, 3])
def test_rounded_positions_are_regular(n_digits: int) -> None:
    heights = [round(0.625 * index, n_digits) for index in range(40)]
    assert only(axial(heights)).kind == "volume"


def test_a_single_image_is_a_stack_without_a_word() -> None:
    stack = only([header()])
    assert (stack.kind, stack.warnings, stack.images, stack.plane) == ("stack", (), ((0, 0),), "axial")


def test_scouts_are_one_stack_without_a_word() -> None:
    scouts = [
        header(
            SOPInstanceUID=f"2.25.{60 + index}",
            InstanceNumber=3 - index,
            ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
            ImageOrientationPatient=orientation,
        )
        for index, orientation in enumerate([[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]])
    ]
    stack = only(scouts)
    assert (stack.kind, stack.warnings, stack.plane) == ("stack", (), "")
    assert [index for index, _ in stack.images] == [2, 1, 0]


def test_three_planes_under_one_series_number_are_three_volumes() -> None:
    files = image_files(shared_data("spine_mr/three_planes_in_one_series.zip"))
    headers = []
    for file in files:
        assert isinstance(file, ImageFile)
        with file.open() as stream:
            headers.append(read_instance(stream).header)
    stacks = arrange(headers)
    assert [(stack.kind, stack.plane, len(stack.images)) for stack in stacks] == [
        ("volume", "coronal", 5),
        ("volume", "axial", 3),
        ("volume", "sagittal", 3),
    ]
    assert [(stack.part, stack.n_parts) for stack in stacks] == [(1, 3), (2, 3), (3, 3)]
    for stack in stacks:
        assert stack.grid is not None
        assert stack.grid.spacing_mm == pytest.approx((1.75781, 1.75781, 25))
        assert stack.warnings == ("Several planes under one series number (coronal, axial, sagittal): shown in parts.",)


def test_a_real_ct_is_one_volume_from_feet_to_head() -> None:
    headers = [
        read_instance(path.read_bytes()).header for path in sorted(Path(shared_data("ct_abdomen/dicom")).iterdir())
    ]
    stack = only(headers)
    assert (stack.kind, len(stack.images)) == ("volume", 20)
    assert stack.grid is not None
    assert stack.grid.spacing_mm == pytest.approx((0.9765625, 0.9765625, 2))
    assert stack.grid.origin_lps == pytest.approx([-249.51171875, -437.51171875, -804.5])


def test_a_gantry_tilt_is_a_stack_that_says_so() -> None:
    stack = only(axial([0, 3, 6, 9], shift_mm=np.tan(np.radians(15))))
    assert (stack.kind, stack.grid) == ("stack", None)
    assert stack.warnings == ("The slices are sheared by 15.0 degrees (gantry tilt). Shown as a stack.",)


def test_slices_shifted_sideways_are_a_stack() -> None:
    slices = axial([0, 3, 6]) + axial([9, 12], first=4, shift_mm=0.5)
    assert "shifted sideways against each other by up to 6.0 mm" in only(slices).warnings[0]


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ([0, 3, 6, 12, 15], "1 slice is missing between images 3 and 4 (gap 6.00 mm, otherwise 3.00 mm)"),
        ([0, 3, 12, 15, 18, 24], "3 slices are missing between images 2 and 3, 5 and 6 (gap 9.00 mm"),
        ([0, 3, 6, 10, 13], "not equally spaced (gaps of 3.00 to 4.00 mm)"),
        ([0, 1, 3, 8], "not equally spaced (gaps of 1.00 to 5.00 mm)"),
        ([0, 3, 6.4, 9, 12], "not equally spaced (gaps of 2.60 to 3.40 mm)"),
        ([0, 1, 2, 3, 4, 9, 14, 19, 24], "Shown as a stack"),
    ],
)
def test_unequal_gaps_are_a_stack_that_says_which(heights: list[float], said: str) -> None:
    stack = only(axial(heights))
    assert (stack.kind, stack.grid) == ("stack", None)
    assert said in stack.warnings[0]


def test_a_slow_drift_of_gaps_is_not_regular() -> None:
    assert only(axial([3 * index + 0.01 * index**2 for index in range(30)])).kind == "stack"


@pytest.mark.parametrize(
    ("keyword", "values", "by"),
    [
        ("EchoTime", [11, 98], "echo"),
        ("TemporalPositionIdentifier", [1, 2, 3], "time point"),
        ("AcquisitionNumber", [1, 2], "acquisition"),
        ("TriggerTime", [0, 250.5], "cardiac phase"),
        ("ConvolutionKernel", ["B30f", "B70f"], "kernel"),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]], "kind of image"),
    ],
)
def test_repeated_positions_are_split_by_what_tells_them_apart(keyword: str, values: list[Any], by: str) -> None:
    headers = [
        found
        for number, value in enumerate(values)
        for found in axial([0, 3, 6], first=1 + 10 * number, **{keyword: value})
    ]
    random.Random(1).shuffle(headers)
    stacks = arrange(headers)
    assert [(stack.kind, len(stack.images)) for stack in stacks] == [("volume", 3)] * len(values)
    assert {stack.warnings for stack in stacks} == {(f"Several images at each position, split by {by}.",)}
    for number, stack in enumerate(stacks):
        assert [headers[index].instance_number for index, _ in stack.images] == [10 * number + 1 + k for k in range(3)]


def test_repeats_may_be_told_apart_by_two_things_together() -> None:
    headers = [
        found
        for number, (echo, phase) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2)])
        for found in axial([0, 3], first=1 + 10 * number, EchoNumbers=echo, TemporalPositionIdentifier=phase)
    ]
    stacks = arrange(headers)
    assert [stack.kind for stack in stacks] == ["volume"] * 4
    assert "split by echo and time point" in stacks[0].warnings[0]


def test_repeats_that_nothing_tells_apart_are_a_stack() -> None:
    stack = only(axial([0, 3, 6]) + axial([0, 3, 6], first=4))
    assert (stack.kind, len(stack.images)) == ("stack", 6)
    assert "3 images lie where another one does, first images 1 and 2" in stack.warnings[0]


def test_a_copied_file_is_left_out() -> None:
    headers = axial([0, 3, 6])
    stack = only([*headers, headers[1]])
    assert (stack.kind, len(stack.images)) == ("volume", 3)
    assert stack.warnings == ("1 copy of images left out.",)


def test_sizes_are_split() -> None:
    small = axial([9, 12], first=4, pixels=np.zeros((2, 2), np.int16))
    stacks = arrange(axial([0, 3, 6]) + small)
    assert [(stack.kind, len(stack.images)) for stack in stacks] == [("volume", 3), ("volume", 2)]
    assert "Images of several sizes" in stacks[0].warnings[0]


@pytest.mark.parametrize(
    "values",
    [{"PixelSpacing": [0.6, 0.6]}, {"FrameOfReferenceUID": "2.25.99"}, {"ImagePositionPatient": None}],
    ids=["spacing", "frame of reference", "no position"],
)
def test_what_cannot_share_a_grid_is_split(values: dict[str, Any]) -> None:
    stacks = arrange(axial([0, 3, 6]) + axial([9, 12], first=4, **values))
    assert [len(stack.images) for stack in stacks] == [3, 2]
    assert stacks[0].kind == "volume"


def test_blocks_at_several_angles_are_split_by_angle() -> None:
    tilted = [1, 0, 0, 0, 0.96, -0.28]
    heights = [[-100, round(-80 + 0.28 * 3 * index, 6), round(40 + 0.96 * 3 * index, 6)] for index in range(3)]
    block = [
        header(
            SOPInstanceUID=f"2.25.{70 + index}",
            InstanceNumber=9 + index,
            ImageOrientationPatient=tilted,
            ImagePositionPatient=position,
        )
        for index, position in enumerate(heights)
    ]
    stacks = arrange(axial([0, 3, 6]) + block)
    assert [(stack.kind, stack.plane) for stack in stacks] == [("volume", "axial")] * 2


def test_planes_that_turn_about_an_axis_are_one_stack() -> None:
    turning = [
        header(
            SOPInstanceUID=f"2.25.{80 + index}",
            InstanceNumber=index,
            ImageOrientationPatient=[round(np.cos(angle), 6), round(np.sin(angle), 6), 0, 0, 0, -1],
        )
        for index, angle in enumerate(np.linspace(0, 2.8, 12))
    ]
    stack = only(turning)
    assert (stack.kind, stack.plane) == ("stack", "")
    assert stack.warnings == ("The images lie at different angles. Shown as a stack.",)


def test_many_angles_are_one_stack_at_once() -> None:
    source = enhanced([0.0] * 200)
    del source.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    for angle, frame in zip(np.linspace(0, 3, 200), source.PerFrameFunctionalGroupsSequence, strict=True):
        plane = Dataset()
        plane.ImageOrientationPatient = [round(np.cos(angle), 6), round(np.sin(angle), 6), 0, 0, 0, -1]
        frame.PlaneOrientationSequence = Sequence([plane])
    stack = only([read_instance(dicom_bytes(source)).header])
    assert (stack.kind, len(stack.images)) == ("stack", 200)
    assert stack.warnings == ("The images lie at different angles. Shown as a stack.",)


def test_a_mosaic_is_a_stack_that_says_so() -> None:
    stack = only(axial([0, 3, 6], ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))
    assert stack.kind == "stack"
    assert "mosaic" in stack.warnings[0]


def test_images_without_places_are_a_stack_in_the_order_of_their_numbers() -> None:
    headers = axial([0, 3, 6], ImagePositionPatient=None)[::-1]
    stack = only(headers)
    assert [headers[index].instance_number for index, _ in stack.images] == [1, 2, 3]
    assert "do not say where they lie" in stack.warnings[0]


def test_what_is_too_large_for_a_volume_is_a_stack() -> None:
    stack = only(axial([0, 3, 6]), max_voxels=30)
    assert (stack.kind, stack.warnings) == ("stack", ("Too large for one volume.",))


def test_images_of_two_series_are_not_arranged_together() -> None:
    with pytest.raises(ValueError, match="one series at a time"):
        arrange([header(), header(SeriesInstanceUID="2.25.55")])


def enhanced(heights: list[float], **more: Any) -> Dataset:
    """A multi-frame MR with a place for each frame; `more` are (sequence, keyword, value per frame)."""
    source = image(
        np.arange(len(heights) * 12, dtype=np.uint16).reshape(len(heights), 3, 4),
        Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4.1", PixelSpacing=None, ImagePositionPatient=None,
        ImageOrientationPatient=None, RescaleSlope=None, RescaleIntercept=None,
    )  # fmt: skip
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = [0.5, 0.8]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    source.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for index, z in enumerate(heights):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [1, 2, z]
        frame.PlanePositionSequence = Sequence([position])
        for sequence, (keyword, values) in more.items():
            group = Dataset()
            setattr(group, keyword, values[index])
            setattr(frame, sequence, Sequence([group]))
        frames.append(frame)
    source.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return source


def test_a_multi_frame_image_with_regular_places_is_a_volume_of_its_frames() -> None:
    found = read_instance(dicom_bytes(enhanced([6, 0, 3]))).header
    stack = only([found])
    assert (stack.kind, stack.images) == ("volume", ((0, 1), (0, 2), (0, 0)))
    assert stack.grid is not None
    assert stack.grid.spacing_mm == pytest.approx((0.8, 0.5, 3))
    assert found.geometry(2).position_lps == (1, 2, 3)


def test_time_points_of_a_multi_frame_image_are_split() -> None:
    source = enhanced([0, 3, 0, 3], FrameContentSequence=("TemporalPositionIndex", [1, 1, 2, 2]))
    stacks = arrange([read_instance(dicom_bytes(source)).header])
    assert [stack.images for stack in stacks] == [((0, 0), (0, 1)), ((0, 2), (0, 3))]
    assert {stack.kind for stack in stacks} == {"volume"}


def test_a_multi_frame_image_without_places_is_a_stack_that_says_so() -> None:
    stack = only([header(pixels=np.zeros((4, 3, 5), np.uint8))])
    assert (stack.kind, stack.images) == ("stack", ((0, 0), (0, 1), (0, 2), (0, 3)))
    assert "multi-frame" in stack.warnings[0]


def test_frames_with_too_few_places_are_a_stack() -> None:
    source = enhanced([0, 3, 6])
    source.PerFrameFunctionalGroupsSequence = source.PerFrameFunctionalGroupsSequence[:2]
    stack = only([read_instance(dicom_bytes(source)).header])
    assert (stack.kind, stack.grid) == ("stack", None)


def test_frames_that_are_scaled_alike_have_that_scale_and_others_say_so() -> None:
    def scaled(slopes: list[float]) -> InstanceHeader:
        source = enhanced([0, 3, 6], PixelValueTransformationSequence=("RescaleSlope", slopes))
        return read_instance(dicom_bytes(source)).header

    assert scaled([2, 2, 2]).slope == 2
    differing = scaled([2, 3, 2])
    assert (differing.slope, differing.units) == (1, "stored")
    assert "scaled differently" in only([differing]).warnings[0]
