"""Radiomics: intensity, shape and texture of each region. Needs no weights; SimpleITK measures, `texture` adds texture.

A region that does not occur has zeros for all (METHODS F), and `found` says so.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.features import texture
from vision.core.mask_classes import LabelMap
from vision.core.volumes import Volume, bounds_of, labels_to_itk, simple_itk, to_itk

Floats = NDArray[np.float64]

VERSION: Final = "1"
_PERCENTS: Final = (5, 25, 50, 75, 95)
_ITK_INTENSITY: Final = {
    "mean": "GetMean",
    "standard_deviation": "GetStandardDeviation",
    "minimum": "GetMinimum",
    "maximum": "GetMaximum",
    "skewness": "GetSkewness",
    "kurtosis": "GetKurtosis",
}
_ITK_SHAPE: Final = {
    "volume_mm3": "GetPhysicalSize",
    "surface_mm2": "GetPerimeter",
    "roundness": "GetRoundness",
    "elongation": "GetElongation",
    "flatness": "GetFlatness",
    "sphere_diameter_mm": "GetEquivalentSphericalRadius",
}
_DIAMETERS: Final = ("least_diameter_mm", "middle_diameter_mm", "greatest_diameter_mm")
NAMES: Final = (
    *(f"intensity_{name}" for name in (*_ITK_INTENSITY, *(f"percentile_{percent}" for percent in _PERCENTS))),
    *(f"shape_{name}" for name in (*_ITK_SHAPE, *_DIAMETERS)),
    *(f"texture_{name}" for name in texture.NAMES),
)


@dataclass(frozen=True, slots=True)
class RadiomicsOptions:
    """Grey levels are steps of `bin_width` from `lowest` (CT: HU), or `n_levels` from least to greatest (MR)."""

    bin_width: float | None = 25.0
    lowest: float = -1000.0
    n_levels: int = 32


def radiomics(
    volume: Volume, regions: LabelMap, *, n_regions: int, options: RadiomicsOptions
) -> tuple[Floats, NDArray[np.bool_]]:
    """Features `(regions, NAMES)` of a mask whose value r + 1 is region r, and whether each region occurs.

    Image and mask lie on one grid. Raises `ValueError` when their shapes differ.
    """
    if volume.voxels.shape != regions.labels.shape:
        raise ValueError(f"image {volume.voxels.shape} and mask {regions.labels.shape} have one shape")
    itk = simple_itk()
    intensity, shape = itk.LabelIntensityStatisticsImageFilter(), itk.LabelShapeStatisticsImageFilter()
    marked = labels_to_itk(regions)
    intensity.Execute(marked, to_itk(volume))
    shape.ComputePerimeterOn()
    shape.Execute(marked)
    values, found = np.zeros((n_regions, len(NAMES))), np.zeros(n_regions, bool)
    for label in shape.GetLabels():
        found[label - 1] = True
        box = tuple(slice(*ends) for ends in _box(regions, label))
        voxels, inside = volume.voxels[box], regions.labels[box] == label
        measured = [getattr(intensity, name)(label) for name in _ITK_INTENSITY.values()]
        measured += np.percentile(voxels[inside].astype(np.float64), _PERCENTS).tolist()
        measured += _shape(shape, label)
        measured += texture.texture(_levels(voxels, inside, options)).tolist()
        # One grey value has no skewness: SimpleITK gives NaN, and none of it is 0.
        values[label - 1] = np.nan_to_num(measured, nan=0.0, posinf=0.0, neginf=0.0)
    return values, found


def _box(regions: LabelMap, label: int) -> Any:
    bounds = bounds_of(regions.labels == label)
    if bounds is None:
        raise ValueError(f"region {label} does not occur")
    return bounds


def _shape(shape: Any, label: int) -> list[float]:
    values = [float(getattr(shape, name)(label)) for name in _ITK_SHAPE.values()]
    values[-1] *= 2
    return values + [float(length) for length in sorted(shape.GetEquivalentEllipsoidDiameter(label))]


def _levels(voxels: NDArray[Any], inside: NDArray[np.bool_], options: RadiomicsOptions) -> texture.Levels:
    if options.bin_width is None:
        return texture.by_number(voxels, inside, n_levels=options.n_levels)
    return texture.by_width(voxels, inside, width=options.bin_width, lowest=options.lowest)
