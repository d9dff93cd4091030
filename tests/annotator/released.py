"""Gold and releases for tests."""

from dataclasses import replace

from annotator.core.releases.requests import ReleaseRequest
from annotator.models import Gold
from annotator.services.releases import ask_for_release, freeze
from tests.annotator.worlds import NOW, World

REQUEST = ReleaseRequest()
SMALL = replace(REQUEST, formats=())


def add_gold(case, *, state=Gold.State.FINAL, values="+.0.+.+.", origins="dsmajkdd"):
    """Settled gold of a case of the spine preset, with evidence for its first cell."""
    n_cells = len(values)
    return Gold.objects.create(
        case=case,
        project=case.project,
        schema=case.project.schema,
        state=state,
        values=values,
        urgencies="_" * n_cells,
        origins=origins,
        n_voices="2" * n_cells,
        n_agreeing="2" * n_cells,
        n_readings=2,
        n_open=values.count("_"),
        body={"evidence": {"spine|stenosis": [[29, 78]]}},
        rules_version=1,
        version=1,
        settled_at=NOW,
    )


def asked(world: World, name="v1", request=SMALL, send=lambda _key: None):
    """A release that waits for a worker."""
    return ask_for_release(
        project=world.project, actor=world.manager, name=name, description="First.", request=request, send=send
    )


def frozen(world: World, name="v1", request=SMALL):
    """A release that is done."""
    done = freeze(asked(world, name, request).pk)
    assert done is not None
    assert done.state == "done", done.reason
    return done
