"""Which sentences speak of which target (METHODS A.5, with numbers for quotes and one answer for all targets).

The first answer goes from target to sentences. The second, the recall, goes over what that left on either side: each
sentence that no target got, and each target that got no sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import JsonForm, Sampling
from labeling.core.leavs_fast.config import Config
from labeling.core.leavs_fast.forms import Form, list_of, numbers_of, object_of, one_of, read_form, room_for, sketch
from labeling.core.leavs_fast.page import Page, listed
from labeling.core.leavs_fast.plan import Part, dashed, shown_finding, shown_target
from labeling.core.prompts import fill
from labeling.core.together import together

_TARGETS_OF_A_SENTENCE: Final = 4  # on average at most, for the room an answer gets


Recalled = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Numbers of the sentences of each target. `doubt`: a recall was unreadable, so sentences may be missing."""

    numbers: dict[str, tuple[int, ...]]
    doubt: UnreadableAnswer | None = None


async def select(asker: Asker, page: Page, parts: Sequence[Part], config: Config) -> Selection:
    """The sentences of every target. Raises `UnreadableAnswer` when a first selection is unreadable."""
    portions = _portions(page.numbers, config.portion)
    answers = await together(_sort(asker, page, parts, portion) for portion in portions)
    chosen: dict[str, set[int]] = {part.name: set().union(*(answer[part.name] for answer in answers)) for part in parts}
    doubt = None
    if config.recall:
        sorted_out = set().union(*chosen.values())
        left_out = _portions([number for number in page.numbers if number not in sorted_out], config.portion)
        tasks = _recall_tasks(left_out, [part for part in parts if not chosen[part.name]])
        for found in await together(_recall(asker, page, parts, *task) for task in tasks):
            if isinstance(found, UnreadableAnswer):
                doubt = found
            else:
                _add(chosen, found)
    return Selection({name: tuple(sorted(numbers)) for name, numbers in chosen.items()}, doubt)


def _portions(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _recall_tasks(
    portions: Sequence[Sequence[int]], untouched: Sequence[Part]
) -> list[tuple[Sequence[int], Sequence[Part]]]:
    """What each recall asks for: a portion of the sentences left out, and the first also the untouched targets."""
    if not portions:
        return [((), untouched)] if untouched else []
    return [(portion, () if place else untouched) for place, portion in enumerate(portions)]


async def _sort(asker: Asker, page: Page, parts: Sequence[Part], portion: Sequence[int]) -> dict[str, list[int]]:
    form = object_of({part.name: numbers_of(portion, at_most=len(portion)) for part in parts})
    question = fill("fast_select", scope=_scope(parts), sentences=listed(portion), form=sketch(form))
    entries = _TARGETS_OF_A_SENTENCE * len(portion) + len(parts)
    found: dict[str, list[int]] = await _ask(asker, page, question, form, stage="select", entries=entries)
    return found


async def _recall(
    asker: Asker, page: Page, parts: Sequence[Part], left_out: Sequence[int], untouched: Sequence[Part]
) -> Recalled | UnreadableAnswer:
    """What the second look finds, or why its answer could not be read."""
    names = [part.name for part in parts]
    properties, tasks = {}, []
    if left_out:
        regions = list_of(one_of(names), at_most=len(names))
        properties["sentences"] = object_of({str(number): regions for number in left_out})
        tasks.append(fill("fast_recall_sentences", numbers=listed(left_out)))
    if untouched:
        numbers = numbers_of(page.numbers, at_most=len(page.numbers))
        properties["regions"] = object_of({part.name: numbers for part in untouched})
        tasks.append(fill("fast_recall_targets", targets=", ".join(part.name for part in untouched)))
    form = object_of(properties)
    question = fill("fast_recall", scope=_scope(parts), tasks="\n\n".join(tasks), form=sketch(form))
    entries = 2 * (_TARGETS_OF_A_SENTENCE * len(left_out) + len(untouched)) + len(page.numbers)
    try:
        found: Recalled = await _ask(asker, page, question, form, stage="recall", entries=entries)
    except UnreadableAnswer as error:
        return error
    return found


async def _ask(asker: Asker, page: Page, question: str, form: Form, *, stage: str, entries: int) -> Any:
    return await asker.ask_for(
        page.ask(question),
        Sampling(room_for(form, entries=entries)),
        purpose=Purpose(stage),
        read=lambda answer: read_form(answer, form),
        constraint=JsonForm(form),
    )


def _add(chosen: dict[str, set[int]], recalled: Recalled) -> None:
    for number, names in recalled.get("sentences", {}).items():
        for name in names:
            chosen[name].add(int(number))
    for name, numbers in recalled.get("regions", {}).items():
        chosen[name].update(numbers)


def _scope(parts: Sequence[Part]) -> str:
    findings = {finding.name: finding for part in parts for finding in part.findings}
    return fill(
        "fast_scope",
        targets=dashed([shown_target(part.target) for part in parts]),
        findings=dashed([shown_finding(finding) for finding in findings.values()]),
    )
