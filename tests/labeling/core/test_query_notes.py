"""The query labelers on the real lumbar notes: each note is asked about, in full, and without its history where meant.

The notes are not part of the repository; `shared_data` says where they come from and what happens without them.
"""

import asyncio
from dataclasses import replace
from itertools import cycle

import pytest

from labeling.core.backends.scripted import ScriptedBackend
from labeling.core.prompts import quoted
from labeling.core.query import Config, direct, summary
from labeling.core.records import ReportText
from labeling.core.schema import Cell, Schema
from labeling.core.schema_yaml import load_preset
from labeling.core.values import Value
from tests.labeling.core.query_tools import forwards, generations, query_backend
from tests.labeling.core.real_notes import load_notes

SPINE = load_preset("spine-mri")
TWO = replace(SPINE, cells=(Cell("spine", "cancer"), Cell("spine", "herniation")))
N_NOTES = 515


@pytest.fixture(scope="module")
def notes() -> dict[str, str]:
    return load_notes()


def asked(text: str, *, schema: Schema = SPINE, is_summary: bool = False) -> ScriptedBackend:
    """The backend after one note, every cell of which has a value."""
    backend = query_backend((1.0, 0.0))
    label = summary.label if is_summary else direct.label
    labels = asyncio.run(label(ReportText("note", text), backend=backend, schema=schema, config=Config()))
    assert {labels[cell].state for cell in schema.cells} == {Value.PRESENT}
    return backend


def test_every_note_is_asked_about_in_full(notes: dict[str, str]) -> None:
    """The notes have no history, so that nothing is left out of any of them."""
    assert len(notes) == N_NOTES
    for text in notes.values():
        backend = asked(text)
        assert len(backend.calls) == len(SPINE.cells)
        assert all(quoted(text) in call.question for call in backend.calls)


def test_every_note_gets_one_summary_for_each_condition(notes: dict[str, str]) -> None:
    for text in notes.values():
        backend = asked(text, is_summary=True)
        assert (len(generations(backend)), len(forwards(backend))) == (5, 8)
        assert all(quoted(text) in call.messages[1].content for call in backend.calls)


def test_a_history_before_a_note_is_left_out_for_cancer(notes: dict[str, str]) -> None:
    """METHODS D.4: the published script lets some casings through, and drops a report with one section."""
    for title, text in zip(
        cycle(["CLINICAL HISTORY", "Clinical Information", "Indication", "history"]), notes.values()
    ):
        history = f"{title}: known breast carcinoma, ?mets\n\n"
        backend = asked(f"{history}FINDINGS:\n{text}", schema=TWO)
        (cancer,) = forwards(backend, "cancer")
        assert "carcinoma, ?mets" not in cancer.question
        assert quoted(f"FINDINGS:\n{text}") in cancer.question
        assert all(history in call.question for call in backend.calls if call != cancer)


def test_a_note_without_titles_keeps_what_stands_before_its_history(notes: dict[str, str]) -> None:
    """METHODS D.4: the published script loses text before the first title."""
    for text in notes.values():
        (cancer,) = forwards(asked(f"{text}\n\nCLINICAL HISTORY: known breast carcinoma, ?mets", schema=TWO), "cancer")
        assert text in cancer.question
        assert "carcinoma, ?mets" not in cancer.question
