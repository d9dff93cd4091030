import io

import numpy as np
import pytest
from PIL import Image

from tests.phantoms import dicom_bytes, image
from vision.core.dicom import read_instance
from vision.core.headers import InstanceHeader
from vision.core.preview import default_window, render_png


def opened(png: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.mode) == ("PNG", "L")
    return np.asarray(picture)


def header(**values: object) -> InstanceHeader:
    return read_instance(dicom_bytes(image(**values))).header  # type: ignore[arg-type]


def test_values_are_windowed_to_grey() -> None:
    # By hand: from -160 to 240 HU, (v + 160) / 400 * 255.
    values = np.array([[-1000, -160, -60], [40, 240, 3000]])
    assert opened(render_png(values, center=40, width=400)).tolist() == [[0, 0, 64], [128, 255, 255]]
    assert opened(render_png(values, center=40, width=400, invert=True)).tolist() == [[255, 255, 191], [127, 0, 0]]


def test_what_is_not_a_number_is_black() -> None:
    assert opened(render_png(np.array([[np.nan, 1.0, 0.5]]), center=0.5, width=1)).tolist() == [[0, 255, 128]]


def test_a_window_without_width_is_a_threshold() -> None:
    assert opened(render_png(np.array([[1, 5, 9]]), center=5, width=0)).tolist()[0][::2] == [0, 255]


@pytest.mark.parametrize(
    ("shape", "spacing", "max_side", "expected"),
    [
        ((10, 20), None, None, (10, 20)),
        ((10, 20), (0.5, 0.5), None, (10, 20)),
        ((10, 20), (3.0, 1.0), None, (30, 20)),
        ((10, 20), (1.0, 2.0), None, (10, 40)),
        ((512, 512), (1, 1), 96, (96, 96)),
        ((512, 256), (1, 1), 128, (128, 64)),
        ((100, 20), (0.5, 2.0), 50, (50, 40)),
        ((1, 4000), None, 100, (1, 100)),
        ((100, 100), (0.001, 100.0), None, (1, 4096)),
    ],
)
def test_pictures_have_the_proportions_of_the_patient(
    shape: tuple[int, int], spacing: tuple[float, float] | None, max_side: int | None, expected: tuple[int, int]
) -> None:
    png = render_png(np.zeros(shape), center=0, width=1, max_side=max_side, pixel_spacing_mm=spacing)
    assert opened(png).shape == expected


def test_the_window_of_the_header_comes_first() -> None:
    assert default_window("CT", header(WindowCenter=[60, 300], WindowWidth=[350, 1500])) == (60, 350)
    assert default_window("CT", header(WindowCenter=60, WindowWidth=0)) == (40, 400)


def test_ct_without_a_window_is_shown_as_soft_tissue() -> None:
    assert default_window("CT", header()) == (40, 400)
    assert default_window("CT") == (40, 400)


def test_other_images_are_windowed_by_what_they_span() -> None:
    sample = np.arange(1001)
    assert default_window("MR", header(Modality="MR"), sample) == pytest.approx((500, 980))
    assert default_window("MR", None, np.full((4, 4), 7)) == (7, 1)
    assert default_window("MR", None, np.array([np.nan, np.inf])) == (128, 256)
    assert default_window("MR") == (128, 256)
