"""What the pages for files of labels send, checked for shape."""

from pathlib import PurePath
from typing import Any, cast

from django import forms
from django.http import QueryDict

from annotator.models import Arm
from annotator.services.label_uploads import MAX_LABEL_FILE_BYTES, Choices, Said
from labeling.core.schema import Schema
from labeling.core.tables import TableError, parse_mapping
from labeling.core.tables.doccano import FORMAT_NAME as DOCCANO
from labeling.core.tables.label_studio import FORMAT_NAME as LABEL_STUDIO
from labeling.core.tables.studio_names import MAX_MAPPING_CHARACTERS, NO_MAPPING, StudioNames

MAX_RATER_CHARACTERS = 100
# Stands for the labels of a file with a single rater, who may be named anew before the import.
THE_ONLY_ONE = "*"


# A reading is of an arm, which no file of another program says: it has to be stated.
MADE_BY = [
    ("", "a program: machine labels, which become runs"),
    (Arm.BLANK.value, "people who saw no machine labels: readings"),
    (Arm.PREFILLED.value, "people who started from machine labels: readings"),
]


class LabelUploadForm(forms.Form):
    """A file of labels."""

    file = forms.FileField(label="File of labels", max_length=255)

    def clean_file(self) -> Any:
        """Refuse what is too long to be read while a browser waits."""
        sent = self.cleaned_data["file"]
        if sent.size > MAX_LABEL_FILE_BYTES:
            raise forms.ValidationError(
                f"The file has {sent.size:,} bytes, at most {MAX_LABEL_FILE_BYTES:,} are read here. "
                "Divide it, or use manage.py import_labels on the server."
            )
        return sent


class LabelChoicesForm(forms.Form):
    """How a file of labels is read, and what becomes of its labels."""

    rater = forms.CharField(
        required=False,
        max_length=MAX_RATER_CHARACTERS,
        label="Who made the labels",
        help_text="Such as LEAVS Qwen2-72B. The name stands with the run.",
    )
    mapping = forms.CharField(
        required=False,
        max_length=MAX_MAPPING_CHARACTERS,
        label="What names mean",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="JSON, only for names that do not say it themselves: "
        '{"report_id": "accession", "names": {"q1": "liver|focal"}, "values": {"yes": "present"}, '
        '"ignored": ["comment"]}. Readings have a value in every cell: where people ticked only what is there, add '
        '{"selected": "present", "unsaid": "not_mentioned"}.',
    )
    arm = forms.ChoiceField(required=False, label="The labels were made by", choices=MADE_BY)
    create_readers = forms.BooleanField(
        required=False,
        initial=True,
        label="Make closed accounts for readers who are nobody here",
        help_text="Nobody can sign in with a closed account.",
    )
    several = forms.BooleanField(required=False, initial=True, widget=forms.HiddenInput)
    raters = forms.MultipleChoiceField(required=False, label="Take the labels of")
    prefill = forms.ChoiceField(required=False, label="Readers start from")

    def __init__(self, *args: Any, schema: Schema, file_name: str, rater: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._schema = schema
        self.fields["rater"].initial = rater or PurePath(file_name).stem[:MAX_RATER_CHARACTERS]
        if self.is_bound:
            self._offer("raters", self.data.getlist("raters"))  # type: ignore[attr-defined]
            self._offer("prefill", [self.data.get("prefill", "")])

    def _offer(self, name: str, values: list[str]) -> None:
        self.fields[name].choices = [(value, value) for value in values]  # type: ignore[attr-defined]

    def clean_mapping(self) -> Any:
        """The mapping that was written; every name in it means something under the schema."""
        try:
            mapping = parse_mapping(self.cleaned_data["mapping"])
            StudioNames(self._schema, mapping)
        except TableError as error:
            raise forms.ValidationError(str(error)) from error
        return mapping

    def clean(self) -> dict[str, Any]:
        """Of several raters at least one is taken, readers start from labels that are, and no two become one reader."""
        sent = super().clean() or {}
        names = [name for name in self.readers().values() if name]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            self.add_error(None, f"Two raters of the file cannot both be {twice[0]}.")
        if sent.get("several"):
            if not sent.get("raters"):
                self.add_error("raters", "Choose whose labels to take.")
            elif sent.get("prefill") and sent["prefill"] not in sent["raters"]:
                self.add_error("prefill", "Readers can start only from labels that are taken.")
        return sent

    def readers(self) -> dict[str, str]:
        """Users here by raters of the file, as far as they were named."""
        if not self.is_bound:
            return {}
        data = cast(QueryDict, self.data)
        pairs = zip(data.getlist("reader_of"), data.getlist("reader"), strict=False)
        return {rater: name.strip() for rater, name in pairs if name.strip()}

    def chosen(self) -> Choices:
        """What was chosen; before anything was, what is offered."""
        if not self.is_bound:
            return Choices(rater=self.fields["rater"].initial)
        sent = self.cleaned_data
        prefill = sent.get("prefill") or None
        return Choices(
            rater=sent.get("rater") or self.fields["rater"].initial,
            mapping=sent.get("mapping", NO_MAPPING),
            raters=frozenset(sent["raters"]) if sent.get("several") and sent.get("raters") else None,
            prefill_rater="" if prefill == THE_ONLY_ONE else prefill,
            arm=sent.get("arm", ""),
            create_readers=sent.get("create_readers", False),
            readers={} if self.non_field_errors() else self.readers(),
        )

    def show(self, said: Said, *, now: str) -> None:
        """Offer what the file has: its raters, and whose labels readers may start from instead of `now`."""
        arm = self.chosen().arm
        self.fields["raters"].widget = forms.CheckboxSelectMultiple()
        self._offer("raters", said.raters)
        self.fields["raters"].initial = said.raters
        is_one = len(said.raters) < 2
        ready = [(run["rater"], f"the labels of {run['rater']}") for run in said.runs]
        offered = [(THE_ONLY_ONE, "these labels")] if is_one and ready else ready
        self.fields["prefill"].choices = [("", f"{now}, as before"), *offered]  # type: ignore[attr-defined]
        if said.format not in ("leavs", "long", DOCCANO):
            del self.fields["rater"]
        if said.format not in (LABEL_STUDIO, DOCCANO):
            del self.fields["mapping"]
        if not arm:
            del self.fields["create_readers"]
        if is_one:
            del self.fields["raters"], self.fields["several"]
        elif self.is_bound and not self.data.get("several"):  # the raters were not offered until now
            data = cast(QueryDict, self.data).copy()
            data["several"] = "True"
            data.setlist("raters", said.raters)
            self.data = data
        if not ready:
            del self.fields["prefill"]
