"""What the page that starts a run sends, checked field by field, and the plan that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from annotator.models import Project
from annotator.run_switches import SwitchForm
from annotator.run_words import SENTENCES
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.starting import cases_without_labels, first_cases
from labeling.core.labelers import MODEL_LABELERS, labeler_called
from labeling.engines import allowed_urls
from labeling.exceptions import UserError
from labeling.models import Run
from labeling.selectors import input_set, prefill_run
from labeling.services import RULES, Plan
from labeling.services.model_runs import MAX_CONCURRENCY

ALL, FIRST, UNLABELED, LISTED = "all", "first", "unlabeled", "listed"
# A key has 255 characters at most; what is longer is no list that somebody pasted.
_MAX_LIST: Final = 2_000_000
_NO_ENGINE: Final = "No engine is set up: the administrator lists addresses in OVERREAD_LLM_URLS."
_NOT_LISTED: Final = "%(value)s is not one of the engines in OVERREAD_LLM_URLS; ask the administrator to add it."
_PLAIN: Final = {"spellcheck": "false", "autocomplete": "off"}


class RunForm(forms.Form):
    """Labeler, engine, cases and what comes after, without the switches of the labeler."""

    labeler = forms.ChoiceField(
        choices=[(name, name) for name in SENTENCES],
        error_messages={"required": "Choose a labeler.", "invalid_choice": "There is no labeler %(value)s."},
    )
    url = forms.ChoiceField(
        required=False,
        label="Engine",
        error_messages={"invalid_choice": _NOT_LISTED},
    )
    model = forms.CharField(
        required=False,
        max_length=300,
        label="Model",
        help_text="The name under which the engine serves it.",
        widget=forms.TextInput(attrs=_PLAIN | {"list": "models"}),
    )
    revision = forms.CharField(
        required=False,
        max_length=200,
        label="Revision of the weights",
        help_text="Where the engine does not say it. It goes into the manifest.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    concurrency = forms.IntegerField(
        required=False,
        initial=256,
        label="Calls in flight",
        help_text=f"At most so many at a time, 1 to {MAX_CONCURRENCY:,}.",
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)],
    )
    scope = forms.ChoiceField(
        required=False,
        choices=[(each, each) for each in (ALL, FIRST, UNLABELED, LISTED)],
        initial=ALL,
        label="Cases",
    )
    n_first = forms.IntegerField(
        required=False, initial=100, label="How many cases", validators=[MinValueValidator(1)], localize=False
    )
    keys = forms.CharField(
        required=False,
        max_length=_MAX_LIST,
        label="Keys of cases",
        help_text="One a line.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    is_prefill = forms.BooleanField(required=False, label="Readers start from this run once it is complete")

    def __init__(self, project: Project, *, data: Any = None, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.project = project
        self.prefill: Run | None = prefill_run(project)
        self.cases: tuple[str, ...] | None = None
        self.fields["url"].choices = [(url, url) for url in allowed_urls()]  # type: ignore[attr-defined]

    @property
    def asks_model(self) -> bool:
        """Whether the chosen labeler needs an engine."""
        return str(self["labeler"].value()) in MODEL_LABELERS

    def clean(self) -> dict[str, Any]:
        """Require what a labeler that asks a model needs, and find its cases."""
        sent = super().clean() or {}
        if sent.get("labeler") not in MODEL_LABELERS:
            return sent
        if "url" not in self.errors and not sent.get("url"):
            self.add_error("url", "Choose an engine." if allowed_urls() else _NO_ENGINE)
        if "model" not in self.errors and not sent.get("model"):
            self.add_error("model", "Name the model.")
        if "concurrency" not in self.errors and sent.get("concurrency") is None:
            self.add_error("concurrency", "Say how many calls may be in flight.")
        if "scope" not in self.errors:
            if not sent.get("scope"):
                self.add_error("scope", "Say which cases.")
            self._find_cases(sent)
        return sent

    def _find_cases(self, sent: Mapping[str, Any]) -> None:
        if sent.get("scope") == FIRST and "n_first" not in self.errors:
            if sent["n_first"] is None:
                self.add_error("n_first", "Say how many cases.")
            else:
                self.cases = first_cases(self.project, sent["n_first"])
        elif sent.get("scope") == LISTED and "keys" not in self.errors:
            self._find_listed(tuple(dict.fromkeys(key.strip() for key in sent["keys"].splitlines() if key.strip())))
        elif sent.get("scope") == UNLABELED:
            self._find_unlabeled(sent)

    def _find_unlabeled(self, sent: Mapping[str, Any]) -> None:
        if self.prefill is None:
            self.add_error("scope", "Readers start from no run, so there are no labels to lack. Choose all cases.")
            return
        self.cases = cases_without_labels(self.project, self.prefill)
        if not self.cases:
            self.add_error("scope", "Every case with a report has labels of the run that readers start from.")
        elif sent["is_prefill"]:
            self.add_error("is_prefill", "Readers would lose the labels that they start from now. Choose all cases.")

    def _find_listed(self, keys: tuple[str, ...]) -> None:
        if not keys:
            self.add_error("keys", "Name at least one case.")
            return
        try:
            input_set(self.project, cases=keys)
        except UserError as error:
            said = str(error)
            self.add_error("keys", f"{said[:1].upper()}{said[1:]}.")
        self.cases = keys


@dataclass
class RunForms:
    """The form, and the switches of every labeler that asks a model; only those of the chosen one are read."""

    run: RunForm
    switches: dict[str, SwitchForm]

    @classmethod
    def fresh(cls, project: Project, *, labeler: str) -> "RunForms":
        """As the page opens, with `labeler` chosen if there is such a one."""
        has_engine = bool(allowed_urls())
        known = labeler in SENTENCES and (has_engine or labeler == RULES)
        chosen = labeler if known else ("leavs-fast" if has_engine else RULES)
        return cls(RunForm(project, initial={"labeler": chosen}), _switches(project))

    @classmethod
    def sent(cls, project: Project, data: Any) -> "RunForms":
        """To be checked. Switches that the page did not show stand as published."""
        shown = data.get("labeler") if data.get("shown") == data.get("labeler") else None
        return cls(RunForm(project, data=data), _switches(project, bound={str(shown): data}))

    @classmethod
    def kept(cls, project: Project, data: Any) -> "RunForms":
        """What was filled in, unchecked."""
        run = RunForm(project)
        run.initial = _filled(run, data)
        switches = _switches(project)
        if (shown := switches.get(str(data.get("shown")))) is not None:
            shown.initial = _filled(shown, data)
        return cls(run, switches)

    @property
    def chosen(self) -> SwitchForm | None:
        """The switches of the chosen labeler."""
        return self.switches.get(str(self.run["labeler"].value()))

    def is_valid(self) -> bool:
        """Whether all that counts is as it should be."""
        chosen = self.chosen
        is_well = chosen is None or not chosen.is_bound or chosen.is_valid()
        return self.run.is_valid() and is_well

    @property
    def asks_model(self) -> bool:
        """Whether the chosen labeler needs an engine."""
        return self.run.asks_model

    def plan(self) -> Plan:
        """What is asked for; only of valid forms whose labeler asks a model."""
        sent, chosen = self.run.cleaned_data, self.chosen
        return Plan(
            labeler=sent["labeler"],
            url=sent["url"],
            model=sent["model"],
            options=chosen.options() if chosen is not None and chosen.is_bound else (),
            concurrency=sent["concurrency"],
            cases=self.run.cases,
            revision=sent["revision"],
            is_prefill=sent["is_prefill"],
        )

    def refuse(self, error: UserError) -> None:
        """Show what a service or the engine refused at the field that it is about."""
        said = str(error)
        field = "model" if "has no model" in said else "url" if self.asks_model else None
        self.run.add_error(field, f"{said[:1].upper()}{said[1:]}.".replace("..", "."))

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """Id of the field, its title and what is wrong with it, in the order of the page."""
        forms_sent = [self.run] + ([self.chosen] if self.chosen is not None and self.chosen.is_bound else [])
        return [
            (_anchor(bound), str(bound.label), str(message))
            for form in forms_sent
            if form.is_bound
            for bound in form
            for message in bound.errors
        ] + [("switches", "Switches", str(said)) for form in forms_sent[1:] for said in form.non_field_errors()]


def _anchor(bound: forms.BoundField) -> str:
    return bound.id_for_label or f"field-{bound.html_name}"


def _switches(project: Project, *, bound: Mapping[str, Any] | None = None) -> dict[str, SwitchForm]:
    schema = parsed_schema(project.schema)
    return {name: SwitchForm(labeler_called(name), schema, data=(bound or {}).get(name)) for name in MODEL_LABELERS}


def _filled(form: forms.Form, data: Any) -> dict[str, Any]:
    """What the widgets of the form find in `data`."""
    return {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name)) for name, field in form.fields.items()
    }
