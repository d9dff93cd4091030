"""Command line of the pixels library; needs neither Django nor a network.

Exit status: 0 done; 1 the files cannot be read or written; 2 wrong usage; 3 some cases were refused; 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from vision.core.phantoms.abdomen import AbdomenPlan
from vision.core.phantoms.lumbar import LumbarPlan
from vision.core.phantoms.plans import ABDOMEN, LUMBAR, MASK_FORMATS, SeriesPlan, StudyPlan, write_study
from vision.training_command import add_commands

_OK, _FAILED, _INTERRUPTED = 0, 1, 130
_ABDOMEN_TOP_MM, _ABDOMEN_LENGTH_MM = 195.0, 375.0
_LUMBAR_TOP_MM, _LUMBAR_LENGTH_MM = 85.0, 200.0
_LUMBAR_WIDTH_MM: Final = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except OSError as error:
        print(f"vision: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("vision: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vision", description="Images without a server, on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    phantom = commands.add_parser("phantom", help="write a made-up CT or MR study as DICOM files, with a mask")
    phantom.add_argument("folder", metavar="OUT", type=Path, help="folder for the files; made if it is not there")
    phantom.add_argument("--kind", choices=[ABDOMEN, LUMBAR], default=ABDOMEN, help="default: %(default)s")
    phantom.add_argument("--slices", type=_count(2, 4000), default=125, metavar="N", help="default: %(default)s")
    phantom.add_argument("--size", type=_count(16, 2048), default=256, metavar="N", help="rows and columns; 256")
    phantom.add_argument("--plane", choices=["axial", "sagittal"], default="axial", help="lumbar only")
    phantom.add_argument("--series-number", type=_count(1, 9999), default=2, metavar="N", help="default: %(default)s")
    phantom.add_argument("--study-id", default="PHANTOM-1", metavar="ID", help="also the accession number")
    phantom.add_argument("--patient-id", default="PHANTOM", metavar="ID", help="default: %(default)s")
    phantom.add_argument("--mask", choices=MASK_FORMATS, default="nifti", help="default: %(default)s")
    phantom.add_argument("--seed", type=_count(0, 2**31), default=1, metavar="N", help="of the noise")
    phantom.add_argument("--uncompressed", action="store_true", help="plain pixels instead of JPEG-LS without loss")
    phantom.set_defaults(run=_phantom)
    add_commands(commands)
    return parser


def _count(at_least: int, at_most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if text.isdecimal() else -1
        if not at_least <= number <= at_most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {at_least} to {at_most}")
        return number

    return parse


def _phantom(options: argparse.Namespace) -> int:
    is_ct = options.kind == ABDOMEN
    first, length = (_ABDOMEN_TOP_MM, _ABDOMEN_LENGTH_MM) if is_ct else (_LUMBAR_TOP_MM, _LUMBAR_LENGTH_MM)
    plane = "axial" if is_ct else options.plane
    if plane == "sagittal":
        first, length = -_LUMBAR_WIDTH_MM / 2, _LUMBAR_WIDTH_MM
    series = SeriesPlan(
        number=options.series_number,
        description="Made-up CT" if is_ct else "Made-up T2",
        plane=plane,
        n_images=options.slices,
        spacing_mm=length / options.slices,
        first_mm=first,
        size=options.size,
    )
    body = AbdomenPlan(seed=options.seed) if is_ct else LumbarPlan(seed=options.seed)
    plan = StudyPlan(kind=options.kind, series=(series,), body=body, mask_as=options.mask)
    n_images = write_study(
        options.folder,
        plan,
        study_id=options.study_id,
        patient_id=options.patient_id,
        compressed=not options.uncompressed,
    )
    print(f"{n_images} images in {options.folder}")
    return _OK
