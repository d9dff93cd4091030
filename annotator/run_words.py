"""What pages say of labelers and their switches, in a sentence each; docs/labelers.md says more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from labeling.core.leavs_fast.config import Config
from labeling.core.schema import Schema
from labeling.services import RULES

# Sentences of a report that `leavs` asks about one by one: an abdominal report has about so many that were not quoted.
_SENTENCES: Final = 12
# Sentences that `leavs-fast` sorts by one answer; a longer report takes more.
_PORTION: Final = Config().portion
# Cells of a report that get an urgency.
_URGENCIES: Final = 7

SENTENCES: Final[Mapping[str, str]] = {
    RULES: "Words and rules, no model: labels and evidence within seconds, no probabilities.",
    "leavs": "The published LEAVS stages, one question at a time: to repeat the publication, or compare with it.",
    "leavs-fast": "The questions of LEAVS, many in one answer: for thousands of reports.",
    "maplez": "A tree of yes-or-no questions for each cell, and a probability; no evidence.",
    "direct-query": "Asks of each cell whether it is there and scores the two answers: to set a threshold on.",
    "summary-query": "The same, asked of a summary that the model writes of the report for each finding.",
}


class Words(NamedTuple):
    """A switch on the page: its name, what it does, and the names of its positions."""

    title: str
    help: str = ""
    positions: Mapping[str, str] = {}


_THRESHOLDS: Final = "Of the logit difference, for single findings or cells, such as stenosis:0.5, L5-S1|stenosis:1."
_QUERY: Final = {
    "yes": Words("Answer that means yes", "With the blank that stands before it."),
    "no": Words("Answer that means no", "With the blank that stands before it."),
    "marker": Words("Words before the answer"),
    "threshold": Words(
        "Threshold", "A cell is present above this logit difference; 0 where both answers are as likely."
    ),
    "thresholds": Words("Other thresholds", _THRESHOLDS),
    "exclude_sections": Words(
        "Sections left out", "For every finding, beside those that the schema leaves out for one."
    ),
    "whole_targets": Words(
        "Targets that stand for the patient", "Names, separated by commas; questions do not name them."
    ),
}
SWITCHES: Final[Mapping[str, Mapping[str, Words]]] = {
    "leavs": {
        "split_report": Words(
            "How sentences are found",
            "For each target, before anything is asked about it.",
            {
                "fast_extensive": "quotes, then each sentence that was not quoted",
                "fast": "quotes only",
                "extensive": "each sentence only",
                "no": "not at all: the whole report goes on",
            },
        ),
        "use_cot": Words("Reason before each answer", "Two calls a question instead of one."),
        "definition": Words(
            "Findings of a target",
            "",
            {"multiple": "chosen in one question", "individual": "asked one by one, each as if it were chosen"},
        ),
        "tree": Words("Questions that decide a cell", "", {"leavs": "those of LEAVS", "maplez": "the tree of MAPLEZ"}),
        "targets": Words("Only these targets", "None chosen: all of the schema. Cells of the others are not asked."),
    },
    "leavs-fast": {
        "recall": Words(
            "Look twice", "Sentences and targets that the first selection left out are looked at once more."
        ),
        "reasons": Words("Write rationales", "Answers begin with a short one; without, fewer tokens are written."),
        "portion": Words("Sentences sorted by one answer", "A longer report takes several answers."),
    },
    "maplez": {
        "with_probability": Words("Ask for probabilities", "Up to four more calls a cell."),
        "use_cot": Words("Reason before each answer", "Two calls a question instead of one."),
        "wording": Words(
            "How findings are named", "", {"definition": "by their definition", "terms": "by name and terms"}
        ),
        "specifically": Words('Ask "specifically"', "Whether the finding itself is unchanged or normal."),
        "plain_targets": Words("Except for these targets", 'Not asked "specifically"; names, separated by commas.'),
        "device_findings": Words(
            "Findings that are devices", "Present once they are unchanged; names, separated by commas."
        ),
    },
    "direct-query": _QUERY,
    "summary-query": _QUERY
    | {
        "summary_tokens": Words("Longest summary", "In tokens."),
        "repetition_penalty": Words("Repetition penalty", "While the summary is written; 1 is none."),
    },
}


@dataclass(frozen=True, slots=True)
class LabelerWords:
    """A labeler as the page lists it."""

    name: str
    sentence: str
    calls: str
    asks_model: bool


def labelers_in_words(schema: Schema) -> list[LabelerWords]:
    """Every labeler, with its rough number of calls for a report under this schema."""
    return [LabelerWords(name, said, _calls(name, schema), name != RULES) for name, said in SENTENCES.items()]


def _calls(name: str, schema: Schema) -> str:
    """In words. The formulas are those of docs/labelers.md."""
    n_targets, n_cells = len(schema.targets), len(schema.cells)
    exact = {"direct-query": n_cells, "summary-query": n_cells + len(schema.findings)}
    if name == RULES:
        return "no calls"
    if name == "leavs-fast":
        return f"at most {2 + 2 * n_targets:,} calls a report of up to {_PORTION} sentences"
    if name == "leavs":
        n_calls = n_targets * (1 + 2 * _SENTENCES + 2) + 2 * n_cells + 2 * _URGENCIES
    elif name == "maplez":
        n_calls = 4 * n_cells
    else:
        return f"{exact[name]:,} calls a report"
    step = 10 if n_calls >= 100 else 1
    return f"about {step * round(n_calls / step):,} calls a report"
