"""Switches of the `leavs` labeler (METHODS A.2, A.11)."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from labeling.core.schema import Schema, Target

Split = Literal["fast_extensive", "fast", "extensive", "no"]
Definition = Literal["multiple", "individual"]
Tree = Literal["leavs", "maplez"]

_ALLOWED: Final = {"split_report": get_args(Split), "definition": get_args(Definition), "tree": get_args(Tree)}


@dataclass(frozen=True, slots=True)
class Config:
    """The published switches with their published defaults. Raises ValueError when a switch has no such position.

    `split_report`: how the sentences of a target are found: a list of quotes and a check of each sentence that it
    leaves out, the list alone, the check alone, or not at all. `use_cot`: let the model reason before it answers.
    `definition`: choose the findings of a target in one question, or ask about each as if it were chosen. `tree`: which
    questions decide a cell. `targets`: names of those that are asked about, None for all of the schema.
    """

    split_report: Split = "fast_extensive"
    use_cot: bool = True
    definition: Definition = "multiple"
    tree: Tree = "leavs"
    targets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for switch, positions in _ALLOWED.items():
            if getattr(self, switch) not in positions:
                raise ValueError(f"{switch} is {getattr(self, switch)!r}, expected one of {', '.join(positions)}")

    def check(self, schema: Schema) -> None:
        """Raises ValueError when the schema lacks a target that is to be asked about."""
        self.targets_of(schema)

    def targets_of(self, schema: Schema) -> tuple[Target, ...]:
        """The targets that are asked about, in schema order; raises ValueError when the schema lacks one."""
        if self.targets is None:
            return schema.targets
        unknown = set(self.targets) - set(schema.target_by_name)
        if unknown:
            raise ValueError(f"schema {schema.name} v{schema.version} has no target {sorted(unknown)[0]!r}")
        return tuple(target for target in schema.targets if target.name in self.targets)
