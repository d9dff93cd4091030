"""A project with runs of language-model labelers in which some answers and reports went wrong; made once per server."""

import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SLUG = "answered"
GARBAGE = "<b>Perhaps</b> & so on."


@cache
def supposed(key):
    """Answers as if the liver had a focal finding."""
    from labeling.core.placeholders import Placeholders
    from labeling.core.records import ReportText
    from labeling.core.schema import Cell
    from labeling.core.schema_yaml import load_preset
    from labeling.core.values import Value
    from tests.e2e.world import REPORTS

    report, schema = ReportText(key, REPORTS[key]), load_preset("abdomen-ct")
    return Placeholders.of(report, schema=schema, cell=Cell("liver", "focal"), value=Value.PRESENT)


def script(call):
    """Answers as supposed; none for E-4, which is too long, and rubbish for the values of E-3."""
    from labeling.core.backends import BackendError, Trouble
    from labeling.core.placeholders import WRITTEN
    from tests.e2e.world import REPORTS

    told = call.messages[1].content
    key = next((key for key, text in REPORTS.items() if text[-8:] in told), "E-1")
    if key == "E-4":
        return BackendError(Trouble.TOO_LONG, "the prompt has 9,000 tokens, the model takes 8,192")
    if key == "E-3" and "values" in getattr(call.constraint, "schema", {}).get("properties", {}):
        return GARBAGE
    if call.sampling is None:
        return (2.5, 1.0)
    return supposed(key).answer(call.messages, call.constraint).replace(WRITTEN, "The liver has a lesion of 2.1 cm.")


def make_answers() -> None:
    """Make it in the database that the settings name."""
    from django.conf import settings

    from annotator.models import User
    from annotator.services.projects import create_project
    from labeling.core.schema_yaml import preset_source
    from labeling.services import start_model_run
    from tests.e2e import world
    from tests.labeling.run_tools import URL, Engine, carry_on, plan

    settings.LLM_URLS = [URL]
    manager = User.objects.get(username=world.MANAGER)
    project = create_project(name="Answered", slug=SLUG, schema_source=preset_source("abdomen-ct"), actor=manager)
    with TemporaryDirectory() as folder:
        world._fill(project, world._reports_file(Path(folder)), manager, labels=True)
    plans = [
        plan(labeler="leavs-fast"),
        plan(labeler="leavs", cases=("E-1",), options=("targets=liver",)),
        plan(labeler="direct-query", cases=("E-1", "E-2")),
    ]
    for each in plans:
        run = start_model_run(project=project, plan=each, actor=manager)
        carry_on(run, Engine(script))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django

    django.setup()
    make_answers()
