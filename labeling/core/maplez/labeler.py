"""Labels by the decision tree of MAPLEZ, one walk for each cell of the schema (METHODS B)."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Literal

from labeling.core.asking import Asker, CallStore, Purpose, UnreadableAnswer
from labeling.core.backends import Backend
from labeling.core.excerpts import require_text, without_sections
from labeling.core.manifests import method_of
from labeling.core.maplez.tree import PROMPTS, Judgement, TreeConfig, judge
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell, Schema
from labeling.core.together import together
from labeling.core.values import Missing

NAME: Final = "maplez"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Config:
    """Switches; the defaults are those of MAPLEZ.

    `wording` of a finding is its long definition, or its name with its terms in parentheses. `plain_targets` are asked
    about without "specifically"; findings in `device_findings` are present once they are unchanged.
    """

    with_probability: bool = True
    use_cot: bool = False
    wording: Literal["definition", "terms"] = "definition"
    specifically: bool = True
    plain_targets: tuple[str, ...] = ("heart",)
    device_findings: tuple[str, ...] = ("device", "support device")


# The MAPLEZ baseline of Tables 1 and 2 of LEAVS, as far as it can be inferred (METHODS A.11).
TABLE_1: Final = Config(with_probability=False, specifically=False, device_findings=())


async def label(
    report: ReportText,
    *,
    backend: Backend,
    schema: Schema,
    config: Config,
    store: CallStore | None = None,
) -> LabelSet:
    """Value and probability of every cell of `schema`.

    A cell whose decisive answer cannot be read is unreadable. A cell for which the report holds nothing but sections
    that are no evidence is not asked. Raises `NoReport` without text, and `BackendError`.
    """
    require_text(report)
    asker = Asker(backend, store)
    texts = {finding.name: without_sections(report.text, finding.exclude_sections) for finding in schema.findings}
    walk = partial(_label, asker=asker, schema=schema, config=config)
    labels = await together(walk(cell, texts[cell.finding]) for cell in schema.cells)
    return LabelSet(dict(zip(schema.cells, labels, strict=True)))


def manifest(schema: Schema, config: Config) -> dict[str, Any]:
    """What decides the labels, apart from model and report."""
    return method_of(NAME, VERSION, schema=schema, switches=asdict(config), prompts=PROMPTS)


def definition_of(cell: Cell, *, schema: Schema, config: Config) -> str:
    """How questions name `cell`: its target first, so that prompts differ as late as they can."""
    target = schema.target_by_name[cell.target]
    finding = schema.finding_by_name[cell.finding]
    if config.wording == "definition":
        return f"{target.title}, {finding.name}: {finding.long_definition}"
    terms = f" ({', '.join(finding.terms)})" if finding.terms else ""
    return f"{target.title}, {finding.name}{terms}"


async def _label(cell: Cell, text: str, *, asker: Asker, schema: Schema, config: Config) -> CellLabel:
    if not text.strip():
        return CellLabel(Missing.NOT_ASKED, reason="The report holds no text that is evidence for this finding.")
    tree = TreeConfig(
        with_probability=config.with_probability,
        specifically=config.specifically and cell.target not in config.plain_targets,
        is_device=cell.finding in config.device_findings,
    )
    definition = definition_of(cell, schema=schema, config=config)
    purpose = Purpose("tree", cell.target, cell.finding)
    try:
        found = await judge(asker, text, definition, purpose=purpose, use_cot=config.use_cot, config=tree)
    except UnreadableAnswer as error:
        return CellLabel(Missing.UNREADABLE, reason=f"Two unreadable answers. Expected: {error.complaint}")
    return _cell_label(found)


def _cell_label(found: Judgement) -> CellLabel:
    probability = None if found.probability is None else found.probability / 100
    return CellLabel(found.value, probability=probability, reason=found.reason, flags=found.flags)
