"""What the pages of cases, notes and guidelines send, checked for shape."""

from django import forms
from django.core.validators import MinValueValidator

from annotator.core.case_states import CaseState
from annotator.core.guidelines import MAX_CHANGE_CHARACTERS, MAX_TEXT_CHARACTERS
from annotator.core.threads import MAX_NOTE_CHARACTERS, NoteKind
from annotator.selectors.case_lists import CaseFilter
from annotator.selectors.notes import OPEN, SETTLED, NoteFilter
from annotator.services.exclusions import MAX_REASON_CHARACTERS


class CaseListForm(forms.Form):
    """The filter of the list of cases; what it does not understand is left out."""

    state = forms.ChoiceField(required=False, choices=[("", "all"), *((each.value, each.words) for each in CaseState)])
    q = forms.CharField(required=False, max_length=255)
    flagged = forms.BooleanField(required=False)
    after = forms.IntegerField(required=False, validators=[MinValueValidator(0)])
    before = forms.IntegerField(required=False, validators=[MinValueValidator(0)])

    def wanted(self) -> CaseFilter:
        """The filter that was sent."""
        self.is_valid()
        sent = self.cleaned_data
        return CaseFilter(
            state=sent.get("state", ""),
            query=sent.get("q", ""),
            flagged=sent.get("flagged", False),
            after=sent.get("after"),
            before=sent.get("before"),
        )


class NoteListForm(forms.Form):
    """The filter of the list of notes; what it does not understand is left out, and open flags are shown first."""

    kind = forms.ChoiceField(required=False, choices=[("all", "all"), *((kind.value, kind.value) for kind in NoteKind)])
    state = forms.ChoiceField(required=False, choices=[(OPEN, "open"), (SETTLED, "settled")])
    case = forms.CharField(required=False, max_length=255)
    before = forms.IntegerField(required=False, validators=[MinValueValidator(0)])

    def wanted(self) -> NoteFilter:
        """The filter that was sent."""
        self.is_valid()
        sent = self.cleaned_data
        kind = sent.get("kind") or NoteKind.FLAG.value
        return NoteFilter(
            kind="" if kind == "all" else kind,
            state=sent.get("state") or OPEN,
            case=sent.get("case", ""),
            before=sent.get("before"),
        )


class ReturnForm(forms.Form):
    """Whose reading is sent back, of which round, and why."""

    reader = forms.IntegerField()
    round = forms.IntegerField(validators=[MinValueValidator(1)])
    text = forms.CharField(max_length=MAX_NOTE_CHARACTERS, strip=True)


class ReasonForm(forms.Form):
    """Why a case is excluded, or taken back."""

    reason = forms.CharField(max_length=MAX_REASON_CHARACTERS, strip=True)


class AnswerForm(forms.Form):
    """An answer to a thread, or that it is settled or open again."""

    note = forms.IntegerField()
    action = forms.ChoiceField(choices=[(each, each) for each in ("answer", "settle", "reopen")])
    text = forms.CharField(required=False, max_length=MAX_NOTE_CHARACTERS, strip=True)


class GuidelineForm(forms.Form):
    """The next version of a guideline."""

    text = forms.CharField(
        required=False,
        label="Guideline",
        max_length=MAX_TEXT_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14}),
        help_text="Plain text; lines stay as they are.",
    )
    what_changed = forms.CharField(
        required=False,
        max_length=MAX_CHANGE_CHARACTERS,
        label="What changed",
        help_text="In a few words; readers see it beside the new version.",
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput, validators=[MinValueValidator(0)])
