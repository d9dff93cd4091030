"""The rules on spine reports: every example in the vocabulary, and sentences as radiologists write them.

All wording is invented. A case reads "stenosis+ L4-L5+ cancer.": present (+), absent (-), possible (?) and not
mentioned (.); a level stands for stenosis there.
"""

import time
from typing import Any

import pytest

from labeling.core.rules import label_report
from labeling.core.rules.spine_vocabulary import spine_data
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset, parse_schema
from labeling.core.values import STATE_OF_CODE, Value

PRESET = load_preset("spine-mri")
CELLS = {
    "stenosis": "spine|stenosis",
    "cancer": "spine|cancer",
    "slip": "spine|spondylolisthesis",
    "cauda": "spine|cauda equina compression",
    "herniation": "spine|herniation",
}
EXAMPLES = [
    (entry["kind"], example)
    for entry in [*spine_data()["term"], *spine_data()["cue"]]
    for example in entry.get("examples", ())
]

REPORTS = [
    ("stenosis+ L4-L5+ L3-L4. L5-S1.", "There is moderate central canal stenosis at L4/5."),
    (
        "stenosis+ L4-L5+ L5-S1-",
        "At L4/5 there is a broad-based disc bulge. There is moderate central canal stenosis. At L5/S1 "
        "there is mild facet arthropathy. The canal and foramina are patent.",
    ),
    ("stenosis- herniation-", "No significant canal or foraminal narrowing. No disc protrusion."),
    ("slip+ stenosis.", "Grade 1 anterolisthesis of L4 on L5."),
    ("cancer+", "Multiple metastatic deposits throughout the lumbar spine."),
    ("cauda+ stenosis+", "The cauda equina nerve roots are compressed."),
    ("cancer.", "Vertebral haemangioma at L3."),
    (
        "cauda+ stenosis+ L4-L5+ herniation+",
        "Large central disc extrusion at L4-L5 causing severe canal stenosis with compression of the cauda equina.",
    ),
    ("cauda- herniation-", "No disc herniation. The cauda equina is not compressed."),
    (
        "L3-L4- L4-L5+ L5-S1-",
        "L3-4: No significant spinal canal or neural foraminal stenosis.\nL4-5: Mild disc bulge and "
        "ligamentum flavum thickening result in mild spinal canal stenosis and moderate right neural "
        "foraminal stenosis.\nL5-S1: Disc desiccation. No canal or foraminal stenosis.",
    ),
    ("stenosis- L3-L4- L4-L5- L5-S1-", "No spinal canal stenosis or neural foraminal narrowing at any level."),
    ("stenosis+ L4-L5+ L5-S1.", "The canal is narrowed at L4/5. The remaining levels are unremarkable."),
    ("stenosis+ L5-S1+ L4-L5.", "Right L5/S1 foraminal stenosis with impingement on the exiting L5 nerve root."),
    ("stenosis+ L4-L5+", "L4/5 disc prolapse impinging on the traversing L5 nerve roots bilaterally."),
    ("cancer+ stenosis+", "L2 metastasis with epidural extension compressing the thecal sac."),
    ("cancer-", "No evidence of metastatic disease. Marrow signal is normal."),
    ("cancer.", "Indication: ? metastases, known breast carcinoma.\n\nFindings: There is degenerative change."),
    ("cancer?", "There is a suspicious lesion in L3, which may represent a metastasis."),
    ("cancer+", "Findings consistent with multiple myeloma."),
    ("cancer+", "Known prostate cancer. Multiple sclerotic metastases in the lumbar vertebrae."),
    ("cancer.", "Status post nephrectomy for renal cell carcinoma."),
    ("slip-", "Normal lumbar lordosis. No spondylolisthesis."),
    ("slip-", "Alignment is maintained."),
    ("slip+", "There is a grade II spondylolisthesis at L5/S1 due to bilateral pars defects."),
    ("slip+", "L4 is slipped forwards on L5."),
    ("slip.", "Bilateral L5 spondylolysis."),
    (
        "herniation+ stenosis+",
        "There is a left paracentral disc protrusion at L5/S1 contacting the left S1 nerve root.",
    ),
    ("stenosis- L4-L5-", "L4/5: Mild broad based disc bulge without neural compromise."),
    ("stenosis- L4-L5-", "L4/5: disc bulge but no nerve root compression."),
    ("stenosis- cauda-", "The conus ends at L1 and is normal. The cauda equina is normal. No neural compression."),
    ("stenosis+ L4-L5+ L5-S1+", "Disc bulges at L4/5 and L5/S1 with mild narrowing of both exit foramina."),
    (
        "stenosis+ L3-L4+ L4-L5-",
        "Facet joint hypertrophy causes lateral recess stenosis at L3/4 but there is no stenosis at L4/5.",
    ),
    ("stenosis? L5-S1?", "Possible impingement of the left S1 root at L5/S1."),
    ("stenosis+", "Severe multilevel spinal stenosis."),
    ("stenosis.", "Compression fracture of L1 with 30% loss of height."),
    ("stenosis-", "Wedge compression fracture of L1. No retropulsion. No canal compromise."),
    ("stenosis+ L3-L4+ L4-L5+ L5-S1+", "There is multilevel foraminal narrowing from L3/4 to L5/S1."),
    (
        "stenosis+ L4-L5+ L5-S1-",
        "L4/5: the disc bulges with bilateral lateral recess narrowing.\nL5/S1: the disc is normal. No "
        "neural compression.",
    ),
    ("stenosis.", "Comparison: previous MRI showing canal stenosis.\nFindings: Normal discs."),
    ("stenosis-", "The spinal canal is capacious. The exit foramina are widely patent."),
    ("stenosis+", "Narrow spinal canal on a congenital basis with short pedicles."),
    ("cauda?", "Cauda equina compression cannot be excluded."),
    ("cauda-", "No MRI evidence of cauda equina compression."),
    ("stenosis+ L4-L5+ L3-L4-", "No stenosis at L3-4. At L4-5, moderate stenosis."),
    ("stenosis+ L5-S1+", "LSS MRI\nat lumbosacral level disc bulge encroaching exit canals"),
    ("stenosis+ L4-L5+ L5-S1+ L3-L4.", "lower two levels disc bulges compresing thecal sca and both nerve roots"),
    ("herniation?", "Possible small disc protrusion at L4/5."),
    ("herniation+", "Sequestered disc fragment behind L5."),
    ("herniation-", "Disc bulges at L4/5 and L5/S1 without herniation."),
    ("herniation.", "Schmorl's nodes (intravertebral disc herniation)."),
    ("stenosis+ L5-S1+ L4-L5-", "At L4/5 no stenosis, at L5/S1 severe right foraminal stenosis."),
    ("stenosis+ L4-L5+", "L4-5: Central protrusion. Effacement of the anterior thecal sac."),
    ("stenosis-", "Impression: Normal MRI of the lumbar spine. No nerve root compression."),
    ("stenosis+ L4-L5+ L5-S1+", "L4-5 AND L5-S1 LEVELS SHOW DISC BULGES INDENTING THECAL SAC"),
    ("stenosis+ L3-L4+ L4-L5+ L5-S1+", "L3-S1 disc bulges compressing the thecal sac."),
    ("cancer?", "Diffuse marrow infiltration, ? myeloma."),
    ("cancer-", "No sinister bone lesion."),
    ("cancer?", "Pathological fracture of L2."),
    ("slip+", "Minimal retrolisthesis of L5 relative to S1."),
    ("stenosis+ L4-L5+", "Previous L4/5 decompression with residual canal stenosis at this level."),
    ("stenosis-", "Previously seen L4/5 stenosis has resolved."),
    ("stenosis-", "There is no evidence of spinal canal stenosis, nerve root impingement, or cord compression."),
    ("stenosis+", "There is crowding of the nerve roots of the cauda equina at L3/4."),
    ("stenosis- herniation-", "No focal disc protrusion, canal stenosis or nerve root impingement is demonstrated."),
    (
        "stenosis+ L3-L4+",
        "L3/L4 level:\nDehydrated disc.\nDiffuse bulge, encroaching both exit canals.\nL4/L5 level:\nNormal.",
    ),
    (
        "stenosis+ L3-L4. L4-L5+ L5-S1+",
        "Findings: Vertebral body heights are preserved. Disc heights are reduced at L4/5 and L5/S1. "
        "L4/5: Diffuse disc bulge with bilateral facet hypertrophy causing mild canal and moderate "
        "bilateral foraminal stenosis. L5/S1: Left posterolateral disc extrusion compressing the "
        "descending left S1 nerve root.",
    ),
    (
        "herniation+ stenosis+ L5-S1+",
        "Small left paracentral disc extrusion at L5-S1 with mass effect on the traversing left S1 nerve root.",
    ),
    ("stenosis- L4-L5-", "L4-5: Disc desiccation with mild annular bulge. Canal and foramina patent."),
    ("stenosis+ L4-L5+ L5-S1-", "L4-L5: moderate to severe canal stenosis. L5-S1: No significant stenosis."),
    (
        "stenosis+ L4-L5? L5-S1.",
        "At L4-5, the disc may contact and possibly compress the exiting left L4 root. Severe canal stenosis at L2-L3.",
    ),
    ("slip+ stenosis+ L4-L5+", "Degenerative grade 1 spondylolisthesis at L4-L5 with severe central canal stenosis."),
    (
        "slip- stenosis- herniation-",
        "Vertebral alignment is anatomical. No disc herniation. No central canal or neuroforaminal stenosis.",
    ),
    ("cancer- stenosis-", "No vertebral metastasis. No epidural mass. No cord or cauda equina compression."),
    ("cancer+ cauda+", "Metastatic epidural disease at L3 with compression of the cauda equina."),
    ("cancer.", "Multiple vertebral hemangiomas, benign. Tarlov cyst."),
    ("cancer?", "Indeterminate enhancing lesion in L5, metastasis not excluded."),
    ("cancer-", "There is no evidence of fracture, infection or tumour."),
    ("cancer?", "Intradural lesion at L2, likely ependymoma."),
    ("cancer.", "There is an incidental renal mass."),
    ("cancer.", "Incidental left renal lesion, suspicious for renal cell carcinoma."),
    ("cancer+", "Diffuse leukaemic infiltration of the marrow: known leukemia with marrow involvement."),
    ("cancer-", "No focal marrow lesion."),
    ("cancer-", "There is no aggressive osseous lesion."),
    ("herniation-", "No focal disc protrusion or extrusion."),
    ("herniation+", "Prolapsed L5/S1 disc."),
    ("herniation+ stenosis+", "PIVD L4-L5 with nerve root compression."),
    ("herniation.", "Broad-based disc bulge at L4/5."),
    ("slip-", "No anterolisthesis or retrolisthesis."),
    ("slip+", "There is 4 mm of anterolisthesis of L4 with respect to L5."),
    ("slip+", "Stable grade 1 slip at L5/S1."),
    ("cauda?", "Large disc at L4/5 with possible cauda equina compression."),
    ("cauda+", "Cauda equina compression at L4/5 due to large disc prolapse."),
    ("cauda.", "The conus lies at L1."),
    ("cauda-", "No features of cauda equina compression."),
    ("cauda-", "Cauda equina nerve roots are normal in appearance."),
    ("cauda-", "The conus medullaris and cauda equina are unremarkable."),
    (
        "stenosis+ L4-L5+",
        "Conclusion: Multilevel degenerative disease, worst at L4/5 where there is severe spinal canal stenosis.",
    ),
    (
        "stenosis+ L4-L5+",
        "Multilevel degenerative changes most marked at L4/5 with severe canal stenosis and compression "
        "of both L5 nerve roots.",
    ),
    ("stenosis+ L3-L4+ L4-L5+", "Moderate canal stenosis at L3/4 and severe at L4/5."),
    ("stenosis+ L3-L4+ L4-L5+ L5-S1-", "Canal stenosis at L3/4 and L4/5, no stenosis at L5/S1."),
    ("stenosis+ L4-L5+ L5-S1.", "Bilateral L4/5 foraminal narrowing. L5/S1 disc is desiccated."),
    (
        "stenosis+ L4-L5+",
        "Facet arthropathy and ligamentum flavum thickening contribute to moderate narrowing of the "
        "spinal canal at L4/5.",
    ),
    ("stenosis+", "Spinal canal diameter is reduced with compression of the theca."),
    ("stenosis-", "No evidence of neural impingement."),
    ("stenosis-", "Thecal sac is of normal calibre."),
    ("stenosis-", "The exiting nerve roots are free from compression."),
    ("stenosis-", "The neural exit foramina are clear."),
    ("stenosis-", "There is no canal compromise. Foramina are patent bilaterally."),
    ("stenosis.", "History: spinal stenosis. Technique: sagittal T2. Findings: Normal disc heights."),
    ("stenosis.", "Hemilaminectomy at L4/5 for stenosis in 2010. Vertebral heights preserved."),
    ("stenosis+ L4-L5+", "L4/5: previous laminectomy. The canal remains narrowed."),
    ("stenosis-", "There is no longer any canal stenosis."),
    ("stenosis+ L4-L5+", "Canal stenosis at L4/5 is unchanged."),
    ("stenosis? L4-L5?", "Borderline canal stenosis at L4/5."),
    ("stenosis+ L4-L5+", "Mild to moderate left and mild right neural foraminal narrowing at L4-L5."),
    ("stenosis+ L5-S1+", "Left S1 nerve root is compressed at L5/S1."),
    ("stenosis+ L5-S1+", "L5/S1: left paracentral disc protrusion displaces the left S1 nerve root posteriorly."),
    ("stenosis+ L4-L5+ L5-S1+ L3-L4-", "L3/4: normal. L4/5, L5/S1: narrowing of the lateral recesses."),
    ("stenosis- L3-L4- L4-L5- L5-S1-", "L1/2 to L5/S1: no canal or foraminal stenosis."),
    ("stenosis- L3-L4- L4-L5- L5-S1-", "L3-4, L4-5 and L5-S1 discs are normal with no canal stenosis."),
    ("stenosis+ L4-L5+ herniation+", "MRI L-SPINE: L4-5 HNP WITH SEVERE THECAL SAC COMPRESSION."),
    (
        "stenosis+ herniation+ L5-S1+ cauda-",
        "L5-S1 RIGHT PARACENTRAL DISC EXTRUSION COMPRESSING RIGHT S1 ROOT. NO CAUDA EQUINA COMPRESSION.",
    ),
    ("stenosis- herniation+", "L5/S1 central disc protrusion without neural compression."),
    ("stenosis- herniation+ L4-L5-", "Small L4-L5 protrusion with no nerve root compression."),
    ("stenosis+ L5-S1+ L4-L5-", "L5/S1 protrusion compresses the S1 root. L4/5 protrusion without compression."),
    ("stenosis+ L4-L5+ L5-S1+", "Stenosis: L4/5 moderate, L5/S1 mild."),
    ("stenosis+ L4-L5+", "L4-L5: Spinal canal: moderate stenosis. Neural foramina: mild narrowing."),
    ("stenosis- L4-L5-", "L4-L5: Spinal canal: normal. Neural foramina: patent."),
    ("stenosis- L4-L5-", "L4-L5: Disc: bulge. Canal: no stenosis. Foramina: no narrowing."),
    ("stenosis+ L3-L4- L4-L5+", "L3-L4: Unremarkable.\nL4-L5: Moderate stenosis."),
    ("stenosis+ L4-L5+", "**L4-L5**: Broad-based bulge. *Moderate* spinal stenosis."),
    ("stenosis+ L4-L5+ L5-S1-", "- L4-L5: moderate stenosis\n- L5-S1: no stenosis"),
    ("stenosis+ L3-L4- L4-L5+", "1. L3-L4: no stenosis\n2. L4-L5: severe stenosis"),
]

