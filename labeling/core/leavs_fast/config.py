"""Switches of `leavs-fast`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """What can be switched.

    `recall`: sentences and targets that the first selection left out are looked at once more. `reasons`: answers begin
    with a short rationale. `portion`: so many sentences are sorted by one answer; a longer report takes several.
    """

    recall: bool = True
    reasons: bool = True
    portion: int = 60

    def __post_init__(self) -> None:
        if self.portion < 1:
            raise ValueError(f"portion is {self.portion}, it must be at least 1 sentence")
