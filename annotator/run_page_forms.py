"""What the page of a run is sent, checked for shape."""

from django import forms
from django.core.validators import MinValueValidator

from annotator.selectors.run_cases import OUTCOMES, RunCasesFilter


class RunCasesForm(forms.Form):
    """The filter of the cases of a run; what it does not understand is left out."""

    outcome = forms.ChoiceField(required=False, choices=[("", ""), *((name, name) for name in OUTCOMES)])
    q = forms.CharField(required=False, max_length=255)
    after = forms.IntegerField(required=False, validators=[MinValueValidator(0)], max_value=2**31 - 1)
    before = forms.IntegerField(required=False, validators=[MinValueValidator(0)], max_value=2**31 - 1)

    def wanted(self) -> RunCasesFilter:
        """The filter that was sent."""
        self.is_valid()
        sent = self.cleaned_data
        return RunCasesFilter(
            outcome=sent.get("outcome", ""),
            query=sent.get("q", ""),
            after=sent.get("after"),
            before=sent.get("before"),
        )
