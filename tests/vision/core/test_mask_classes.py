"""Class tables: built in, of users, and inside NIfTI files."""

import json
from pathlib import Path

import pytest

from tests.shared_data import shared_data
from vision.core.mask_classes import (
    built_in_classes,
    classes_of_extension,
    clean_name,
    color_of,
    named_classes,
    read_class_table,
)
from vision.core.nifti import read_nifti
from vision.core.refusals import ImageRefused


@pytest.mark.parametrize(
    ("table", "name"), [("total", "ct_abdomen/mask_of_dicom.nii.gz"), ("total_mr", "ct_abdomen/example_seg_mr.nii.gz")]
)
def test_built_in_tables_are_those_that_totalsegmentator_writes_into_its_files(table: str, name: str) -> None:
    (content,) = read_nifti(shared_data(name)).extensions
    assert classes_of_extension(content) == built_in_classes(table)


def test_total_has_117_classes_with_a_colour_of_its_own() -> None:
    classes = built_in_classes("total")
    assert [known.value for known in classes] == list(range(1, 118))
    assert (classes[4].name, classes[26].name, classes[116].name) == ("liver", "vertebrae_L5", "costal_cartilages")
    assert len({known.color for known in classes}) == 117


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2, which no colour blindness takes away."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_no_colour_is_lost_on_a_black_or_white_ground() -> None:
    assert all(0.01 < luminance(color_of(value)) < 0.9 for value in range(1, 500))


@pytest.mark.parametrize(
    "text",
    [
        "value,name\n1,liver\n5,spleen\n",
        "\ufeffindex;name\n5;spleen\n1;liver\n",
        "Label\tStructure\n0\tbackground\n1\tliver\n5\tspleen\n",
        json.dumps({"1": "liver", "5": "spleen"}),
        json.dumps({"liver": 1, "spleen": "5", "background": 0}),
        json.dumps({"labels": {"background": 0, "liver": 1, "spleen": 5}, "numTraining": 3}),
        json.dumps([{"value": 1, "name": "liver"}, {"Value": "5", "Name": "spleen"}]),
    ],
)
def test_tables_of_users_come_in_several_shapes(text: str, tmp_path: Path) -> None:
    path = tmp_path / "classes"
    path.write_text(text, encoding="utf-8")
    assert [(known.value, known.name) for known in read_class_table(path)] == [(1, "liver"), (5, "spleen")]
    assert read_class_table(text.encode()) == read_class_table(path)


def test_a_colour_of_the_user_is_kept_and_anything_else_is_not() -> None:
    classes = read_class_table(b"value,name,color\n1,liver,#AB12ff\n2,spleen,url(x)\n")
    assert (classes[0].color, classes[1].color) == ("#ab12ff", color_of(2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"liver",
        b"value,name\n",
        b"value,name\nx,liver\n",
        b"value,name\n-1,liver\n",
        b"value,name\n70000,liver\n",
        b"value,name\n1,liver\n1,spleen\n",
        b"value,name\n1\n",
        b"value,name\n1,...\n",
        b"\xff\xfe\x00",
        b"{",
        b"[1, 2]",
        b'{"1": ["liver"]}',
        b'{"liver": true}',
        b'[{"name": "liver"}]',
        b'[{"value": 1.5, "name": "liver"}]',
        b"[" * 100_000,
        b"value,name\n" + b"1,liver\n" * 200_000,
        "\n".join(["value,name", *(f"{value},organ {value}" for value in range(1, 3000))]).encode(),
    ],
)
def test_tables_that_say_nothing_clear_are_refused(data: bytes) -> None:
    with pytest.raises(ImageRefused) as caught:
        read_class_table(data)
    assert caught.value.code == "bad_class_table"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vertebrae_L1", "vertebrae_L1"),
        ("  liver\n(left <b>lobe</b>)\0 ", "liver (left b lobe /b )"),
        ("tumour 19610312 Jones 1.2.840.113", "tumour Jones"),
        ("cyst 12-34-56 and 010 203 961", "cyst and"),
        ("disc L4-5", "disc L4-5"),
        ("x" * 300, "x" * 64),
        ("Leberhämangiom", "Leberhämangiom"),
        ("...", ""),
    ],
)
def test_names_are_made_fit_for_the_screen(text: str, expected: str) -> None:
    assert clean_name(text) == expected


def test_values_without_a_name_are_called_by_their_number() -> None:
    names = [known.name for known in named_classes([0, 7, 5], built_in_classes("total")[:5])]
    assert names == ["liver", "class 7"]


@pytest.mark.parametrize(
    "content",
    [
        b"<LabelTable>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><LabelTable><Label Key="1">&a;</Label></LabelTable>',
        b'<LabelTable><Label Key="one">liver</Label></LabelTable>',
        b"LabelTable" + bytes(2**20),
        b"nothing",
    ],
)
def test_a_damaged_label_table_counts_as_none(content: bytes) -> None:
    assert classes_of_extension(content) == ()
