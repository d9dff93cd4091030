"""Sections and sentences as offsets into the untouched report."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labeling.core.sections import ReportStructure, SectionKind
from labeling.core.sentences import pysbd_breaks
from labeling.core.text import structure_report
from tests.labeling.core.real_notes import load_notes

HISTORY, TECHNIQUE, COMPARISON = SectionKind.HISTORY, SectionKind.TECHNIQUE, SectionKind.COMPARISON
FINDINGS, IMPRESSION, OTHER = SectionKind.FINDINGS, SectionKind.IMPRESSION, SectionKind.OTHER


def kinds(text: str) -> list[SectionKind]:
    return [section.kind for section in structure_report(text).sections]


def titles(text: str) -> list[str | None]:
    return [
        text[slice(*section.title_span)] if section.title_span else None for section in structure_report(text).sections
    ]


def sentences(text: str, kind: SectionKind | None = None) -> list[str]:
    structure = structure_report(text)
    return [
        text[slice(*sentence.span)]
        for sentence in structure.sentences
        if kind is None or structure.sections[sentence.section].kind == kind
    ]


def check_invariants(text: str) -> ReportStructure:
    """What holds for every text."""
    structure = structure_report(text)
    end = 0
    for section in structure.sections:
        assert section.span.start == end < section.span.end
        end = section.span.end
        if section.title_span:
            assert section.span.start <= section.title_span.start < section.title_span.end <= section.span.end
            assert text[slice(*section.title_span)].strip() == text[slice(*section.title_span)]
    assert end == len(text)
    covered = [False] * len(text)
    for section in structure.sections:
        for position in range(*(section.title_span or (0, 0))):
            covered[position] = True
    previous = 0
    for sentence in structure.sentences:
        section = structure.sections[sentence.section]
        body_start = section.title_span.end if section.title_span else section.span.start
        assert max(previous, body_start) <= sentence.span.start < sentence.span.end <= section.span.end
        assert text[slice(*sentence.span)].strip() == text[slice(*sentence.span)]
        previous = sentence.span.end
        for position in range(*sentence.span):
            assert not covered[position]
            covered[position] = True
    assert all(seen or character.isspace() for seen, character in zip(covered, text, strict=True))
    return structure


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "FINDINGS:", "Clinical history", "impression -", "HISTORY", "Report", "\n", "\r\n", "\r", "\n\n",
                " ", "\t",
                "\xa0", "\x00", ". ", ".", "!", "?", "//", "///", "- ", "1. ", "2) ", "(", ")", "L4-5:", "2.1 cm",
                "approx.",
                "Dr.", "vs.", "e.g.", "No. 3", "The liver is normal", "mild disc bulge noted", "LIVER:", "\u2028",
                "\x85",
                "\U0001f9b4", "e\u0301", "\u202e", "**", "<b>", "</b>", "::", ":", "…", "∯", "ȸ", "&ᓴ&", "NB:", "-----",
            ]
        ),
        st.text(max_size=12),
    ),
    max_size=40,
)  # fmt: skip


class TestInvariants:
    @given(PIECES.map("".join))
    @example("")
    @example(" \n ")
    @example("\x00")
    @example("FINDINGS:")
    @example("Clinical history:\r\n\r\nFINDINGS:\r\n\U0001f9b4 bone. \xa0Normal.\x00")
    def test_slices_are_exact_and_cover_the_text(self, text: str) -> None:
        check_invariants(text)

    @given(PIECES.map("".join))
    def test_same_text_gives_same_structure(self, text: str) -> None:
        assert structure_report(text) == structure_report(text)

    @given(
        st.lists(
            st.sampled_from(["The liver is normal.", "No bone lesion.", "Mild disc bulge at L4-5."]),
            min_size=1,
        )
    )
    def test_a_sentence_alone_is_one_sentence(self, parts: list[str]) -> None:
        found = sentences(" ".join(parts))
        assert found == parts
        assert [sentences(sentence) for sentence in found] == [[part] for part in parts]

    def test_empty_text_has_nothing(self) -> None:
        assert structure_report("") == ReportStructure((), ())

    def test_blank_text_has_one_section_and_no_sentence(self) -> None:
        structure = structure_report(" \r\n\t")
        assert (len(structure.sections), structure.sentences) == (1, ())

    def test_real_notes_keep_every_character(self) -> None:
        for note in load_notes().values():
            structure = check_invariants(note)
            assert structure.sentences

    def test_no_real_note_has_history_or_technique(self) -> None:
        """The public notes have no such sections, so a heading found in one would be a false one."""
        assert {kind for note in load_notes().values() for kind in kinds(note)} <= {FINDINGS, OTHER}


HISTORY_TITLES = [
    "CLINICAL HISTORY:", "Clinical history:", "clinical history:", "ClInIcAl HiStOrY:", "HISTORY:", "History :", "Hx:",
    "hx -", "Indication:", "INDICATION -", "indications:", "Clinical Information:", "CLINICAL DETAILS:",
    "Clinical indication \u2013", "Reason for exam:", "REASON FOR EXAMINATION:", "Reason for study:",
    "Presenting complaint:",
    "History of present illness:", "Medical condition:", "**Clinical history:**", "<b>HISTORY:</b>",
    "Clinical\xa0history:", "CLINICAL HISTORY", "Indication;", "Past medical history:",
    "REASON FOR THIS EXAMINATION:", "Clinical history/indication:",
]  # fmt: skip
HISTORY_TITLES_ALONE = [
    "## Clinical history",
    "Clinical information.",
    "* HISTORY *",
    "history",
    "INDICATION",
]


class TestHeadings:
    @pytest.mark.parametrize(
        ("title", "gap"),
        [(title, gap) for title in HISTORY_TITLES for gap in (" ", "\n", "\r\n\r\n")]
        + [(title, gap) for title in HISTORY_TITLES_ALONE for gap in ("\n", "\r\n\r\n")],
    )
    def test_history_is_kept_apart_in_any_casing(self, title: str, gap: str) -> None:
        text = f"{title}{gap}known lung cancer.\n\nFINDINGS: The liver is normal."
        assert kinds(text) == [HISTORY, FINDINGS]
        assert sentences(text, HISTORY) == ["known lung cancer."]
        assert sentences(text, FINDINGS) == ["The liver is normal."]

    @pytest.mark.parametrize(
        ("title", "kind"),
        [
            ("Technique:", TECHNIQUE), ("PROTOCOL", TECHNIQUE), ("Procedure:", TECHNIQUE), ("Contrast:", TECHNIQUE),
            ("EXAM:", TECHNIQUE), ("Examination:", TECHNIQUE), ("Comparison:", COMPARISON), ("Priors:", COMPARISON),
            ("Prior:", COMPARISON), ("COMPARISON (2019):", COMPARISON), ("Findings", FINDINGS), ("FINDINGS;", FINDINGS),
            ("Report.", FINDINGS), ("Body:", FINDINGS), ("DESCRIPTION:", FINDINGS), ("Impression:", IMPRESSION),
            ("IMPRESSION", IMPRESSION), ("Conclusions:", IMPRESSION), ("conclusion", IMPRESSION), ("Summary:",
            IMPRESSION),
            ("Opinion:", IMPRESSION), ("Diagnosis:", IMPRESSION), ("Comment:", IMPRESSION), ("Recommendation:", OTHER),
        ],
    )  # fmt: skip
    def test_kind_of_title(self, title: str, kind: SectionKind) -> None:
        text = f"The spleen is normal.\n{title}\nSome words here."
        assert kinds(text) == [FINDINGS, kind]
        assert titles(text) == [None, title]

    def test_title_runs_on_into_its_text(self) -> None:
        assert kinds("CLINICAL HISTORY Back pain.\nFINDINGS The disc is normal.") == [HISTORY, FINDINGS]
        assert kinds("CLINICAL HISTORY BACK PAIN.\nFINDINGS NORMAL DISC.\nIMPRESSION NORMAL.") == [
            HISTORY,
            FINDINGS,
            IMPRESSION,
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "There is a history of renal cell carcinoma.",
            "Known\nhistory of renal cell carcinoma.",
            "history of renal cell carcinoma with a lesion in L2.",
            "FINDINGS ARE CONSISTENT WITH METASTASES.",
            "Findings suggest a fracture.",
            "Impression on the thecal sac is noted.",
            "Comparison is made with the study of May.",
            "These are unchanged since the last\ncomparison.",
            "LIVER: Normal. SPLEEN: Normal.",
            "L4-5: normal disc.",
            "Techniques vary; the history - as given - is short.",
            "No findings of note: normal study.",
        ],
    )
    def test_not_a_heading(self, text: str) -> None:
        assert kinds(text) == [FINDINGS]

    def test_headings_in_one_line(self) -> None:
        text = "Clinical history: pain. FINDINGS: The liver is normal. impression: normal."
        assert kinds(text) == [HISTORY, FINDINGS, IMPRESSION]
        flat = "Indication: back pain Technique: sagittal T1 Comparison: none Findings: normal discs Impression: normal"
        assert kinds(flat) == [HISTORY, TECHNIQUE, COMPARISON, FINDINGS, IMPRESSION]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("CLINICAL HISTORY/REASON FOR EXAM: pain\nFINDINGS: none", [HISTORY, FINDINGS]),
            ("Exam and indication: CT for lung cancer\nFINDINGS: none", [HISTORY, FINDINGS]),
            ("History- pain\nFINDINGS- none", [HISTORY, FINDINGS]),
            (
                "INDICATIONS: PAIN TECHNIQUE: CT COMPARISONS: NONE FINDINGS: NONE",
                [HISTORY, TECHNIQUE, COMPARISON, FINDINGS],
            ),
            ("<p>History:</p><p>pain</p><p>Findings:</p><p>none</p>", [HISTORY, FINDINGS]),
        ],
    )
    def test_joined_dashed_and_flattened_titles(self, text: str, expected: list[SectionKind]) -> None:
        assert kinds(text) == expected

    def test_organ_heading_stays_in_its_sentence(self) -> None:
        text = "FINDINGS:\nLIVER: Normal in size.\nKIDNEYS:\nNo stone.\nIMPRESSION: Normal."
        assert sentences(text, FINDINGS) == ["LIVER: Normal in size.", "KIDNEYS:\nNo stone."]

    def test_text_before_the_first_heading_is_kept(self) -> None:
        assert kinds("The liver is enlarged.\nIMPRESSION: Hepatomegaly.") == [FINDINGS, IMPRESSION]

    def test_title_lines_are_other(self) -> None:
        text = "MRI LUMBAR SPINE\n\nThe discs are normal.\nIMPRESSION: Normal."
        assert kinds(text) == [OTHER, FINDINGS, IMPRESSION]
        assert sentences(text, OTHER) == ["MRI LUMBAR SPINE"]
        assert kinds("CT ABDOMEN AND PELVIS\nHISTORY: pain\nFINDINGS: none") == [OTHER, HISTORY, FINDINGS]

    def test_findings_without_a_heading_leave_the_history(self) -> None:
        text = "Clinical details: lung cancer.\n\nNormal marrow.\n\nAligned.\n\nConclusion: normal."
        assert kinds(text) == [HISTORY, FINDINGS, IMPRESSION]
        assert sentences(text, FINDINGS) == ["Normal marrow.", "Aligned."]

    def test_findings_on_the_lines_below_a_history_of_one_line(self) -> None:
        lines = [f"Level L{number}: the disc is normal and the canal is wide enough." for number in range(1, 6)]
        text = "\n".join(["Clinical: back pain.", *lines, "Conclusion: normal."])
        assert kinds(text) == [HISTORY, FINDINGS, IMPRESSION]
        assert sentences(text, FINDINGS) == lines

    def test_short_second_line_of_a_history_stays(self) -> None:
        assert sentences("History: pain.\nlung cancer.\nImpression: normal.", HISTORY) == ["pain.", "lung cancer."]

    def test_banner_is_no_findings_section(self) -> None:
        text = "PRELIMINARY REPORT\nINDICATION: pain\n\nNo fracture.\n\nIMPRESSION: normal"
        assert sentences(text, FINDINGS) == ["No fracture."]

    def test_history_keeps_its_paragraphs_when_findings_have_a_heading(self) -> None:
        text = "History:\npain.\n\nlung cancer.\n\nFindings:\nnormal."
        assert sentences(text, HISTORY) == ["pain.", "lung cancer."]

    def test_underlined_heading(self) -> None:
        text = "FINDINGS\n--------\nNormal liver."
        assert titles(text) == ["FINDINGS\n--------"]
        assert sentences(text) == ["Normal liver."]


class TestSentences:
    @pytest.mark.parametrize(
        "sentence",
        [
            "There is a 2.1 cm cyst.",
            "The cyst measures approx. 3 cm in length.",
            "A mass of 1.5 x 2.3 cm is seen.",
            "The nodule vs. The vessel is unclear.",
            "Dr. Smith was told.",
            "He was called at 3 p.m. on Monday.",
            "Signs of infection, e.g. Abscess, are absent.",
            "Clip No. 3 is displaced.",
            "See Fig. 2 and im. 45 for details.",
            "Status s/p. resection of the colon.",
            "A lesion (series 3, image 45) is new.",
            "The Rt. Kidney and the Lt. Kidney are normal.",
            "Diameter min. 3 mm, max. 5 mm, or 3 resp. 5 mm.",
            "A tumour (see fig. 3. Unchanged) is seen.",
            "Old bleed ? Recent fracture.",
            "Increased signal (? post traumatic, inflammatory ..).",
            "C. spine is normal.",
            "Grade I. anterolisthesis is noted.",
            "L4-5: mild disc bulge with T2 signal of 3.5 mm.",
            "LARGE STONE APPROX. 2.5 CM IN THE LEFT KIDNEY.",
        ],
    )
    def test_does_not_break(self, sentence: str) -> None:
        assert sentences(sentence) == [sentence]

    @pytest.mark.parametrize(
        "parts",
        [
            ["A cyst of 2.1 cm.", "No stone."],
            ["A node of 14 mm.", "Omental fat is clear."],
            ["THE LIVER IS NORMAL.", "THE SPLEEN IS NORMAL."],
            ["He was called at 3 p.m.", "The mass is stable."],
            ["Lesion (series 3, image 45).", "It is new."],
            ["Fracture of L5.", "No slip."],
            ["Cyst in segment 2.", "The rest is normal."],
            ["Disc bulge noted.", "no compression."],
            ["Is it new?", "Unclear!", "Follow up."],
            ["Seen on MRI.", "CT is advised."],
            ["disc bulge noted //", "normal alignment.///", "dry discs"],
            ["1. Normal liver.", "2. Stable cyst.", "3. No stone."],
            ["1. Normal liver", "2. Stable cyst", "3. No stone"],
            ["1) Normal liver", "2) Stable cyst of 2.5 cm", "3) No stone"],
            ["Series 3, im. 45.", "No. 3 clip is displaced."],
            ["L4-5: normal.", "L5-S1: bulge."],
            ["1.Normal liver.", "2.Stable cyst."],
        ],
    )
    def test_breaks_within_a_line(self, parts: list[str]) -> None:
        assert sentences(" ".join(parts)) == parts

    @pytest.mark.parametrize(
        "lines",
        [
            ["- Feature of muscle spasm", "- Disc bulge at L4-5", "- no slip"],
            ["1. Normal liver", "2. Stable cyst", "10. No stone"],
            [
                "Feature of muscle spasm",
                "Disc bulge at L4-5 level",
                "no significant compression noted",
                "Adequate canal",
            ],
            ["* bowel normal", "\u2022 no free fluid", "-kidneys normal"],
            ["disc bulge at L4-5 level.", "no compression", "", "mass in the liver", "", "aligned"],
            ["LIVER: normal", "SPLEEN: normal"],
            ["(a) normal liver", "(b) normal spleen"],
        ],
    )
    @pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", " \n\t"])
    def test_breaks_at_lines(self, lines: list[str], line_break: str) -> None:
        assert sentences(line_break.join(lines)) == [line for line in lines if line]

    def test_wrapped_prose_goes_on(self) -> None:
        text = (
            "There is a broad based disc bulge with facet joint arthropathy at the level of\n"
            "L4-L5 that narrows the lateral recesses, and the nerve roots of the cauda equina\n"
            "are compressed. The conus ends at L1. There is no fracture. The marrow signal is\n"
            "normal."
        )
        assert len(sentences(text)) == 4
        assert sentences("Central disc protrusion with migration,\nCompressing the thecal sac")[0].endswith("sac")
        assert len(sentences("Disc bulge is noted at the\nL4-L5 level")) == 1

    def test_stop_without_a_blank(self) -> None:
        assert sentences("Fracture of L5.No slip.") == ["Fracture of L5.", "No slip."]
        assert sentences("Disc bulge noted.No compression.") == ["Disc bulge noted.", "No compression."]

    def test_nota_bene_begins_a_sentence(self) -> None:
        assert sentences("Canal stenosis NB: small kidney") == ["Canal stenosis", "NB: small kidney"]

    def test_scraps_belong_to_a_neighbour(self) -> None:
        assert sentences("Normal liver . \n . \n- \nNormal spleen") == [
            "Normal liver . \n .",
            "- \nNormal spleen",
        ]
        assert sentences("---\nNormal liver") == ["---\nNormal liver"]


class TestPysbd:
    def test_its_placeholders_do_not_move_offsets(self) -> None:
        """pysbd uses these characters itself, and turns them into others."""
        assert pysbd_breaks("The ∯ CT.", "∯ New scan.")
        check_invariants("Seen on CT. ∯ȹ☝ Scan. U.S. ∯ Army. A.B. &ᓴ& C.")

    def test_doubtful_stops_are_decided_by_it(self) -> None:
        assert pysbd_breaks("It was seen on MRI. ", "The mass is new.")
        assert not pysbd_breaks("It was seen by J. ", "Smith on Monday.")


def test_sixteen_sentences_cost_less_than_three_milliseconds() -> None:
    """Budget of DESIGN section 8: the rules labeler does 100 reports a second."""
    body = "The liver is normal, approx. 15.2 cm. No focal lesion was seen on CT. The RT. kidney has a 2 cm cyst.\n"
    text = f"CLINICAL HISTORY: pain.\nFINDINGS:\n{body * 5}IMPRESSION: Cyst."
    structure_report(text)
    started = time.process_time()
    for _ in range(50):
        structure_report(text)
    assert (time.process_time() - started) / 50 < 0.003
