"""Read a label schema from YAML, with every error and its line.

The text is composed into YAML nodes, which know their lines, and checked node by node; nothing is constructed from
tags. A schema with errors is never returned: `SchemaError` carries them, up to `MAX_PROBLEMS`. Size, depth and counts
are bounded before work grows with them, because a schema may come from anybody who may make a project.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

from labeling.core.schema import MAX_CELLS, Attribute, Cell, Contradiction, Finding, Group, Schema, Target
from labeling.core.sections import SectionKind

FORMAT = 1
NAME_PATTERN = re.compile(r"[^\W_][\w .+/()-]{0,63}")
MAX_SCHEMA_CHARACTERS = 100_000
MAX_DEPTH = 20
MAX_ENTRIES = 200  # targets, findings, attributes, groups of one kind
MAX_PROBLEMS = 100
_NUMBER = re.compile(r"[0-9]{1,9}")  # below 2**31, the largest integer that PostgreSQL stores
# YAML escapes (such as "\\uD800" and "\\0") can write what neither UTF-8 nor a database stores.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_SOURCE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_SHOWN = 80  # characters of a value, names of a list

_TOP_KEYS = {
    "format": True,
    "name": True,
    "version": True,
    "title": False,
    "modality": False,
    "targets": True,
    "findings": True,
    "cells": False,
    "attributes": False,
    "groups": False,
    "contradictions": False,
}


@dataclass(frozen=True, slots=True, order=True)
class SchemaProblem:
    """One thing that is wrong, with the line (from 1) where it stands."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class SchemaError(ValueError):
    """The schema cannot be used; `problems` lists every reason, in order of line."""

    def __init__(self, problems: list[SchemaProblem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases, deep nesting and forbidden characters as they come, before more is read."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, which is checked before anything below it is composed."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(line, "aliases (*name) are not allowed in a schema")
        if isinstance(event, yaml.ScalarEvent) and _FORBIDDEN.search(event.value):
            raise _refusal(line, "a value holds control characters or half a character (a surrogate)")
        if self.depth == MAX_DEPTH:
            raise _refusal(line, f"nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _refusal(line: int, message: str) -> SchemaError:
    return SchemaError([SchemaProblem(line, message)])


def _shown(text: str) -> str:
    """The text as a message quotes it."""
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


def _listed(names: Iterable[str]) -> str:
    """The names as a message lists them."""
    names = list(names)
    return ", ".join(names[:_MAX_SHOWN]) + (", …" if len(names) > _MAX_SHOWN else "")


def preset_names() -> list[str]:
    """Names of the schemas that come with the program."""
    folder = resources.files("labeling.core").joinpath("presets")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def preset_source(name: str) -> str:
    """YAML text of a preset; raises KeyError that lists the presets."""
    if name not in preset_names():
        raise KeyError(f"no preset {name!r}; there are {', '.join(preset_names())}")
    return resources.files("labeling.core").joinpath("presets", f"{name}.yaml").read_text(encoding="utf-8")


def load_preset(name: str) -> Schema:
    """The preset called `name`."""
    return parse_schema(preset_source(name))


@lru_cache(maxsize=64)
def parse_schema(source: str) -> Schema:
    """Schema written in YAML text `source`, kept; raises `SchemaError` with every problem and its line."""
    return _Reader().read(source)


class _Reader:
    """Walks the YAML nodes once and collects problems instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[SchemaProblem] = []

    def complain(self, node: yaml.Node, message: str) -> None:
        self.problems.append(SchemaProblem(node.start_mark.line + 1, message))
        if len(self.problems) == MAX_PROBLEMS:
            raise SchemaError(self.problems)

    def read(self, source: str) -> Schema:
        self.root = self._compose(source)
        top = self._mapping(self.root, "the schema", _TOP_KEYS)
        if "format" in top and self._integer(top["format"], "format") != FORMAT:
            self.complain(top["format"], f"format is not {FORMAT}, the only one this version reads")
        name = self._name(top.get("name"), "name")
        version = self._integer(top.get("version"), "version", minimum=1)
        targets = self._targets(top.get("targets"))
        findings = self._findings(top.get("findings"))
        target_names = [target.name for target in targets]
        finding_names = [finding.name for finding in findings]
        cells = self._cells(top.get("cells"), target_names, finding_names)
        attributes = self._attributes(top.get("attributes"), finding_names)
        finding_groups, target_groups = self._groups(top.get("groups"), target_names, finding_names)
        contradictions = self._contradictions(top.get("contradictions"), finding_names)
        title = self._text(top.get("title"), "title") or name
        modality = self._text(top.get("modality"), "modality")
        if self.problems:
            raise SchemaError(self.problems)
        return Schema(
            name=name,
            version=version,
            title=title,
            modality=modality,
            targets=tuple(targets),
            findings=tuple(findings),
            cells=tuple(cells),
            attributes=tuple(attributes),
            finding_groups=tuple(finding_groups),
            target_groups=tuple(target_groups),
            contradictions=tuple(contradictions),
        )

    def _compose(self, source: str) -> yaml.Node:
        if len(source) > MAX_SCHEMA_CHARACTERS:
            raise _refusal(1, f"longer than {MAX_SCHEMA_CHARACTERS} characters")
        if forbidden := _FORBIDDEN_SOURCE.search(source):
            line = source.count("\n", 0, forbidden.start()) + 1
            raise _refusal(line, "not YAML: it holds characters that YAML does not allow")
        try:
            root = yaml.compose(source, _Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            raise _refusal(mark.line + 1 if mark else 1, f"not YAML: {error.problem}") from error
        except yaml.YAMLError as error:
            raise _refusal(1, "not YAML: it holds characters that YAML does not allow") from error
        if root is None:
            raise _refusal(1, "the schema is empty")
        return root

    def _mapping(self, node: yaml.Node, what: str, keys: dict[str, bool]) -> dict[str, yaml.Node]:
        """Values by key; complains of unknown, repeated and missing keys. `keys` says which are required."""
        if not isinstance(node, yaml.MappingNode):
            self.complain(node, f"{what} is not a mapping")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            if key not in keys:
                self.complain(key_node, f"{what}: unknown key {_shown(key)}; allowed are {_listed(keys)}")
            elif key in found:
                self.complain(key_node, f"{what}: {key!r} stands twice")
            else:
                found[key] = value
        for key, required in keys.items():
            if required and key not in found:
                self.complain(node, f"{what}: {key!r} is missing")
        return found

    def _items(self, node: yaml.Node | None, what: str) -> Iterator[yaml.Node]:
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self.complain(node, f"{what} is not a list")
            return
        yield from node.value

    def _text(self, node: yaml.Node | None, what: str) -> str:
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            self.complain(node, f"{what} is not text")
            return ""
        return str(node.value).strip()

    def _name(self, node: yaml.Node | None, what: str) -> str:
        name = self._text(node, what)
        if node is not None and not NAME_PATTERN.fullmatch(name):
            self.complain(
                node,
                f"{what} {_shown(name)} is not a name: a letter or digit, then up to 63 letters, digits, . + - / ( )",
            )
        return name

    def _integer(self, node: yaml.Node | None, what: str, minimum: int = 0) -> int:
        text = self._text(node, what)
        if node is None:
            return minimum
        if not _NUMBER.fullmatch(text) or int(text) < minimum:
            self.complain(node, f"{what} {_shown(text)} is not a whole number of {minimum} or more with up to 9 digits")
            return minimum
        return int(text)

    def _texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        return tuple(self._text(item, f"an entry of {what}") for item in self._items(node, what))

    def _members(self, node: yaml.Node | None, what: str, allowed: list[str]) -> tuple[str, ...]:
        """Names in a list, each of which must be in `allowed` and stand once."""
        members: list[str] = []
        for item in self._items(node, what):
            name = self._text(item, f"an entry of {what}")
            if name not in allowed:
                self.complain(item, f"{what}: there is no {_shown(name)}; there are {_listed(allowed)}")
            elif name in members:
                self.complain(item, f"{what}: {name!r} stands twice")
            else:
                members.append(name)
        return tuple(members)

    def _named(
        self, node: yaml.Node | None, what: str, keys: dict[str, bool]
    ) -> Iterator[tuple[str, dict[str, yaml.Node]]]:
        """Entries of a list of mappings that each have a unique `name`."""
        seen: set[str] = set()
        empty = True
        for number, item in enumerate(self._items(node, what)):
            if number == MAX_ENTRIES:
                self.complain(item, f"{what}: more than {MAX_ENTRIES}")
                return
            empty = False
            fields = self._mapping(item, f"an entry of {what}", keys)
            name = self._name(fields.get("name"), f"name in {what}")
            if name and name.casefold() in seen:
                self.complain(item, f"{what}: {name!r} stands twice")
            seen.add(name.casefold())
            yield name, fields
        if empty and isinstance(node, yaml.SequenceNode):
            self.complain(node, f"{what} is empty")

    def _targets(self, node: yaml.Node | None) -> list[Target]:
        keys = {"name": True, "title": False, "terms": False, "masks": False}
        return [
            Target(
                name=name,
                title=self._text(fields.get("title"), f"title of {name}") or name,
                terms=self._texts(fields.get("terms"), f"terms of {name}"),
                masks=self._texts(fields.get("masks"), f"masks of {name}"),
            )
            for name, fields in self._named(node, "targets", keys)
        ]

    def _findings(self, node: yaml.Node | None) -> list[Finding]:
        keys = {
            "name": True,
            "definition": True,
            "note": False,
            "short_name": False,
            "terms": False,
            "exclude_sections": False,
        }
        return [
            Finding(
                name=name,
                short_name=self._text(fields.get("short_name"), f"short_name of {name}") or name,
                definition=self._text(fields.get("definition"), f"definition of {name}"),
                note=self._text(fields.get("note"), f"note of {name}"),
                terms=self._texts(fields.get("terms"), f"terms of {name}"),
                exclude_sections=self._members(
                    fields.get("exclude_sections"), f"exclude_sections of {name}", [kind.value for kind in SectionKind]
                ),
            )
            for name, fields in self._named(node, "findings", keys)
        ]

    def _cells(self, node: yaml.Node | None, targets: list[str], findings: list[str]) -> list[Cell]:
        """Target by target; every pair when the schema does not restrict them."""
        if node is None:
            pairs = [(finding, targets) for finding in findings]
        else:
            fields = self._mapping(node, "cells", dict.fromkeys(findings, False))
            pairs = [(name, list(self._members(value, f"cells of {name}", targets))) for name, value in fields.items()]
        n_cells = sum(len(of_finding) for _, of_finding in pairs)
        if n_cells > MAX_CELLS:
            self.complain(node or self.root, f"{n_cells} cells; a schema has at most {MAX_CELLS}")
            return []
        cells = {Cell(target, finding) for finding, of_finding in pairs for target in of_finding}
        if node is not None and not cells:
            self.complain(node, "cells names no cell")
        return [cell for target in targets for finding in findings if (cell := Cell(target, finding)) in cells]

    def _attributes(self, node: yaml.Node | None, findings: list[str]) -> list[Attribute]:
        keys = {"name": True, "levels": True, "definition": False, "findings": False}
        attributes = []
        for name, fields in self._named(node, "attributes", keys):
            levels = self._texts(fields.get("levels"), f"levels of {name}")
            if name == "urgency" and len(levels) != 4 and "levels" in fields:
                self.complain(fields["levels"], f"urgency has {len(levels)} levels, it needs 4 (0 to 3)")
            attributes.append(
                Attribute(
                    name=name,
                    levels=levels,
                    definition=self._text(fields.get("definition"), f"definition of {name}"),
                    findings=self._members(fields.get("findings"), f"findings of {name}", findings),
                )
            )
        return attributes

    def _groups(
        self, node: yaml.Node | None, targets: list[str], findings: list[str]
    ) -> tuple[list[Group], list[Group]]:
        if node is None:
            return [], []
        fields = self._mapping(node, "groups", {"findings": False, "targets": False})
        return (
            self._group_list(fields.get("findings"), "groups of findings", findings),
            self._group_list(fields.get("targets"), "groups of targets", targets),
        )

    def _group_list(self, node: yaml.Node | None, what: str, allowed: list[str]) -> list[Group]:
        return [
            Group(name=name, members=self._members(fields.get("members"), f"{what}: {name}", allowed))
            for name, fields in self._named(node, what, {"name": True, "members": True})
        ]

    def _contradictions(self, node: yaml.Node | None, findings: list[str]) -> list[Contradiction]:
        keys = {"finding": True, "forbids": True, "because": False}
        contradictions = []
        for item in self._items(node, "contradictions"):
            fields = self._mapping(item, "an entry of contradictions", keys)
            finding = self._text(fields.get("finding"), "finding in contradictions")
            if "finding" in fields and finding not in findings:
                self.complain(fields["finding"], f"contradictions: there is no finding {_shown(finding)}")
            forbids = self._members(fields.get("forbids"), f"forbids of {finding}", findings)
            contradictions.append(
                Contradiction(
                    finding=finding,
                    forbids=forbids,
                    because=self._text(fields.get("because"), f"because of {finding}"),
                )
            )
        return contradictions
