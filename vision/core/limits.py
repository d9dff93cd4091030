"""Bounds on images from outside: whatever goes beyond one is refused, never cut off."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Bounds on files, headers and archives. Sizes in bytes, extents in voxels and frames.

    `max_total_frames` and `max_total_pixels` are those of one import. A frame that says where it lies takes 0.6 kB from
    when it is found until its series is stored (measured), and every pixel is decoded, however small its file is.
    """

    max_file_bytes: int = 2 * 1024**3
    max_dicom_bytes: int = 512 * 1024**2
    max_header_bytes: int = 32 * 1024**2
    max_header_reads: int = 2_000_000
    max_inflated_bytes: int = 256 * 1024**2
    max_side: int = 32_768
    max_frames: int = 20_000
    max_voxels: int = 2**30
    max_files: int = 200_000
    max_total_frames: int = 400_000
    max_total_pixels: int = 2**38
    max_archive_bytes: int = 64 * 1024**3
    max_expansion: int = 200
    expands_freely_bytes: int = 16 * 1024**2
    max_in_memory_bytes: int = 32 * 1024**2


DEFAULT_LIMITS: Final = ImageLimits()
