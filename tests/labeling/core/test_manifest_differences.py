"""What differs between two manifests: what decides labels, in an order that people read."""

from labeling.core.manifest_differences import manifest_differences

HASH_A, HASH_B = "a1" * 32, "b2" * 32
RUN = {
    "labeler": "leavs-fast",
    "model": "small",
    "input_set": HASH_A,
    "n_in": 10,
    "n_out": 9,
    "tokens": {"prompt": 5},
    "wall_seconds": 3.5,
    "started_at": "2026-03-02T09:00:00+00:00",
    "backend": {"engine": "vllm", "version": "0.11", "model": "small"},
    "method": {
        "labeler": "leavs-fast",
        "version": 1,
        "switches": {"recall": True, "portion": 60},
        "prompts": {"judge": HASH_A, "select": HASH_A},
    },
}
RULES = {"labeler": "rules", "code_version": 7, "vocabulary_hash": HASH_B, "input_set": HASH_A}


def changed(**parts):
    return RUN | parts


def lines(a, b):
    return [tuple(line) for line in manifest_differences(a, b)]


def test_same_manifests_have_no_lines_and_counts_and_times_are_none():
    assert lines(RUN, RUN) == []
    other = changed(n_out=3, tokens={"prompt": 9}, wall_seconds=99, started_at="2026-03-03T09:00:00+00:00")
    assert lines(RUN, other) == []


def test_model_switch_prompt_and_engine_have_a_line_each():
    method = RUN["method"] | {
        "version": 2,
        "switches": {"recall": False, "portion": 60},
        "prompts": {"judge": HASH_B, "select": HASH_A},
    }
    backend = {"engine": "vllm", "version": "0.12", "model": "large"}
    assert lines(RUN, changed(model="large", method=method, backend=backend)) == [
        ("model", "small", "large"),
        ("code version", "1", "2"),
        ("switches: recall", "true", "false"),
        ("prompts: judge", HASH_A[:12], HASH_B[:12]),
        ("engine: version", "0.11", "0.12"),
    ]


def test_other_reports_are_told_by_their_number_and_hash():
    assert lines(RUN, changed(input_set=HASH_B, n_in=12)) == [("reports", f"10 ({HASH_A[:12]})", f"12 ({HASH_B[:12]})")]


def test_what_one_manifest_does_not_say_is_none():
    assert ("model", None, "small") in lines(RULES, RUN)
    assert ("vocabulary", HASH_B[:12], None) in lines(RULES, RUN)
    assert lines({"rater": ""}, {}) == []


def test_prompts_of_two_labelers_are_counted_only():
    method = {"labeler": "leavs", "version": 1, "switches": {}, "prompts": {"quotes": HASH_B}}
    said = lines(RUN, changed(labeler="leavs", method=method))
    assert ("prompts", "2 of leavs-fast", "1 of leavs") in said
    assert not [name for name, _, _ in said if name.startswith("prompts:")]
    assert said[0] == ("labeler", "leavs-fast", "leavs")


def test_long_texts_are_cut():
    [(_, cut, _)] = lines(RUN | {"model": "m" * 500}, RUN | {"backend": RUN["backend"]})[:1]
    assert len(cut) == 160
    assert cut.endswith("…")
