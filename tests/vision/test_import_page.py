"""The page of an import says in words what led its series to their cases."""

import re

import pytest
from django.urls import reverse

from tests.vision.stored import stored_series
from vision.models import Series
from vision.services.options import LINKS

pytestmark = pytest.mark.django_db
WORDS = {
    "mapping": "mapping file",
    "accession_number": "accession number",
    "study_uid": "Study Instance UID",
    "study_id": "study id",
    "name": "file or folder name",
}


@pytest.mark.parametrize("link", LINKS)
def test_link_of_a_series_is_said_in_words(client, world, link):
    made = stored_series(world.cases[0])
    fields = {field.name: getattr(made, field.name) for field in Series._meta.concrete_fields if field.name != "id"}
    Series.objects.create(**fields | {"series_uid": "2.25.6", "linked_by": link})
    made.delete()
    client.force_login(world.manager)
    page = client.get(reverse("image_import", args=[world.project.slug, made.origin_id])).content.decode()
    [row] = re.findall(r"<tbody>(.*?)</tbody>", page, flags=re.DOTALL)
    assert re.findall(r"<td>([^<]*)</td>", row)[-1] == WORDS[link]
