"""The extractors: which numbers are taken from an organ or a disc."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.discs import disc_volume, level_of
from vision.core.features import pictures, radiomics
from vision.core.features.extraction import Extractor, Measured, Study
from vision.core.mask_classes import LabelMap
from vision.core.refusals import ImageRefused
from vision.core.regions import Region, region_map
from vision.core.volumes import Volume, both_on, cropped, isotropic

# Beyond the image of a CT there is air.
_AIR_HU: Final = -1024.0
_MARGIN_MM: Final = 5.0

OfVolume = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class OrganRadiomics:
    """Intensity, shape and texture of organs, on voxels of `spacing_mm` in all directions; None keeps the scan's."""

    spacing_mm: float | None = 2.0
    measured: radiomics.RadiomicsOptions = field(default_factory=radiomics.RadiomicsOptions)
    name: str = "radiomics"
    names: tuple[str, ...] = radiomics.NAMES
    missing_is_value: bool = True

    @property
    def options(self) -> dict[str, Any]:
        return {"version": radiomics.VERSION, "spacing_mm": self.spacing_mm, **asdict(self.measured)}

    def measure(self, study: Study, regions: Sequence[Region]) -> Measured:
        """Features of the organs of a mask."""
        volume, organs = organs_of(study, regions)
        if self.spacing_mm is not None:
            grid = isotropic(volume.grid, self.spacing_mm)
            volume, organs = both_on(volume, organs, grid, outside=_AIR_HU)
        return radiomics.radiomics(volume, organs, n_regions=len(regions), options=self.measured)


@dataclass(frozen=True, slots=True)
class DiscFeatures:
    """Features of the 9 x 112 x 224 volume of each disc, by a function of it; levels that are not seen are unknown."""

    of_volume: OfVolume
    names: tuple[str, ...]
    name: str
    made_by: tuple[tuple[str, str], ...]
    missing_is_value: bool = False

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.made_by)

    def measure(self, study: Study, regions: Sequence[Region]) -> Measured:
        """Features of the discs of a mask or of landmarks. Raises `ImageRefused` when no level of them is seen."""
        places = study.discs(regions)
        if not places:
            raise ImageRefused("neither mask nor landmarks show a level of the schema", code="mask_without_regions")
        values, found = np.zeros((len(regions), len(self.names))), np.zeros(len(regions), bool)
        for index, region in enumerate(regions):
            if region.name in places:
                values[index] = self.of_volume(disc_volume(study.volume, places[region.name]).voxels)
                found[index] = True
        return values, found


def disc_pictures() -> DiscFeatures:
    """Coarse pictures of the discs; needs no weights."""
    return DiscFeatures(pictures.picture, pictures.NAMES, "pictures", (("version", pictures.VERSION),))


def organs_of(study: Study, regions: Sequence[Region]) -> tuple[Volume, LabelMap]:
    """Image and organs cut to the box of the organs. Raises `ImageRefused` without a mask, and as `region_map`."""
    if study.label_map is None:
        raise ImageRefused("organs need a mask, the case has landmarks only", code="no_regions")
    organs = region_map(study.label_map, regions)
    return cropped(study.volume, organs, margin_mm=_MARGIN_MM)


def default_extractor(regions: Sequence[Region], *, modality: str, spacing_mm: float = 2.0) -> Extractor:
    """What needs no weights: pictures where every region is a spinal level, else radiomics of organs."""
    if regions and all(level_of(region) for region in regions):
        return disc_pictures()
    plain = OrganRadiomics(spacing_mm)
    if modality == "CT":
        return plain
    return replace(plain, measured=radiomics.RadiomicsOptions(bin_width=None))
