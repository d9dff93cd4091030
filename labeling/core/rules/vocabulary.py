"""What phrases mean: mentions of organs, findings and cues, read from the vocabulary files and from the schema.

A vocabulary file with organs serves a schema when they share a target. What the schema adds (terms of its targets
and findings, and targets and findings that no file knows) is put on top, so a user extends the rules in YAML.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from labeling.core.rules.data import read_vocabulary_file, read_vocabulary_header, vocabulary_files
from labeling.core.rules.lexicon import Lexicon, fold, phrase_key, word_key
from labeling.core.schema import Finding, Schema, Target

BOTH: Final = "both"
_NOT_VOCABULARIES: Final = frozenset({"spelling.toml", "headings.toml", "sentence-ends.toml"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase that names a place.

    `role` is `whole` (the organ), `part`, `around` (beside the organ), `collective` or `other` (none of the schema's
    targets). A `passing` mention does not become the topic of following sentences. What is said of a `firm` one stays
    there, even a finding that implies another organ: a transplant. A `shared` part ("upper pole") is one of the organ
    only when no other organ is spoken of.
    """

    organs: tuple[str, ...] = ()
    role: str = "whole"
    side: str = ""
    passing: bool = False
    region: bool = False
    lends_side: bool = False
    firm: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class FindingTerm:
    """A phrase that names a finding, and which cells it is about.

    `types` are findings of the schema, `by_organ` replaces them for one organ, `organs` limits where it can be,
    `implied` is where it is when nothing else is said; `strong` keeps it there whatever stands nearby. An `adjective`
    may stand before its organ; a `predicate` is said of the organ itself, never of a lesion in it; a `weak` finding
    yields to any other in its clause; `spread` lets the words "diffuse" and "focal" choose the type. A `strict`
    predicate ("small") needs a copula or its organ right behind it; a `pronoun` ("another") stands for a lesion named
    before; one that `repeats` ("ditto") has the types of the finding before; one that `explains` ("splenule") says what
    a lesion named before it in its sentence really is; a finding with `needs` counts only when its clause has one of
    these words.
    """

    name: str
    types: tuple[str, ...]
    by_organ: tuple[tuple[str, tuple[str, ...]], ...] = ()
    organs: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()
    strong: bool = False
    adjective: bool = False
    predicate: bool = False
    weak: bool = False
    spread: bool = False
    surgical: bool = False
    adjacent_only: bool = False
    strict: bool = False
    pronoun: bool = False
    possible: bool = False
    repeats: bool = False
    explains: bool = False
    needs: tuple[str, ...] = ()
    assertion: str = ""

    def types_in(self, organ: str) -> tuple[str, ...]:
        """Findings of the schema that this term is about in `organ`."""
        return dict(self.by_organ).get(organ, self.types)


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase that changes or bounds what is said: negation, hedge, clause break and so on."""

    kind: str
    value: str = ""


@dataclass(slots=True)
class Vocabulary:
    """Everything the rules need to read reports for one schema.

    `targets_of` maps an organ to its targets by side ("" for an organ without sides), `part_of` an organ to the organ
    that it is a part of, `own_organs` are those only the schema knows, `elsewhere` the names of places that are
    none, by their key.
    """

    lexicon: Lexicon
    targets_of: dict[str, dict[str, str]] = field(default_factory=dict)
    part_of: dict[str, str] = field(default_factory=dict)
    own_organs: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def add_organ(self, organ: str, targets: dict[str, str]) -> None:
        """Let the targets of `organ` be `targets`: by side, or one under the key "" for an organ without sides."""
        self.targets_of[organ] = targets

    def is_sided(self, organ: str) -> bool:
        """Whether `organ` has a left and a right target."""
        return "left" in self.targets_of.get(organ, {})


@cache
def _file(name: str) -> dict[str, Any]:
    return read_vocabulary_file(name)


@cache
def _header(name: str) -> dict[str, Any]:
    return read_vocabulary_header(name)


def build_vocabulary(schema: Schema) -> Vocabulary:
    """Vocabulary for `schema`: the cues, every file that shares a target with it, and its own terms."""
    vocabulary = Vocabulary(Lexicon())
    names = [name for name in vocabulary_files() if name not in _NOT_VOCABULARIES]
    files = [_file(name) for name in names if _serves(_header(name), schema)]
    for content in files:
        _add_organs(vocabulary, content, schema)
        _add_findings(vocabulary, content.get("finding", ()))
        for cue in content.get("cue", ()):
            for term in cue["terms"]:
                vocabulary.lexicon.add(term, Cue(cue["kind"], cue.get("value", "")))
    known = {finding for content in files for finding in content.get("vocabulary", {}).get("findings", ())}
    for finding in schema.findings:
        _free_finding_terms(vocabulary, finding, known)
    for target in schema.targets:
        _add_target_terms(vocabulary, target)
    for finding in schema.findings:
        _add_finding_terms(vocabulary, schema, finding, known)
    return vocabulary


def _serves(content: dict[str, Any], schema: Schema) -> bool:
    """Whether the vocabulary file that begins with `content` shares a target with `schema`, or is for all."""
    header = content.get("vocabulary", {})
    if "targets" not in header:
        return True
    return any(target.name in header["targets"] for target in schema.targets)


def _add_organs(vocabulary: Vocabulary, content: dict[str, Any], schema: Schema) -> None:
    names = {target.name for target in schema.targets}
    for organ in content.get("organ", ()):
        own = organ.get("target", organ["id"])
        targets = {side: name for side, name in organ.get("sides", {"": own}).items() if name in names}
        if not targets and own in names:
            targets = {"": own}
        vocabulary.add_organ(organ["id"], targets)
        vocabulary.part_of[organ["id"]] = own
        _add_organ_terms(vocabulary.lexicon, organ)
    for group in content.get("collective", ()):
        for term in group["terms"]:
            vocabulary.lexicon.add(term, Mention(tuple(group["organs"]), group.get("role", "collective")))
    for other in content.get("other", ()):
        passing, region, lends, firm = (other.get(name, False) for name in ("passing", "region", "lends_side", "firm"))
        vocabulary.elsewhere.update((phrase_key(term), term) for term in other["terms"])
        for term in other["terms"]:
            vocabulary.lexicon.add(term, Mention((), "other", "", passing or region, region, lends, firm))


def _add_organ_terms(lexicon: Lexicon, organ: dict[str, Any]) -> None:
    """Terms of an `[[organ]]` table of a vocabulary file."""
    organs = (organ["id"],)
    mentions = {role: Mention(organs, role) for role in ("whole", "part", "around")}
    mentions |= {side: Mention(organs, "whole", side) for side in ("left", "right")}
    mentions["shared"] = Mention(organs, "part", shared=True)
    for role, mention in mentions.items():
        for term in organ.get(role, ()):
            lexicon.add(term, mention)
    for term in organ.get("plural", ()):
        *before, last = term.split()
        lexicon.add(" ".join((*before, "=" + last)), Mention(organs, "whole", BOTH))


def _add_findings(vocabulary: Vocabulary, entries: Iterable[dict[str, Any]]) -> None:
    for entry in entries:
        term = finding_term(entry)
        for phrase in entry["terms"]:
            vocabulary.lexicon.add(phrase, term)


def finding_term(entry: dict[str, Any]) -> FindingTerm:
    """The finding that a `[[finding]]` table of a vocabulary file describes."""
    flags = (
        "strong",
        "adjective",
        "predicate",
        "weak",
        "spread",
        "surgical",
        "adjacent_only",
        "strict",
        "pronoun",
        "possible",
        "repeats",
        "explains",
    )
    return FindingTerm(
        name=entry["name"],
        types=tuple(entry.get("types", ())),
        by_organ=tuple((organ, tuple(types)) for organ, types in entry.get("by_organ", {}).items()),
        organs=tuple(entry.get("organs", ())),
        implied=tuple(entry.get("implied", ())),
        needs=tuple(word_key(word) for word in entry.get("needs", ())),
        assertion=entry.get("assertion", ""),
        **{flag: bool(entry.get(flag, False)) for flag in flags},
    )


def _add_target_terms(vocabulary: Vocabulary, target: Target) -> None:
    """Terms of a schema's target; for a target that no file knows, its name and title as well."""
    for organ, targets in vocabulary.targets_of.items():
        for side, name in targets.items():
            if name == target.name and vocabulary.part_of.get(organ, organ) == organ:
                _add_place(vocabulary, target.terms, Mention((organ,), "whole", side))
                return
    side, organ = _side_and_organ(target.name)
    vocabulary.targets_of.setdefault(organ, {})[side] = target.name
    vocabulary.own_organs.add(organ)
    names = (target.name, target.title, *target.terms)
    if side:
        _add_place(vocabulary, [_side_and_organ(term)[1] for term in names], Mention((organ,)))
    else:
        _add_place(vocabulary, names, Mention((organ,)))


