"""What every step of an import knows."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from annotator.core.identifiers import patient_key
from annotator.models import Case, ImageDates, Project
from labeling.core.schema import Schema
from vision.core.deidentify import Dates, Pseudonyms
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.mask_classes import MaskClass
from vision.services.cleaning import Rules
from vision.services.links import Linker
from vision.services.options import ImportOptions
from vision.services.records import Tally


@dataclass(frozen=True, slots=True)
class Context:
    """The import that goes on. `advance` is told the number of files that are done.

    `classes` name the values of masks. `touched` collects the series that the import brought or found stored.
    """

    project: Project
    schema: Schema
    options: ImportOptions
    linker: Linker
    tally: Tally
    advance: Callable[[int], None]
    classes: tuple[MaskClass, ...] = ()
    touched: list[int] = field(default_factory=list)
    limits: ImageLimits = DEFAULT_LIMITS

    @property
    def secret(self) -> str:
        """The key of all stand-ins."""
        return str(settings.PATIENT_KEY_SECRET)

    @property
    def scope(self) -> str:
        """Stand-ins are the same within a project, and tell nothing across projects."""
        return str(self.project.pk)

    @property
    def rules(self) -> Rules:
        """How files are de-identified."""
        dates: Dates = "keep" if self.project.image_dates == ImageDates.KEEP else "shift"
        return Rules(secret=self.secret, scope=self.scope, dates=dates, limits=self.limits)

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The stand-ins of the project."""
        return Pseudonyms(secret=self.secret, scope=self.scope)

    def patient_warning(self, case: Case, patient_ids: set[str]) -> str:
        """Why the images may not belong to the case, judged by their patients; empty when nothing speaks against it."""
        named = {patient_id for patient_id in patient_ids if patient_id}
        if len(named) > 1:
            return f"The files name {len(named)} patients: check that they belong together."
        for patient_id in named:
            key = patient_key(secret=self.secret, scope=self.scope, patient_id=patient_id, report_id="")
            if key != case.patient_key and Case.objects.filter(project=self.project, patient_key=key).exists():
                return "The patient of these images is that of another case: check that they belong here."
        return ""
