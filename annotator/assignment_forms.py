"""What the page of assignment sends: a plan, and changes of seats."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from annotator.core.assignment import AskedPlan, AskedReader, Order
from annotator.models import Arm, Reads, User

_RATE: Final = "rate:"
_IN, _QUOTA, _SHARE = "in_", "quota_", "share_"
# A key has 255 characters at most; what is longer is no list that somebody pasted.
_MAX_LIST: Final = 2_000_000
_PERCENT: Final = [MinValueValidator(0), MaxValueValidator(100)]
_MODES: Final = [
    (Reads.ASSIGNED, "Each case goes to named readers"),
    (Reads.QUEUE, "Whoever is free takes the next case"),
]


class PlanForm(forms.Form):
    """A plan. Fields for each reader stand in `reader_fields`, sampling rates of strata come as `rate:NAME`."""

    reads = forms.ChoiceField(choices=_MODES, initial=Reads.ASSIGNED, label="Who reads what", widget=forms.RadioSelect)
    n_readers = forms.IntegerField(
        min_value=1,
        max_value=50,
        initial=2,
        label="Readers for a case",
        help_text="Different people who read the same case.",
    )
    percent_many = forms.FloatField(
        validators=_PERCENT, initial=100, label="for % of the cases", help_text="100: for all."
    )
    n_rest = forms.IntegerField(min_value=1, max_value=50, initial=1, label="Readers for the rest")
    percent_blank = forms.FloatField(
        validators=_PERCENT,
        initial=0,
        label="% blank",
        help_text="Readers start without machine labels.",
    )
    percent_seeded = forms.FloatField(
        validators=_PERCENT,
        initial=0,
        required=False,
        label="% with planted errors",
        help_text="For training projects only. The rest is pre-filled.",
    )
    mixes_arms = forms.BooleanField(
        required=False, label="Each case has a blank and a pre-filled reader (needs 50 % blank)"
    )
    percent_repeats = forms.FloatField(
        validators=_PERCENT,
        initial=0,
        label="% of each reader's cases again",
        help_text="Unannounced, for agreement with oneself. 0: none.",
    )
    after_days = forms.IntegerField(min_value=0, max_value=3650, initial=28, label="after days")
    after_cases = forms.IntegerField(min_value=0, max_value=100_000, initial=30, label="and after other cases")
    by_modality = forms.BooleanField(required=False, label="Modalities are strata")
    percent_rare = forms.FloatField(
        validators=_PERCENT,
        required=False,
        label="Predicted rare findings are a stratum: below % of the cases",
        help_text="Cases that the pre-fill calls positive in a cell that it calls positive in fewer cases. Empty: no.",
    )
    order = forms.ChoiceField(
        choices=[(Order.SHUFFLED, "random, another one for each reader"), (Order.GIVEN, "as imported")],
        label="Order of cases",
    )
    keeps_patients_together = forms.BooleanField(
        required=False, label="Cases of a patient go to the same readers where loads allow it"
    )
    moves_unread = forms.BooleanField(
        required=False, label="Cases that nobody has begun may move to readers who have less to do"
    )
    keys = forms.CharField(
        required=False,
        max_length=_MAX_LIST,
        label="Only these cases",
        help_text="Keys, one a line. Empty: all that are not excluded.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**53, label="Seed", help_text="The same seed gives the same plan."
    )

    def __init__(self, *args: Any, readers: Sequence[User], asked: AskedPlan | None, seed: int, **kwargs: Any) -> None:
        kwargs["initial"] = {"seed": seed} | (_initial(asked) if asked else {})
        super().__init__(*args, **kwargs)
        self._readers = readers
        self._last_rates = dict(asked.rates) if asked else {}
        by_name = {reader.name: reader for reader in asked.readers} if asked else {}
        for reader in readers:
            known = by_name.get(reader.get_username())
            self._add_reader(reader, known, is_in=known is not None or not by_name)

    def _add_reader(self, reader: User, known: AskedReader | None, *, is_in: bool) -> None:
        name = reader.get_username()
        self.fields[f"{_IN}{reader.pk}"] = forms.BooleanField(required=False, label=name, initial=is_in)
        self.fields[f"{_QUOTA}{reader.pk}"] = forms.IntegerField(
            required=False,
            min_value=0,
            max_value=10_000_000,
            label=f"Most readings of {name}",
            initial=known.quota if known else None,
            widget=forms.NumberInput(attrs={"placeholder": "no limit"}),
        )
        self.fields[f"{_SHARE}{reader.pk}"] = forms.FloatField(
            min_value=1,
            max_value=1000,
            label=f"Share of a full load of {name}",
            initial=_percent(known.share) if known else 100,
        )

    @property
    def reader_fields(self) -> list[tuple[Any, Any, Any]]:
        """For each reader whether they read, at most how much, and their share."""
        return [(self[f"{_IN}{r.pk}"], self[f"{_QUOTA}{r.pk}"], self[f"{_SHARE}{r.pk}"]) for r in self._readers]

    def clean(self) -> dict[str, Any]:
        """Add `rates` by stratum, and refuse arms of more than 100 % and a plan for nobody."""
        sent = super().clean() or {}
        if (sent.get("percent_blank") or 0) + (sent.get("percent_seeded") or 0) > 100:
            self.add_error("percent_blank", "Blank and planted errors are more than 100 % together.")
        if sent.get("reads") == Reads.ASSIGNED and not any(sent.get(f"{_IN}{r.pk}") for r in self._readers):
            raise forms.ValidationError("Nobody is chosen to read: tick the readers, or choose the queue.")
        sent["rates"] = self._rates()
        return sent

    def _rates(self) -> dict[str, float]:
        """Those that were sent; those of the last plan before a preview has shown the strata."""
        if not any(name.startswith(_RATE) for name in self.data):
            return self._last_rates
        rates = {}
        for name in self.data:
            if not name.startswith(_RATE):
                continue
            stratum, percent = name.removeprefix(_RATE), self.data[name]
            try:
                rates[stratum] = float(percent) / 100
            except ValueError as error:
                raise forms.ValidationError(f"{stratum}: {percent!r} is no percentage, expected 0 to 100.") from error
            if not 0 <= rates[stratum] <= 1:
                raise forms.ValidationError(f"{stratum}: {percent} %, expected 0 to 100 %.")
        return {stratum: rate for stratum, rate in rates.items() if rate < 1}

    def asked(self) -> AskedPlan:
        """The plan that was sent; the form is valid."""
        sent = self.cleaned_data
        keys = tuple(dict.fromkeys(line.strip() for line in sent["keys"].splitlines() if line.strip()))
        return AskedPlan(
            readers=self._asked_readers() if sent["reads"] == Reads.ASSIGNED else (),
            overlap=_overlap(sent),
            by_modality=sent["by_modality"],
            rare_below=sent["percent_rare"] / 100 if sent["percent_rare"] is not None else None,
            rates=sent["rates"],
            keys=keys or None,
            arms=_arms(sent),
            mixes_arms=sent["mixes_arms"],
            repeats_share=sent["percent_repeats"] / 100,
            repeats_after_days=sent["after_days"],
            repeats_after_cases=sent["after_cases"],
            order=sent["order"],
            keeps_patients_together=sent["keeps_patients_together"],
            moves_unread=sent["moves_unread"],
            seed=sent["seed"],
        )

    def _asked_readers(self) -> tuple[AskedReader, ...]:
        sent = self.cleaned_data
        return tuple(
            AskedReader(
                name=reader.get_username(),
                quota=sent[f"{_QUOTA}{reader.pk}"],
                share=sent[f"{_SHARE}{reader.pk}"] / 100,
            )
            for reader in self._readers
            if sent[f"{_IN}{reader.pk}"]
        )


def _overlap(sent: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    many = sent["percent_many"] / 100
    parts = ((sent["n_readers"], many), (sent["n_rest"], 1 - many))
    return tuple((n, share) for n, share in parts if share > 0)


def _arms(sent: Mapping[str, Any]) -> dict[str, float]:
    blank, seeded = sent["percent_blank"] / 100, (sent["percent_seeded"] or 0) / 100
    arms = {str(Arm.BLANK): blank, str(Arm.PREFILLED): 1 - blank - seeded, str(Arm.SEEDED): seeded}
    return {arm: share for arm, share in arms.items() if share > 0}


def _initial(asked: AskedPlan) -> dict[str, Any]:
    """The fields of a plan that was asked for."""
    (n_readers, many), *rest = asked.overlap
    return {
        "reads": Reads.QUEUE if asked.is_queue else Reads.ASSIGNED,
        "n_readers": n_readers,
        "percent_many": _percent(many),
        "n_rest": rest[0][0] if rest else 1,
        "percent_blank": _percent(asked.arms.get(Arm.BLANK, 0)),
        "percent_seeded": _percent(asked.arms.get(Arm.SEEDED, 0)),
        "mixes_arms": asked.mixes_arms,
        "percent_repeats": _percent(asked.repeats_share),
        "after_days": asked.repeats_after_days,
        "after_cases": asked.repeats_after_cases,
        "by_modality": asked.by_modality,
        "percent_rare": None if asked.rare_below is None else _percent(asked.rare_below),
        "order": asked.order,
        "keeps_patients_together": asked.keeps_patients_together,
        "moves_unread": asked.moves_unread,
        "keys": "\n".join(asked.keys or ()),
        "seed": asked.seed,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.6g}"


class SeatsForm(forms.Form):
    """Seats that are withdrawn from a reader or from the queue, or given to somebody else."""

    source = forms.ChoiceField(label="Seats of")
    to = forms.ChoiceField(required=False, label="give to")
    reason = forms.CharField(max_length=250, label="Reason", help_text="Stays in the history of the project.")

    def __init__(self, *args: Any, sources: Sequence[tuple[str, str]], readers: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(reader.pk), reader.get_username()) for reader in readers]
        self.fields["source"].choices = sources  # type: ignore[attr-defined]
        self.fields["to"].choices = [("", "nobody: withdraw them"), *people]  # type: ignore[attr-defined]
