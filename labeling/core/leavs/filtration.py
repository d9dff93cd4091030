"""Stage 1 of LEAVS: which sentences of the report are about a target (METHODS A.5)."""

from dataclasses import dataclass
from typing import Final

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import Answer
from labeling.core.leavs.config import Split
from labeling.core.leavs.excerpt import Source
from labeling.core.leavs.matching import match_quotes
from labeling.core.leavs.questions import Subject, read_yes
from labeling.core.leavs.quotes import QuoteList, read_quotes
from labeling.core.nodes import put
from labeling.core.together import together

QUOTE_NOT_FOUND: Final = "quote_not_found"
QUOTES_UNREADABLE: Final = "quotes_unreadable"
QUOTES_CUT: Final = "quotes_cut"


@dataclass(frozen=True, slots=True)
class Selection:
    """Indexes of the sentences about a target.

    `is_evidence` is false where nothing was selected because the whole report goes on. `flags` hold `quote_not_found`
    once for each quote that is not in the report.
    """

    indexes: frozenset[int]
    is_evidence: bool = True
    flags: tuple[str, ...] = ()


async def select_sentences(asker: Asker, source: Source, subject: Subject, split: Split) -> Selection:
    """The sentences about the target of `subject`.

    Raises `UnreadableAnswer` when an answer that decides about a sentence is not readable, and `BackendError`. In
    `fast_extensive` the list of quotes only spares questions: when it is not readable, every sentence is asked about.
    """
    if split == "no":
        return Selection(source.all_indexes, is_evidence=False)
    quoted = Selection(frozenset())
    if split != "extensive":
        quoted = await _quoted(asker, source, subject, is_all=split == "fast")
    if split == "fast":
        return quoted
    checked = await _checked(asker, source, subject, source.all_indexes - quoted.indexes)
    return Selection(quoted.indexes | checked, flags=quoted.flags)


async def _quoted(asker: Asker, source: Source, subject: Subject, *, is_all: bool) -> Selection:
    """Stage 1a. `is_all`: nothing looks for the sentences that the list lacks, so it must be whole."""
    purpose = Purpose("fast", subject.target.name)
    read = _read_whole if is_all else read_quotes
    try:
        listed = await put(asker, subject.fast(source.text), purpose=purpose, read=read)
    except UnreadableAnswer:
        if is_all:
            raise
        return Selection(frozenset(), flags=(QUOTES_UNREADABLE,))
    scope = f"{subject.scope}\n{subject.finding_list}"
    matches = match_quotes(listed.quotes, source.sentences, headings=source.headings, scope=scope)
    cut = (QUOTES_CUT,) if listed.is_cut else ()
    return Selection(matches.sentences, flags=cut + (QUOTE_NOT_FOUND,) * matches.n_not_found)


def _read_whole(answer: Answer) -> QuoteList:
    listed = read_quotes(answer)
    if listed.is_cut:
        raise UnreadableAnswer("The list did not end. Write it again, each sentence once.")
    return listed


async def _checked(asker: Asker, source: Source, subject: Subject, indexes: frozenset[int]) -> frozenset[int]:
    """Stage 1b. A sentence that stands twice under the same heading is asked about once."""
    same: dict[str, list[int]] = {}
    for index in sorted(indexes):
        same.setdefault(source.alone(index), []).append(index)
    answers = await together(
        _is_about(asker, source, subject, index=group[0], sentence=text) for text, group in same.items()
    )
    if None in answers:
        raise UnreadableAnswer("one of the sentences")
    return frozenset(i for is_about, group in zip(answers, same.values(), strict=True) if is_about for i in group)


async def _is_about(asker: Asker, source: Source, subject: Subject, *, index: int, sentence: str) -> bool | None:
    """Whether a sentence is about the target; None when the answer is not readable, so that others are still asked."""
    purpose = Purpose("sentence", subject.target.name, sentence=index)
    try:
        return await put(asker, subject.sentence(source.text, sentence), purpose=purpose, read=read_yes)
    except UnreadableAnswer:
        return None
