"""The conversations about a cell: those that a run would hold, and those that a run has held."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from annotator.models import Report
from labeling.core.asking import CallRecord
from labeling.core.backends import BackendError
from labeling.core.labelers import MODEL_LABELERS, OptionError, labeler_called
from labeling.core.previews import AskedCall, Preview, preview, replay
from labeling.core.records import ReportText
from labeling.core.schema import Cell, Schema
from labeling.exceptions import UserError
from labeling.models import Run

OTHER_PROMPTS: Final = "the prompts, the switches or the report are not those of the run any more"


@dataclass(frozen=True, slots=True)
class Replay:
    """Calls by their keys, with the conversations as they were. `n_stored` are all that were answered."""

    calls: Mapping[str, AskedCall] = field(default_factory=dict)
    n_stored: int = 0

    @property
    def n_lost(self) -> int:
        """Answers whose conversation cannot be put together again."""
        return self.n_stored - len(self.calls)


def preview_of(report: Report, *, labeler: str, options: Sequence[str], schema: Schema, cell: Cell) -> Preview:
    """What a labeler would ask about one cell; no engine is asked. Raises `UserError`."""
    try:
        chosen = labeler_called(labeler)
        config = chosen.configure(options, schema)
        text = ReportText(report.report_id, report.text)
        return asyncio.run(preview(text, labeler=chosen, schema=schema, config=config, cell=cell))
    except KeyError as error:
        raise UserError(str(error.args[0])) from error
    except (OptionError, BackendError) as error:
        raise UserError(str(error)) from error


def replay_of(run: Run, report: Report, *, schema: Schema, cell: Cell, records: Iterable[CallRecord]) -> Replay:
    """The conversations behind `records`, which are all the answered calls of a run that bear on one cell.

    A call is left out when today's program would ask something else, if only by a letter.
    """
    known = {record.key: record for record in records}
    if not known or run.labeler not in MODEL_LABELERS:
        return Replay(n_stored=len(known))
    labeler = labeler_called(run.labeler)
    try:
        found = asyncio.run(
            replay(
                ReportText(report.report_id, report.text),
                labeler=labeler,
                schema=schema,
                config=labeler.configure(run.request.get("options", ()), schema),
                cell=cell,
                records=known.values(),
                fingerprint=run.manifest.get("backend", {}),
            )
        )
    except (OptionError, BackendError):
        return Replay(n_stored=len(known))
    return Replay({call.key: call for call in found.calls}, n_stored=len(known))