def _side_and_organ(name: str) -> tuple[str, str]:
    """Side and organ in the name of a target: "left adrenal" is the left one of the adrenals."""
    first, _, rest = name.partition(" ")
    return (first.lower(), rest) if rest and first.lower() in ("left", "right") else ("", name)


def _add_place(vocabulary: Vocabulary, terms: Iterable[str], mention: Mention) -> None:
    """Let `terms`, and longer names of places elsewhere that contain one ("adrenal gland"), mean `mention`."""
    usable = [fold(term) for term in terms if any(char.isalnum() for char in term)]
    for term in usable:
        for phrase in (term, *_containing(vocabulary, term)):
            vocabulary.lexicon.replace(phrase, mention)


def _containing(vocabulary: Vocabulary, term: str) -> list[str]:
    """Names of places elsewhere that hold `term` as whole words."""
    key = f" {phrase_key(term)} "
    return [phrase for other, phrase in vocabulary.elsewhere.items() if key in f" {other} "]


def _names_of(finding: Finding, known: set[str]) -> list[str]:
    """Phrases the schema gives for a finding: its terms, and its names when no file knows it."""
    names = () if finding.name in known else (finding.name, finding.short_name)
    return [phrase for phrase in dict.fromkeys((*names, *finding.terms)) if any(char.isalnum() for char in phrase)]