# What the notes of one hospital taught: telegraphic, mistyped, levels in every spelling, findings spread over lines.
NOTES = [
    (
        "L4-L5+ L5-S1+",
        "Lumbar MRI :\nMuscle spasm.\nDiffuse bulges at L4/L5&L5/S1 levels , mildly compresing thecal sca",
    ),
    ("L3-L4+ L4-L5+ L5-S1.", "Lumbar MRI\nL3-L4 and L4-L5:\nBulges encroaching the exit canals.\nMuscle spasm."),
    ("L3-L4. L4-L5+", "Protrusion is noted behind L4-L5 \nMarkedly compressing the thecal sac"),
    ("stenosis+ L3-L4. L4-L5. L5-S1.", "Multilevel bulges compressing the thecal sac. Schmorl nodules."),
    ("L3-L4. L4-L5+", "Bulges of many levels, notceably at L4/L5, compressing the sac and the roots"),
    ("L3-L4+ L4-L5+ L5-S1+", "L3-L4, L4-L5, L5-S1:\nBulges, mainly at L4-L5 level, encroaching exit canals."),
    ("stenosis+ L4-L5+", "L4/5 level : \nDry disc.\nPosterior bulge , encroaching exit neural canals"),
    ("L4-L5+ L5-S1+", "Bulge at L5/S1 level, compressing roots, as well as and to lesser degree at L4/L5 level."),
    (
        "stenosis- L4-L5- L5-S1- herniation.",
        "Mild bulges at L4-L5 and L5-S1, abutting the sac.\nNo significant root compression.",
    ),
    (
        "stenosis- L5-S1- herniation+",
        "Tiny protrusion at L5-S1.\nno relevant  compression of sac or roots seen.",
    ),
    ("stenosis+ L5-S1+ herniation+", "Tiny protrusion at L5-S1.\nNo relevant narrowing of the spinal canal."),
    ("stenosis+ L4-L5+", "Bulge at L4-L5 level, compressing the sac.\nadequate spinal canal."),
    (
        "L4-L5+ L5-S1.",
        "L4-L5: protrusion, compressed left exit canal and L5 root.\nShallow bulge seen at L5-S1.",
    ),
    ("stenosis+ herniation+ L5-S1.", "Protrusion noted compressing the sac and right S1 nerve root."),
    ("stenosis+ L3-L4. L4-L5. L5-S1.", "Protrusion at D12/L1 , mildly compressing the sac."),
    ("stenosis- herniation-", "muscle spasm\nAdequate thecal sac .\nNo protrusion or herniation seen ."),
    ("stenosis-", "No significant thecal sac or nerve roots."),
    ("slip+ L5-S1+", "Grade II slip of L4 over L5 level.\nBulges at L5/S1 level mild compressing thecal sac"),
    ("L4-L5+ L5-S1+", "L4-5 : bulge indenting the sac.// L5-S1: bulge narrowing left foramen./// dry discs."),
    ("L3-L4+ L4-L5+ L5-S1+", "bulges (L3-S1) compressing the thecal sac"),
    ("L4-L5+", "Bulge notedat L4_L5,encraoching both exit nevre roots"),
    ("L4-L5+", "dry disc atL4/L5 compressing the roots"),
    ("stenosis+ L5-S1+", "Stensosis of the canal at lumbosacral junction."),
    ("slip. stenosis.", "Narrowed L5/S1 disc with irregular end plates.\nScoliosis."),
]


