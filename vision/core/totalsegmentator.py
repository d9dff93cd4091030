"""Masks made by TotalSegmentator, when it is installed with its weights. Nothing is sent and nothing is fetched."""

from pathlib import Path
from typing import Any, Final

from vision.core.refusals import ImageRefused

TASKS: Final = ("total", "total_mr", "vertebrae_mr")


def segment(image: Path, mask: Path, *, task: str = "total", device: str = "gpu") -> None:
    """Write the label map of `image` (NIfTI) as `mask`, all classes in one file.

    The program's own report of its use is switched off, and weights that are not there are an error, not a download.
    Raises `ImageRefused` when it is not installed, lacks weights, or does not know the task.
    """
    if task not in TASKS:
        raise ImageRefused(f"task {task!r} is not one of {', '.join(TASKS)}", code="unknown_task")
    try:
        from totalsegmentator import config, python_api
    except ImportError as error:
        raise ImageRefused(
            "masks cannot be made here: TotalSegmentator is not installed. Install it and its weights as "
            "docs/training.md says, or bring masks of your own",
            code="no_totalsegmentator",
        ) from error
    weights = Path(config.get_weights_dir())

    def require_weights(task_id: int) -> None:
        if not any(weights.glob(f"Dataset{task_id:03d}_*")):
            raise ImageRefused(
                f"TotalSegmentator lacks the weights of its part {task_id} for {task}, expected Dataset{task_id:03d}_* "
                "in its weights folder; fetch them with totalseg_download_weights",
                code="no_totalsegmentator_weights",
            )

    def say_nothing(*_: Any) -> None:
        return None

    python_api.download_pretrained_weights = require_weights
    python_api.send_usage_stats = say_nothing
    python_api.totalsegmentator(image, mask, ml=True, task=task, device=device, quiet=True)
