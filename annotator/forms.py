"""What pages send, checked for shape; services check what it means."""

from django import forms

from annotator.core.identifiers import names_a_person
from annotator.selectors.worklists import STATES, Spot, WorklistFilter
from labeling.core.intake import ColumnMapping
from labeling.core.schema_yaml import MAX_SCHEMA_CHARACTERS, preset_names, preset_source

OWN_SCHEMA = ""


class ProjectForm(forms.Form):
    """A new project; its schema is a preset, pasted text or a file."""

    name = forms.CharField(max_length=120)
    slug = forms.SlugField(
        max_length=60, required=False, label="Address", help_text="Last part of its address; empty: from the name."
    )
    description = forms.CharField(required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3}))
    preset = forms.ChoiceField(required=False, label="Schema")
    schema_text = forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_SCHEMA_CHARACTERS,
        label="Schema as YAML",
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text="Only for a schema of your own.",
    )
    schema_file = forms.FileField(required=False, label="or a YAML file")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = [*((name, name) for name in preset_names()), (OWN_SCHEMA, "a schema of your own")]
        self.fields["preset"].choices = choices  # type: ignore[attr-defined]
        self.fields["preset"].initial = preset_names()[0]

    def clean(self) -> dict[str, object]:
        """Add `schema_source`, the YAML of whichever way was used."""
        sent = super().clean() or {}
        upload = sent.get("schema_file")
        if upload and upload.size > MAX_SCHEMA_CHARACTERS:
            raise forms.ValidationError(f"The schema file has more than {MAX_SCHEMA_CHARACTERS:,} bytes.")
        try:
            text = upload.read().decode("utf-8-sig") if upload else sent.get("schema_text", "")
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The schema file is not UTF-8 text.") from error
        own = text.replace("\r\n", "\n")
        if own.strip() and sent.get("preset"):
            raise forms.ValidationError("Choose a preset or give a schema of your own, not both.")
        if not own.strip() and not sent.get("preset"):
            raise forms.ValidationError("Choose a preset, or give a schema of your own.")
        sent["schema_source"] = own if own.strip() else preset_source(sent["preset"])
        return sent


class WorklistForm(forms.Form):
    """The filter of the worklist; what it does not understand is left out."""

    state = forms.ChoiceField(required=False, choices=[("", "all"), *((state, state) for state in STATES)])
    q = forms.CharField(required=False, max_length=255)
    flagged = forms.BooleanField(required=False)
    after = forms.CharField(required=False, max_length=40)
    before = forms.CharField(required=False, max_length=40)

    def wanted(self, *, by_place: bool = False) -> WorklistFilter:
        """The filter that was sent."""
        self.is_valid()
        sent = self.cleaned_data
        return WorklistFilter(
            state=sent.get("state", ""),
            query=sent.get("q", ""),
            flagged=sent.get("flagged", False),
            by_place=by_place,
            after=Spot.of(sent.get("after", "")),
            before=Spot.of(sent.get("before", "")),
        )


class UploadForm(forms.Form):
    """A file of reports."""

    file = forms.FileField(label="File of reports", max_length=255)


class MappingForm(forms.Form):
    """Which column is what, and whether to label at once."""

    report_id = forms.ChoiceField(label="Report id")
    text = forms.ChoiceField(label="Text of the report")
    patient_id = forms.ChoiceField(
        label="Patient", required=False, help_text="Kept only as a key that tells nobody who it is."
    )
    study_id = forms.ChoiceField(label="Study", required=False)
    modality = forms.ChoiceField(label="Modality", required=False)
    more_text = forms.MultipleChoiceField(
        label="Further text", required=False, help_text="Appended below the text, each under its column's name."
    )
    keep_columns = forms.MultipleChoiceField(
        label="Keep these columns",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Stored with the reports as they stand. Choose none that tells who a patient is.",
    )
    label = forms.BooleanField(
        label="Label the reports with the rules", required=False, help_text="The labels become the pre-fill."
    )

    def __init__(self, *args: object, columns: tuple[str, ...], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        named = [(column, column) for column in columns]
        for name in ("report_id", "text", "more_text"):
            self.fields[name].choices = named  # type: ignore[attr-defined]
        nameless = [(column, column) for column in columns if not names_a_person(column)]
        self.fields["keep_columns"].choices = nameless  # type: ignore[attr-defined]
        for name in ("patient_id", "study_id", "modality"):
            self.fields[name].choices = [("", "none"), *named]  # type: ignore[attr-defined]

    def kept(self) -> tuple[str, ...]:
        """The other columns that are stored."""
        mapped = self.mapping().columns
        return tuple(column for column in self.cleaned_data["keep_columns"] if column not in mapped)

    def mapping(self) -> ColumnMapping:
        """The mapping that was chosen."""
        chosen = self.cleaned_data
        optional = {name: chosen[name] or None for name in ("patient_id", "study_id", "modality")}
        more_text = tuple(column for column in chosen["more_text"] if column != chosen["text"])
        return ColumnMapping(report_id=chosen["report_id"], text=chosen["text"], more_text=more_text, **optional)


class ThresholdForm(forms.Form):
    """The score above which a case is positive."""

    threshold = forms.FloatField()
