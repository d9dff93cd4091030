"""DICOM segmentations become label maps on their own grid; highdicom writes the objects, the test knows the voxels."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from highdicom.seg import Segmentation as SegObject
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from tests.phantoms import SERIES_UID, STUDY_UID, dicom_bytes, places, series
from vision.core.geometry import Grid
from vision.core.limits import ImageLimits
from vision.core.masks import on_grid
from vision.core.refusals import ImageRefused
from vision.core.segmentation import is_segmentation, read_segmentation

NAMES = ("liver", "spleen 19610312 Jones")
REGULAR = [name for name, place in places().items() if place.shape_kji[0] > 2]


def segmentation(
    place_name: str,
    masks: list[np.ndarray],
    *,
    kind: SegmentationTypeValues = SegmentationTypeValues.BINARY,
    **values: object,
) -> Dataset:
    """A segmentation of the slices of a place, through a file; one mask [k, j, i] for each segment."""
    needed = {
        "PatientBirthDate": "",
        "PatientSex": "",
        "ReferringPhysicianName": "",
        "StudyTime": "",
        "SliceThickness": 1,
    }
    sources = [dcmread(_stream(dataset)) for dataset in series(places()[place_name], **needed)]
    algorithm = AlgorithmIdentificationSequence(
        name="test", family=Code("123110", "DCM", "Artificial Intelligence"), version="1"
    )
    descriptions = [
        SegmentDescription(
            segment_number=number,
            segment_label=NAMES[number - 1],
            segmented_property_category=Code("123037004", "SCT", "Anatomical Structure"),
            segmented_property_type=Code("10200004", "SCT", "Liver"),
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
        )
        for number in range(1, len(masks) + 1)
    ]
    pixels = np.stack(masks, axis=-1)
    if kind is SegmentationTypeValues.LABELMAP:
        pixels = np.max([mask * number for number, mask in enumerate(masks, 1)], axis=0)
    made = SegObject(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid="2.25.77",
        series_number=9,
        sop_instance_uid="2.25.78",
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        **values,
    )
    return dcmread(_stream(made))


def _stream(dataset: Dataset) -> io.BytesIO:
    return io.BytesIO(dicom_bytes(dataset))


def grid_of(name: str) -> Grid:
    place = places()[name]
    return Grid(place.shape_kji, place.affine_lps)


def two_masks(name: str) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    first = rng.random(places()[name].shape_kji) < 0.4
    second = ~first & (rng.random(first.shape) < 0.4)
    return [first.astype(np.uint8), second.astype(np.uint8)]


@pytest.mark.parametrize("kind", [SegmentationTypeValues.BINARY, SegmentationTypeValues.LABELMAP])
@pytest.mark.parametrize("name", REGULAR)
def test_each_voxel_is_where_the_series_has_it(name: str, kind: SegmentationTypeValues) -> None:
    masks = two_masks(name)
    seg = read_segmentation(segmentation(name, masks, kind=kind))
    label_map, note = on_grid(seg.label_map, grid_of(name))
    assert note is None
    assert np.array_equal(label_map.labels, masks[0] + 2 * masks[1])
    assert (seg.referenced_series_uid, seg.study_uid, seg.frame_of_reference_uid) == (SERIES_UID, STUDY_UID, "2.25.4")
    assert len(seg.referenced_sop_uids) == places()[name].shape_kji[0]
    assert seg.notes == ()


def test_labels_are_cleaned_and_the_coded_type_stands_in_for_a_missing_one() -> None:
    name = REGULAR[0]
    seg = read_segmentation(segmentation(name, two_masks(name)))
    assert [known.name for known in seg.label_map.classes] == ["liver", "spleen Jones"]
    dataset = segmentation(name, two_masks(name))
    dataset.SegmentSequence[1].SegmentLabel = "19610312"
    assert read_segmentation(dataset).label_map.classes[1].name == "Liver"


def test_fractions_count_from_one_half_and_the_reader_is_told() -> None:
    name = REGULAR[0]
    fractions = np.zeros(places()[name].shape_kji, dtype=np.float32)
    fractions[0, 0, :3] = (0.4, 0.6, 1.0)
    fractions[-1, 0, 0] = 0.3
    kind = SegmentationTypeValues.FRACTIONAL
    seg = read_segmentation(segmentation(name, [fractions], kind=kind, fractional_type="PROBABILITY"))
    label_map, _ = on_grid(seg.label_map, grid_of(name))
    assert np.argwhere(label_map.labels).tolist() == [[0, 0, 1], [0, 0, 2]]
    assert "at least one half" in seg.notes[0]


def test_where_segments_overlap_the_later_one_has_the_voxel_and_the_reader_is_told() -> None:
    name = REGULAR[0]
    first = np.ones(places()[name].shape_kji, dtype=np.uint8)
    second = np.zeros_like(first)
    second[1, 1, 1] = second[2, 0, 1] = 1
    seg = read_segmentation(segmentation(name, [first, second]))
    label_map, _ = on_grid(seg.label_map, grid_of(name))
    assert np.argwhere(label_map.labels == 2).tolist() == [[1, 1, 1], [2, 0, 1]]
    assert (label_map.labels != 0).all()
    assert seg.notes == ("2 voxels lie in two segments; the later one has them.",)


def test_empty_slices_that_a_segmentation_leaves_out_are_filled() -> None:
    name = REGULAR[0]
    mask = np.zeros(places()[name].shape_kji, dtype=np.uint8)
    mask[0, 0, 0] = mask[-1, 1, 1] = 1
    dataset = segmentation(name, [mask])
    assert dataset.NumberOfFrames == 2
    label_map, _ = on_grid(read_segmentation(dataset).label_map, grid_of(name))
    assert np.array_equal(label_map.labels, mask)


def _measures(dataset: Dataset) -> Dataset:
    measures: Dataset = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    del measures.SpacingBetweenSlices
    return measures


def test_left_out_slices_stay_empty_where_only_the_thickness_is_given() -> None:
    name = REGULAR[0]
    mask = np.zeros(places()[name].shape_kji, dtype=np.uint8)
    mask[0, 0, 0] = mask[-1, 1, 1] = 1
    dataset = segmentation(name, [mask])
    _measures(dataset).SliceThickness = places()[name].slice_gap_mm
    label_map, _ = on_grid(read_segmentation(dataset).label_map, grid_of(name))
    assert np.array_equal(label_map.labels, mask)


def test_gaps_of_unknown_content_are_refused() -> None:
    name = REGULAR[0]
    mask = np.zeros(places()[name].shape_kji, dtype=np.uint8)
    mask[0, 0, 0] = mask[-1, 1, 1] = 1
    dataset = segmentation(name, [mask])
    _measures(dataset).SliceThickness = 0.7 * places()[name].slice_gap_mm
    with pytest.raises(ImageRefused, match="not known"):
        read_segmentation(dataset)


def test_a_single_marked_slice_keeps_its_place() -> None:
    name = REGULAR[0]
    mask = np.zeros(places()[name].shape_kji, dtype=np.uint8)
    mask[1, 0, 1] = 1
    label_map, _ = on_grid(read_segmentation(segmentation(name, [mask])).label_map, grid_of(name))
    assert np.array_equal(label_map.labels, mask)


def _cut(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:1]


def _claim_columns(dataset: Dataset) -> None:
    dataset.Rows = dataset.Columns = 30_000


def _claim_frames(dataset: Dataset) -> None:
    with config.disable_value_validation():
        dataset.NumberOfFrames = 2_000_000_000


def _drop_places(dataset: Dataset) -> None:
    del dataset.PerFrameFunctionalGroupsSequence


def _drop_positions(dataset: Dataset) -> None:
    for item in dataset.PerFrameFunctionalGroupsSequence:
        del item.PlanePositionSequence


def _drop_segments(dataset: Dataset) -> None:
    del dataset.SegmentSequence


def _tilt_one(dataset: Dataset) -> None:
    position = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    position.ImagePositionPatient = [float(value) + 1.3 for value in position.ImagePositionPatient]


def _no_type(dataset: Dataset) -> None:
    del dataset.SegmentationType


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_cut, "segmentation_truncated"),
        (_claim_columns, "segmentation_too_large"),
        (_claim_frames, "segmentation_too_large"),
        (_drop_places, "bad_segmentation"),
        (_drop_positions, "bad_segmentation"),
        (_drop_segments, "bad_segmentation"),
        (_tilt_one, "segmentation_irregular"),
        (_no_type, "not_segmentation"),
    ],
)
def test_damaged_and_absurd_objects_are_refused(change: Callable[[Dataset], None], code: str) -> None:
    dataset = segmentation(REGULAR[0], two_masks(REGULAR[0]))
    change(dataset)
    with pytest.raises(ImageRefused) as caught:
        read_segmentation(dataset)
    assert caught.value.code == code


def test_a_segmentation_that_spans_more_than_the_limit_is_refused() -> None:
    dataset = segmentation(REGULAR[0], two_masks(REGULAR[0]))
    with pytest.raises(ImageRefused) as caught:
        read_segmentation(dataset, limits=ImageLimits(max_voxels=10))
    assert caught.value.code == "segmentation_too_large"


def test_segmentations_are_known_by_their_class() -> None:
    assert is_segmentation(segmentation(REGULAR[0], two_masks(REGULAR[0])))
    assert not is_segmentation(series(places()[REGULAR[0]])[0])