_VALUE_OF_MARK = {"+": Value.PRESENT, "-": Value.ABSENT, "?": Value.POSSIBLE, ".": Value.NOT_MENTIONED}


def check(text: str, expected: str) -> None:
    """Compare the labels of `text` with claims such as "stenosis+ L4-L5-"."""
    labels = label_report(text, PRESET)
    claims = {claim[:-1]: _VALUE_OF_MARK[claim[-1]] for claim in expected.split()}
    cells = {name: PRESET.cell_of(CELLS.get(name, f"{name}|stenosis")) for name in claims}
    assert {name: labels[cell].state for name, cell in cells.items()} == claims


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_example_of_the_vocabulary(kind: str, example: dict[str, Any]) -> None:
    labels = label_report(example["text"], PRESET)
    for state in Value:
        for key in example.get(state.value, ()):
            assert labels[PRESET.cell_of(key)].state == state, (kind, key)


@pytest.mark.parametrize(("expected", "text"), REPORTS)
def test_prose(expected: str, text: str) -> None:
    check(text, expected)


@pytest.mark.parametrize(("expected", "text"), NOTES)
def test_telegraphic_notes(expected: str, text: str) -> None:
    check(text, expected)


class TestWhatCounts:
    def test_history_technique_and_comparison_are_no_evidence(self) -> None:
        text = (
            "Clinical history: cauda equina compression? stenosis, known lung cancer metastases\n"
            "TECHNIQUE: compression of the thecal sac is looked for.\n"
            "Comparison: L4/5 disc protrusion.\nFindings: The discs keep their height."
        )
        assert {label.state for label in label_report(text, PRESET).cells.values()} == {Value.NOT_MENTIONED}

    def test_empty_text_mentions_nothing(self) -> None:
        assert {label.state for label in label_report("", PRESET).cells.values()} == {Value.NOT_MENTIONED}

    def test_evidence_is_the_sentence_and_reason_its_words(self) -> None:
        text = "Muscle spasm.\nL4/5: bulge compressing the thecal sac.\nL5/S1: normal."
        label = label_report(text, PRESET)[PRESET.cell_of("L4-L5|stenosis")]
        assert [text[slice(*span)] for span in label.evidence] == ["L4/5: bulge compressing the thecal sac."]
        assert label.reason == 'stated: "compressing … thecal sac"'

    def test_every_positive_and_absent_cell_has_evidence_and_reason(self) -> None:
        for _, text in [*REPORTS, *NOTES]:
            for label in label_report(text, PRESET).cells.values():
                assert bool(label.evidence) == bool(label.reason) == (label.state != Value.NOT_MENTIONED)
                assert all(0 <= start < end <= len(text) for start, end in label.evidence)

    @pytest.mark.parametrize("noise", ["L4/5 ", "compressing ", "no ", "L4/5, ", "(", "e.g. ", "L4-5: bulge. ", "// "])
    def test_time_is_linear_in_what_is_no_prose(self, noise: str) -> None:
        text = noise * (20_000 // len(noise))
        label_report(text, PRESET)
        started = time.process_time()
        label_report(text, PRESET)
        assert time.process_time() - started < 3


USER_SCHEMA = """
format: 1
name: neck
version: 1
targets:
  - {name: cervical spine}
  - {name: C5/6, title: C5-C6}
  - {name: upper, title: L1-L2}
  - {name: liver}
findings:
  - {name: canal narrowing, definition: narrow canal}
  - {name: disc prolapse, definition: disc has left its space}
  - {name: myelopathy, definition: damage of the cord, terms: [cord signal change, myelomalacia]}
  - {name: focal, definition: focal lesion, terms: [cyst]}
cells:
  canal narrowing: [cervical spine, C5/6, upper]
  disc prolapse: [cervical spine, C5/6]
  myelopathy: [cervical spine]
  focal: [liver]
"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse_schema(USER_SCHEMA)


class TestSchemasOfUsers:
    def states(self, text: str, schema: Schema) -> dict[str, str]:
        return {str(cell): str(label.state) for cell, label in label_report(text, schema).cells.items()}

    def test_other_levels_and_names(self, schema: Schema) -> None:
        found = self.states("C5-6: protrusion indenting the cord. C6/7: normal. L1/2: foraminal narrowing.", schema)
        assert found["C5/6|canal narrowing"] == found["C5/6|disc prolapse"] == "present"
        assert found["upper|canal narrowing"] == "present"
        assert found["cervical spine|canal narrowing"] == "present"

    def test_part_of_the_spine_has_its_own_levels(self, schema: Schema) -> None:
        found = self.states("L1/2: foraminal narrowing.", schema)
        assert found["cervical spine|canal narrowing"] == "not_mentioned"

    def test_finding_known_only_by_its_words(self, schema: Schema) -> None:
        assert self.states("Myelomalacia at C5/6.", schema)["cervical spine|myelopathy"] == "present"
        assert self.states("No cord signal change.", schema)["cervical spine|myelopathy"] == "absent"

    def test_cells_outside_the_spine_are_labelled_too(self, schema: Schema) -> None:
        found = self.states("C5/6: canal narrowing. There is a cyst in the liver.", schema)
        assert found["liver|focal"] == found["C5/6|canal narrowing"] == "present"

    def test_every_cell_has_a_state(self, schema: Schema) -> None:
        assert set(label_report("C5/6 normal.", schema).cells) == set(schema.cells)
        assert set(STATE_OF_CODE.values()) >= {label.state for label in label_report("", schema).cells.values()}
