"""What earlier imports of reports brought."""

from django.db.models import QuerySet
from django.http import Http404

from annotator.models import Project, ReportImport
from labeling.core.tables.cells import csv_line, text_cell
from vision.models import ImageImport

SHOWN_IMPORTS = 50


def recent_imports(project: Project) -> QuerySet[ReportImport]:
    """The latest imports, newest first, without their lists of problems."""
    return ReportImport.objects.filter(project=project).select_related("imported_by").defer("problems")[:SHOWN_IMPORTS]


def import_of_project(project: Project, import_id: int) -> ReportImport:
    """The import of this project with this id; 404 when the project has none."""
    record = ReportImport.objects.filter(project=project, pk=import_id).first()
    if record is None:
        raise Http404("no such import in this project")
    return record


def problems_csv(record: ReportImport) -> str:
    """The refused rows that are kept, as a table that is safe in a spreadsheet."""
    lines = [csv_line(["row", "report_id", "code", "reason"])]
    for problem in record.problems:
        texts = [text_cell(str(problem[name])) for name in ("report_id", "code", "reason")]
        lines.append(csv_line([str(problem["row"]), *texts]))
    return "".join(lines)


def image_problems_csv(record: ImageImport) -> str:
    """The files that are refused and what belongs to no case, as far as they are kept, safe in a spreadsheet."""
    lines = [csv_line(["file", "outcome", "code", "reason"])]
    rows = [(problem["name"], problem["kind"], problem["code"], problem["reason"]) for problem in record.problems]
    rows += [(entry["name"], "unlinked", "no_case", f"{entry['n_files']} files") for entry in record.unlinked]
    return "".join([*lines, *(csv_line([text_cell(str(part)) for part in row]) for row in rows)])
