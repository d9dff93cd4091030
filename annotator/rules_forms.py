"""What the page of the rules of a study sends."""

from typing import Any

from django import forms

from annotator.models import NeedsPerson, Reads, StudyRules, User

_WEIGHT = "weight_"


class RulesForm(forms.Form):
    """The rules of a study; a field for the weight of each reader stands below them."""

    reads = forms.ChoiceField(choices=Reads, label="Who reads what", help_text="Plans are made under Assignment.")
    readers_per_case = forms.IntegerField(
        min_value=1,
        max_value=50,
        label="Readers of a case",
        help_text="Where everyone reads every case: with so many readings a case is read, and its gold is made.",
    )
    reservation = forms.IntegerField(
        min_value=1,
        max_value=24 * 60,
        label="Minutes until a case taken from the queue is free again",
        help_text="Counted from the last sign of life. What was typed stays with its reader.",
    )
    needs_person = forms.ChoiceField(choices=NeedsPerson, label="An adjudicator decides")
    majority_of = forms.IntegerField(min_value=2, max_value=50, label="Size of a majority")
    weighted_share = forms.FloatField(
        min_value=0.5,
        max_value=0.99,
        label="Share of the weights that decides",
        help_text="More than this share must say the same; 0.5 is more than half.",
    )
    disputes_certainty = forms.BooleanField(
        required=False,
        label="Differences in certainty need an adjudicator too: possible or present, absent or not mentioned",
    )
    disputes_urgency = forms.BooleanField(
        required=False, label="Differences in urgency need an adjudicator too, where readers agree on a finding"
    )
    machine_is_voice = forms.BooleanField(
        required=False, label="Show the machine's label to adjudicators as one more voice, not told apart"
    )
    readers_may_adjudicate = forms.BooleanField(
        required=False, label="Adjudicators may decide cases that they read themselves"
    )
    is_training = forms.BooleanField(
        required=False, label="This is a training set: readers may get labels with planted errors"
    )

    def __init__(self, *args: Any, rules: StudyRules, readers: list[User], **kwargs: Any) -> None:
        kwargs["initial"] = _initial(rules, readers)
        super().__init__(*args, **kwargs)
        self._readers = readers
        for reader in readers:
            self.fields[f"{_WEIGHT}{reader.pk}"] = forms.FloatField(
                min_value=0.01, max_value=100, label=f"Weight of {reader.get_username()}"
            )

    def changes(self) -> dict[str, Any]:
        """The rules as they were sent, by column."""
        sent = {name: value for name, value in self.cleaned_data.items() if not name.startswith(_WEIGHT)}
        sent["reservation_s"] = sent.pop("reservation") * 60
        weights = {str(reader.pk): self.cleaned_data[f"{_WEIGHT}{reader.pk}"] for reader in self._readers}
        # Who is not in it weighs 1.
        sent["weights"] = {key: weight for key, weight in weights.items() if weight != 1}
        return sent


def _initial(rules: StudyRules, readers: list[User]) -> dict[str, Any]:
    plain = {name: getattr(rules, name) for name in RulesForm.base_fields if name != "reservation"}
    weights = {f"{_WEIGHT}{reader.pk}": rules.weights.get(str(reader.pk), 1) for reader in readers}
    return plain | weights | {"reservation": rules.reservation_s // 60}
