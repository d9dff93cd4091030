"""What the pages of adjudication send, checked for shape."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from annotator.core.comparison_tables import state_words
from annotator.models import Reason
from annotator.services.adjudication import Seen, Verdict
from labeling.core.schema import Schema
from labeling.core.values import NO_URGENCY_CODE, VALUE_CODES


class AlikeForm(forms.Form):
    """One decision for many cells."""

    value = forms.ChoiceField(label="Decide as", widget=forms.RadioSelect)
    urgency = forms.ChoiceField(label="Urgency", widget=forms.RadioSelect)
    reason = forms.ChoiceField(label="Because", choices=Reason.choices)
    note = forms.CharField(label="Note", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, schema: Schema, finding: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        levels = schema.urgency.levels if schema.urgency and schema.has_urgency(finding) else ()
        urgencies = [(NO_URGENCY_CODE, "none"), *((str(level), name) for level, name in enumerate(levels))]
        self.fields["value"].choices = [(code, state_words(code)) for code in VALUE_CODES]  # type: ignore[attr-defined]
        self.fields["urgency"].choices = urgencies  # type: ignore[attr-defined]
        if not levels:
            self.fields["urgency"].widget = forms.HiddenInput()

    def verdict(self) -> Verdict:
        """The decision that was sent."""
        sent = self.cleaned_data
        return Verdict(sent["value"], sent["urgency"], sent["reason"], note=sent["note"])


def chosen_cells(marks: list[str]) -> list[tuple[int, Seen]]:
    """The cells whose boxes were sent; raises `ValidationError` for what the page did not write."""
    chosen = []
    for mark in marks:
        parts = mark.split()
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[:2]):
            raise ValidationError("The list of cells cannot be read. Load the page again.")
        chosen.append((int(parts[0]), Seen("", parts[2], int(parts[1]))))
    return chosen
