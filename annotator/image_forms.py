"""What the page for images sends, checked for shape."""

from pathlib import Path
from typing import Any

from django import forms

from annotator.models import ImageDates


class ManyFilesInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files in one field."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each of the files."""
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files if file]


class ImageUploadForm(forms.Form):
    """Images, or the token of an upload that brought them, with what is known about them."""

    images = ManyFilesField(required=False, label="Files", widget=ManyFilesInput(attrs={"multiple": True}))
    token = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    mapping = forms.FileField(
        required=False,
        label="Mapping file",
        help_text="CSV with a column case and one or more of file, accession_number, study_id, study_uid, series_uid, "
        "patient_id.",
    )
    class_table = forms.FileField(
        required=False,
        label="Class table of masks",
        help_text="CSV or JSON that names the values of NIfTI masks. Without it, the classes of TotalSegmentator.",
    )
    nifti_as = forms.ChoiceField(
        label="NIfTI files are",
        choices=[("auto", "images, or masks where their names say so"), ("image", "images"), ("mask", "masks")],
        initial="auto",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Require one way or the other."""
        sent = super().clean() or {}
        sent["nifti_as"] = sent.get("nifti_as") or "auto"
        if not sent.get("images") and not sent.get("token") and "images" not in self.errors:
            self.add_error("images", "Choose files, a folder or a ZIP archive.")
        return sent

    def ending_of(self, name: str) -> str:
        """The ending of an uploaded file, as far as it is one that says how to read it."""
        ending = Path(self.cleaned_data[name].name or "").suffix.lower()
        return ending if ending in {".csv", ".tsv", ".json", ".txt"} else ""


class ImageRulesForm(forms.Form):
    """How a project stores images."""

    dates = forms.ChoiceField(choices=ImageDates.choices, label="Dates in images")
    keeps_originals = forms.BooleanField(required=False, label="Keep the files as they came, too")
