"""What a reader is told of the images of a case, and at what price."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.annotator.worlds import add_case, label_schema
from tests.vision.stored import PACK, stored_mask, stored_series

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def image_dir(tmp_path, settings):
    settings.IMAGE_DIR = tmp_path


@pytest.fixture
def reader(client, world):
    client.force_login(world.reader)
    return client


def images_of(client, case):
    return client.get(reverse("api_images", kwargs={"slug": case.project.slug, "case_id": case.pk}))


def test_case_says_how_many_series_it_has_and_where_they_are_described(reader, world):
    case = world.cases[0]
    url = reverse("api_case", kwargs={"slug": "lumbar", "case_id": case.pk})
    assert reader.get(url).json()["images"] is None
    stored_series(case)
    stored_series(case, uid="2.25.6")
    answer = reader.get(url).json()
    assert answer["images"] == {"n_series": 2}
    assert reader.get(answer["urls"]["images"]).json()["case"] == case.pk


def test_images_are_described_with_their_addresses(reader, world):
    series = stored_series(world.cases[0], frame_of_reference_uid="2.25.9")
    [shown] = images_of(reader, world.cases[0]).json()["series"]
    assert shown["id"] == series.pk
    assert shown["frame_of_reference_uid"] == "2.25.9"
    assert [image["offset"] for image in shown["images"]] == [0, 256, 512, 768]
    assert b"".join(reader.get(shown["url"]).streaming_content) == PACK
    assert shown["preview"]["image"] == 2
    for url in (shown["thumbnail"], shown["preview"]["url"]):
        answer = reader.get(url)
        assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
        assert answer["Content-Type"] == "image/png"


def test_one_image_is_sent_as_the_file_that_it_is(reader, world):
    series = stored_series(world.cases[0])
    where = {"slug": "lumbar", "series_id": series.pk}
    answer = reader.get(reverse("api_series_image", kwargs={**where, "number": 2}))
    assert answer["Content-Type"] == "application/dicom"
    assert b"".join(answer.streaming_content) == PACK[512:768]
    assert reader.get(reverse("api_series_image", kwargs={**where, "number": 4})).status_code == 404


def test_case_without_images_has_an_empty_list(reader, world):
    assert images_of(reader, world.cases[1]).json() == {"case": world.cases[1].pk, "series": [], "targets": {}}


def test_targets_lie_where_the_masks_say(reader, world):
    classes = [
        {"value": 27, "name": "vertebrae_L5", "color": "#111111", "n_voxels": 9, "centre_lps_mm": [0, 0, 10]},
        {"value": 28, "name": "vertebrae_L4", "color": "#222222", "n_voxels": 9, "centre_lps_mm": [0, 0, 40]},
    ]
    series = stored_series(world.cases[0])
    mask = stored_mask(series, classes=classes, centres={"27,28": [0, 0, 25]})
    answer = images_of(reader, world.cases[0]).json()
    place = {"series": series.pk, "mask": mask.pk, "values": [27, 28], "centre_lps_mm": [0, 0, 25]}
    assert answer["targets"]["L4-L5"] == place
    assert answer["targets"]["L3-L4"]["values"] == [28]
    assert answer["targets"]["L3-L4"]["centre_lps_mm"] == [0, 0, 40]
    assert "spine" not in answer["targets"]
    [shown] = answer["series"][0]["masks"]
    assert {part["name"]: part["target"] for part in shown["classes"]} == {
        "vertebrae_L5": "L4-L5",
        "vertebrae_L4": "L3-L4",
    }


def test_description_is_sent_once_and_then_only_asked_about(reader, world):
    series = stored_series(world.cases[0])
    first = images_of(reader, world.cases[0])
    url = reverse("api_images", kwargs={"slug": "lumbar", "case_id": world.cases[0].pk})
    assert reader.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    stored_mask(series)
    assert reader.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert first["Cache-Control"] == "private, no-cache"


def test_description_costs_as_many_queries_for_many_series_as_for_one(reader, world):
    stored_mask(stored_series(world.cases[0]))
    images_of(reader, world.cases[0])
    with CaptureQueriesContext(
        connection,
    ) as one:
        images_of(reader, world.cases[0])
    for n in range(5):
        stored_mask(stored_series(world.cases[0], uid=f"2.25.7{n}"))
    with CaptureQueriesContext(connection) as many:
        images_of(reader, world.cases[0])
    assert len(many) == len(one)
    # Session, user, membership, case, role, decisions, seats and rules; then the series, and their masks.
    assert len(one) == 10


def test_images_of_another_project_are_not_found_under_ones_own(client, world, other_world):
    series = stored_series(other_world.cases[0])
    mask = stored_mask(series)
    client.force_login(world.manager)
    for name, more in [
        ("api_series_pack", {"series_id": series.pk}),
        ("api_series_image", {"series_id": series.pk, "number": 0}),
        ("api_series_thumbnail", {"series_id": series.pk}),
        ("api_series_preview", {"series_id": series.pk}),
        ("api_mask", {"mask_id": mask.pk}),
        ("api_images", {"case_id": other_world.cases[0].pk}),
    ]:
        assert client.get(reverse(name, kwargs={"slug": "lumbar", **more})).status_code == 404
        assert client.get(reverse(name, kwargs={"slug": "elsewhere", **more})).status_code == 404


def test_permission_comes_before_what_the_browser_has(client, world, other_world):
    series = stored_series(world.cases[0])
    url = reverse("api_series_pack", kwargs={"slug": "lumbar", "series_id": series.pk})
    client.force_login(other_world.reader)
    assert client.get(url, headers={"If-None-Match": "*"}).status_code == 404


def test_kind_of_file_that_a_series_does_not_have_is_not_found(reader, world):
    dicom, nifti = stored_series(world.cases[0]), stored_series(world.cases[0], uid="2.25.8", source="nifti")
    for name, series in [("api_series_volume", dicom), ("api_series_pack", nifti)]:
        assert reader.get(reverse(name, kwargs={"slug": "lumbar", "series_id": series.pk})).status_code == 404


def test_file_that_is_gone_is_a_404_in_the_shape_of_the_api(reader, world, tmp_path):
    series = stored_series(world.cases[0])
    for path in tmp_path.rglob("*.pack"):
        path.unlink()
    answer = reader.get(reverse("api_series_pack", kwargs={"slug": "lumbar", "series_id": series.pk}))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_range_that_does_not_exist_has_the_shape_of_the_api(reader, world):
    series = stored_series(world.cases[0])
    url = reverse("api_series_pack", kwargs={"slug": "lumbar", "series_id": series.pk})
    answer = reader.get(url, headers={"Range": "bytes=5000-"})
    assert answer.status_code == 416
    assert set(answer.json()["error"]) == {"code", "message", "details"}
    assert answer["Content-Range"] == f"bytes */{len(PACK)}"


def test_same_schema_of_the_abdomen_names_organs(reader, world):
    world.project.schema = label_schema("abdomen-ct")
    world.project.save()
    case = add_case(world.project, 9)
    classes = [{"value": 5, "name": "liver", "color": "#111111", "n_voxels": 3, "centre_lps_mm": [1, 2, 3]}]
    stored_mask(stored_series(case), classes=classes)
    assert images_of(reader, case).json()["targets"]["liver"]["centre_lps_mm"] == [1, 2, 3]
