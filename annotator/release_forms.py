"""What the pages of releases send."""

from typing import Any

from django import forms

from annotator.core.releases.formats import ALWAYS, FORMATS
from annotator.core.releases.records import SPLITS, ReleaseError
from annotator.core.releases.requests import ALL, BLIND, DEFAULT_FRACTIONS, MOST_SEED, ReleaseRequest
from annotator.services.releases import MAX_DESCRIPTION_CHARACTERS

_PERCENT = "percent_"


class ReleaseForm(forms.Form):
    """A new release."""

    name = forms.CharField(
        max_length=60, label="Name", help_text="Letters, digits, dots and dashes, such as v1.0. It is never used twice."
    )
    description = forms.CharField(
        required=False,
        max_length=MAX_DESCRIPTION_CHARACTERS,
        label="Description",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands at the top of the data card.",
    )
    origins = forms.ChoiceField(
        choices=[(ALL, "all cells that are decided"), (BLIND, "only cells decided without machine labels")],
        label="Cells",
        help_text="The others are released as undecided, without a value.",
    )
    only_final = forms.BooleanField(
        required=False, initial=True, label="Only final cases; leave out those that still have undecided cells"
    )
    splits = forms.ChoiceField(label="Splits", help_text="All cases of a patient go to one split.")
    percent_train = forms.IntegerField(min_value=0, max_value=100, label="Training, % of the cases")
    percent_validation = forms.IntegerField(min_value=0, max_value=100, label="Validation, %")
    percent_test = forms.IntegerField(min_value=0, max_value=100, label="Test, %")
    seed = forms.IntegerField(
        min_value=0, max_value=MOST_SEED, initial=0, label="Seed", help_text="The same seed gives the same splits."
    )
    formats = forms.MultipleChoiceField(
        required=False,
        choices=[(name, form.title) for name, form in FORMATS.items() if name != ALWAYS],
        initial=list(FORMATS),
        label="Formats",
        widget=forms.CheckboxSelectMultiple,
        help_text="JSON Lines, data card and manifest are always part of it.",
    )
    with_texts = forms.BooleanField(
        required=False,
        label="Include the report texts. They are patient data: this is written down in the history of the project",
    )

    def __init__(self, *args: Any, earlier: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = [(f"of:{name}", f"split, patients of {name} stay where they are there") for name in earlier]
        field = self.fields["splits"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells mypy what it is
        field.choices = [("none", "not split"), ("new", "split anew"), *kept]
        for split in SPLITS:
            self.fields[_PERCENT + split].initial = round(100 * DEFAULT_FRACTIONS[split])

    def clean(self) -> dict[str, Any]:
        """Refuse what no release can be."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.release_request()
            except ReleaseError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned

    def release_request(self) -> ReleaseRequest:
        """What is asked for; raises `ReleaseError` for what cannot be."""
        sent = self.cleaned_data
        percents = {split: sent[_PERCENT + split] for split in SPLITS}
        is_split = sent["splits"] != "none"
        if is_split and sum(percents.values()) != 100:
            raise ReleaseError(f"the splits add up to {sum(percents.values())} %, expected is 100 %")
        return ReleaseRequest(
            origins=sent["origins"],
            only_final=sent["only_final"],
            with_texts=sent["with_texts"],
            fractions={split: percent / 100 for split, percent in percents.items() if percent} if is_split else {},
            seed=sent["seed"],
            splits_of=sent["splits"].partition(":")[2],
            formats=tuple(sent["formats"]),
        )


class ErratumForm(forms.Form):
    """What was found wrong in a release."""

    text = forms.CharField(label="What is wrong, and what would be right", widget=forms.Textarea(attrs={"rows": 4}))
    cells = forms.CharField(
        required=False,
        label="Cells",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="If it is about certain cells: one per line, the case, a tab or blank, then target|finding. "
        "A case alone stands for all of its cells.",
    )

    def pairs(self) -> list[tuple[str, str]]:
        """Cases and cells; the cell is empty where a line names a case only."""
        pairs = []
        for line in self.cleaned_data["cells"].splitlines():
            if line.strip():
                pairs.append(pair_of(line))
        return pairs


def pair_of(line: str) -> tuple[str, str]:
    """The case and the cell that a line names; a finding may hold blanks, and a case too where a tab ends it."""
    if "\t" in line:
        case, _, cell = line.partition("\t")
        return case.strip(), cell.strip()
    if "|" not in line:
        return line.strip(), ""
    before, _, finding = line.partition("|")
    case, _, target = before.strip().rpartition(" ")
    return case.strip(), f"{target}|{finding.strip()}"