def _free_finding_terms(vocabulary: Vocabulary, finding: Finding, known: set[str]) -> None:
    """Take apart names of places elsewhere that hold a finding of the schema: "aortic aneurysm"."""
    for term in _names_of(finding, known):
        for phrase in _containing(vocabulary, term):
            vocabulary.lexicon.remove(phrase)
            del vocabulary.elsewhere[phrase_key(phrase)]


def _add_finding_terms(vocabulary: Vocabulary, schema: Schema, finding: Finding, known: set[str]) -> None:
    """Terms of a schema's finding; for a finding that no file knows, its names as well."""
    targets = {cell.target for cell in schema.cells if cell.finding == finding.name}
    organs = tuple(organ for organ, names in vocabulary.targets_of.items() if targets & set(names.values()))
    whole = tuple(organ for organ in organs if vocabulary.part_of.get(organ, organ) == organ)
    for phrase in _names_of(finding, known):
        twin = next((f for f in vocabulary.lexicon.meanings(phrase) if isinstance(f, FindingTerm)), None)
        implied = tuple(organ for organ in twin.implied if organ in organs) if twin else ()
        term = FindingTerm(
            name=finding.name,
            types=(finding.name,),
            organs=organs,
            implied=implied or (whole if len(whole) == 1 else ()),
            strong=bool(implied) and twin is not None and twin.strong,
            adjective=twin is not None and twin.adjective,
        )
        vocabulary.lexicon.add(phrase, term)
