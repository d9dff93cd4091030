"""Every transfer syntax shows in the browser the values that the server decodes."""

import io
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from tests.e2e import galleries
from tests.e2e.viewing import PATIENCE_MS, Images
from tests.phantoms import dicom_bytes
from tests.shared_data import shared_data
from vision.core.dicom import read_instance
from vision.core.frames import decode_frame, to_units
from vision.core.syntaxes import KNOWN_SYNTAXES

pytestmark = pytest.mark.e2e

FIFTEEN = {f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2", ".5")} | {
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70, 80, 81, 90, 91)
}
HTJ2K = {f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203)}
# Stored values that two decoders of the same lossy stream may round apart; everything else is the same to the bit.
ROUNDING = {"1.2.840.10008.1.2.4.50": 1, "1.2.840.10008.1.2.4.91": 1, "1.2.840.10008.1.2.4.203": 1}
# Voxels that are read of a large picture: with odd steps every place in the blocks of eight of JPEG is met.
COLUMN_STEP, ROW_STEP = 17, 19
SMALL = 64

READ_ALL = """([chosen, spots]) => {
  const pane = document.querySelector(chosen);
  const box = pane.getBoundingClientRect();
  const readout = pane.querySelector(".vp-readout");
  readout.style.display = "none"; // else the browser lays the page out anew for each of them
  const read = spots.map(([x, y]) => {
    const where = { clientX: box.left + x, clientY: box.top + y, bubbles: true };
    pane.dispatchEvent(new PointerEvent("pointermove", where));
    return [pane.dataset.value, ...pane.dataset.position.split(" ")].map(Number);
  });
  readout.style.display = "";
  return read;
}"""


@pytest.fixture(scope="module")
def examples():
    return shared_data("dicom_syntaxes")


@pytest.fixture(scope="module")
def syntaxes(server, examples):
    """The case with a series in each syntax."""
    server.run(str(Path(galleries.__file__)), galleries.SYNTAXES, str(examples))
    return galleries.SYNTAXES


def decoded(dataset):
    """What the server makes of a file: values in HU, and the size of a stored step."""
    instance = read_instance(dicom_bytes(dataset))
    instance.load_pixels()
    header = instance.header
    return to_units(decode_frame(instance.dataset), header.slope, header.intercept), header.slope


def shown(images, dataset):
    """Values that the viewer reads at the middle of voxels, and those voxels as (rows, columns)."""
    row_step, column_step = (1, 1) if dataset.Rows < SMALL else (ROW_STEP, COLUMN_STEP)
    rows, columns = np.mgrid[0 : dataset.Rows : row_step, 0 : dataset.Columns : column_step].reshape(2, -1)
    right, down = np.array(dataset.ImageOrientationPatient, dtype=float).reshape(2, 3)
    down_mm, right_mm = (float(step) for step in dataset.PixelSpacing)
    origin = np.array(dataset.ImagePositionPatient, dtype=float)

    def read(spots):
        return np.array(images.page.evaluate(READ_ALL, [".vp[data-pane='0']", spots.tolist()]), dtype=float)

    size = np.array([images.pane().evaluate("(pane) => [pane.clientWidth, pane.clientHeight]")])
    spots = size * [[0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]
    middle, *others = read(spots)[:, 1:]
    steps_mm = np.column_stack(others) - middle[:, None]
    places = origin + np.outer(columns, right) * right_mm + np.outer(rows, down) * down_mm
    moved, *_ = np.linalg.lstsq(steps_mm, (places - middle).T, rcond=None)
    found = read(spots[0] + moved.T * (size * 0.1))
    off_mm = found[:, 1:] - places
    assert np.abs(off_mm[:, :2]).max() < min(right_mm, down_mm) / 4, "another voxel than the wanted one is read"
    return found[:, 0], (rows, columns)


def stored_syntax(page, server, series):
    """What the server keeps the series as."""
    answer = page.request.get(f"{server.url}/api/projects/{galleries.SYNTAXES}/series/{series}/images/0.dcm")
    return str(dcmread(io.BytesIO(answer.body()), stop_before_pixels=True).file_meta.TransferSyntaxUID)


def test_the_browser_decodes_every_syntax_to_the_values_of_the_server(open_screen, syntaxes, examples, server):
    files = galleries.syntax_files(examples)
    assert set(files) == FIFTEEN | HTJ2K
    page = open_screen(syntaxes, galleries.SYNTAXES_CASE).page
    images = Images(page).ready()
    series = {each["number"]: each["id"] for each in images.manifest()["series"]}
    off, kept = {}, {}
    for number, (uid, dataset) in enumerate(files.items(), start=1):
        page.locator(".viewer-title").click()
        page.locator(f".viewer-entry[data-series='{series[number]}']").click()
        images.has(series=series[number], loaded="true")
        expect(images.viewer, f"{KNOWN_SYNTAXES[uid].name} is drawn").to_have_attribute(
            "data-state", "ready", timeout=PATIENCE_MS
        )
        expected_hu, step_hu = decoded(dataset)
        values_hu, voxels = shown(images, dataset)
        off[uid] = np.abs(values_hu - expected_hu[voxels]).max() / step_hu
        kept[uid] = stored_syntax(page, server, series[number])
        assert np.ptp(values_hu) > 100 * step_hu
    assert kept == {uid: uid if KNOWN_SYNTAXES[uid].is_kept else ExplicitVRLittleEndian for uid in files}
    # HU are 32-bit numbers on the server: a thousandth of a step is their rounding.
    assert {uid: steps for uid, steps in off.items() if not steps <= ROUNDING.get(uid, 0) + 1e-3} == {}
