"""`python -m labeling label` with a labeler that asks a language model, over a server on this machine."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from labeling.cli import main
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import read_labels
from tests.labeling.llm_servers import BREAK, Fault, LlmServer, Request, error_of, in_thread

ROOT = Path(__file__).resolve().parents[2]
N_CELLS = 8  # of the preset spine-mri; direct-query makes one call for each
# Logits of the two answers: 3 apart, so every cell is present. The server's tokens are single characters.
YES = {"yes": -0.05, "no": -3.05}
WORDS = ("--config", "yes=yes", "no=no")
REPORTS = 'id,report\nP1,"Stenosis at L4-5, severe."\nP2,No stenosis.\n"P,3",Small disc bulge.\n'


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three reports; the id of the last has a comma."""
    path = tmp_path / "reports.csv"
    path.write_text(REPORTS, encoding="utf-8")
    return path


@contextmanager
def engine(**options: Any) -> Iterator[LlmServer]:
    """A server with a model called tiny that has looked at nothing yet."""
    with in_thread(LlmServer(**{"logprobs": YES, **options})) as server:
        yield server


def label(source: Path, server: LlmServer, *options: str, labeler: str = "direct-query") -> int:
    """Status of one `label` command; labels go beside `source`."""
    words = WORDS if labeler.endswith("query") else ()
    return main(
        [
            *("label", "--schema", "spine-mri", "--labeler", labeler, "--in", str(source)),
            *("--out", str(source.with_name("labels.jsonl")), "--format", "jsonl"),
            *("--backend", "openai", "--url", server.url, "--model", "tiny", *words, *options),
        ]
    )


def asked_about(server: LlmServer, *words: str) -> list[str]:
    """Prompts of the calls about reports with one of these words; the look at the server is none."""
    prompts = [" ".join(turn["content"] for turn in body["messages"]) for body in server.asked]
    return [prompt for prompt in prompts if any(word in prompt for word in words)]


OF_REPORTS = ("severe.", "No stenosis.", "disc bulge.")


def manifest_of(source: Path) -> dict[str, Any]:
    values = json.loads(source.with_name("labels.jsonl.manifest.json").read_text())
    assert isinstance(values, dict)
    return values


def failures_of(source: Path) -> list[dict[str, str]]:
    with source.with_name("labels.jsonl.failures.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def failing(word: str, fault: Fault) -> Callable[[LlmServer], LlmServer]:
    """Make a server fail on reports with this word."""

    def change(server: LlmServer) -> LlmServer:
        complete = server._completion

        def complete_or_fail(request: Request) -> Fault:
            return fault if word in json.dumps(request.body["messages"]) else complete(request)

        server._completion = complete_or_fail  # type: ignore[method-assign]
        return server

    return change


def test_every_report_is_labelled_and_beside_it_stands_how(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with engine() as server:
        assert label(reports, server) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "3 reports labelled"
    out = reports.with_name("labels.jsonl")
    table = read_labels(out, schema=load_preset("spine-mri"), filename="labels.jsonl")
    assert [report.report_id for report in table.reports] == ["P1", "P2", "P,3"]
    assert {report.rater for report in table.reports} == {"direct-query"}
    assert set(os.listdir(reports.parent)) == {
        *("reports.csv", "labels.jsonl", "labels.jsonl.manifest.json", "labels.jsonl.calls.jsonl")
    }
    manifest = manifest_of(reports)
    assert (manifest["n_in"], manifest["n_out"], manifest["n_failed"]) == (3, 3, {})
    assert manifest["method"]["labeler"]["labeler"] == "direct-query"
    assert manifest["method"]["backend"]["model"] == "tiny"
    assert manifest["calls"]["asked"] == 3 * N_CELLS
    assert manifest["tokens"]["prompt"] > 0
    assert table.reports[0].meta.extra == {"method_sha256": manifest["method_sha256"]}
    hashes = {name: sha256(text.encode()).hexdigest() for name, text in (("P1", "Stenosis at L4-5, severe."),)}
    assert table.reports[0].meta.text_sha256 == hashes["P1"]


def test_tokens_that_the_engine_does_not_count_are_unknown_in_the_manifest(reports: Path) -> None:
    with engine(manners="llama.cpp") as server:  # says nothing of its cache
        assert label(reports, server) == 0
    tokens = manifest_of(reports)["tokens"]
    assert tokens["prompt"] > 0
    assert tokens["prompt_cached"] is None


def test_resume_asks_nothing_that_was_answered_and_gives_the_same(reports: Path) -> None:
    out = reports.with_name("labels.jsonl")
    with engine() as server:
        assert label(reports, server) == 0
        first = out.read_bytes()
        assert len(asked_about(server, *OF_REPORTS)) == 3 * N_CELLS
        server.forget()
        assert label(reports, server, "--resume") == 0
        assert asked_about(server, *OF_REPORTS) == []
    assert out.read_bytes() == first
    assert manifest_of(reports)["n_out_from_stored_calls"] == 3


def test_without_resume_answered_calls_are_not_paid_again_by_accident(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine() as server:
        assert label(reports, server) == 0
        server.forget()
        assert label(reports, server) == 1
        assert server.asked == []
    assert "go on with them (--resume) or name another file" in capsys.readouterr().err


def test_changed_report_or_model_is_asked_anew(reports: Path) -> None:
    with engine() as server:
        assert label(reports, server) == 0
        reports.write_text(REPORTS.replace("No stenosis", "Now stenosis"))
        server.forget()
        assert label(reports, server, "--resume") == 0
        assert len(asked_about(server, "Now stenosis")) == len(asked_about(server, *OF_REPORTS, "Now")) == N_CELLS
    with engine(version="0.33.0") as server:
        assert label(reports, server, "--resume") == 0
        assert len(asked_about(server, *OF_REPORTS, "Now stenosis")) == 3 * N_CELLS


def test_report_that_is_too_long_fails_with_a_reason_and_the_run_goes_on(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with reports.open("a") as file:
        file.write(f"=P4,{'SECRET ' * 3000}\nP5,Normal.\n")
    with engine() as server:
        assert label(reports, server) == 3
        err = capsys.readouterr().err
        assert err.splitlines()[-1] == "4 reports labelled, 1 too_long"
        assert "too_long: report '=P4': " in err
        assert "SECRET" not in err
        [failed] = failures_of(reports)
        # With an apostrophe, so that a spreadsheet program does not take the id for a formula.
        assert (failed["report_id"], failed["kind"]) == ("'=P4", "too_long")
        assert "SECRET" not in failed["message"]
        lines = reports.with_name("labels.jsonl").read_text().splitlines()
        assert [json.loads(line)["report_id"] for line in lines] == ["P1", "P2", "P,3", "P5"]
        assert manifest_of(reports)["n_failed"] == {"too_long": 1}
        reports.write_text(REPORTS)
        assert label(reports, server, "--resume") == 0
    assert not reports.with_name("labels.jsonl.failures.csv").exists()


def test_report_that_failed_is_asked_again_on_resume(reports: Path) -> None:
    server = failing("No stenosis.", error_of(400, "no"))(LlmServer(logprobs=YES))
    with in_thread(server):
        assert label(reports, server) == 3
        assert [failed["report_id"] for failed in failures_of(reports)] == ["P2"]
    with engine() as server:
        assert label(reports, server, "--resume") == 0
        assert len(asked_about(server, *OF_REPORTS)) == len(asked_about(server, "No stenosis.")) == N_CELLS
    assert manifest_of(reports)["n_out_from_stored_calls"] == 2


def test_engine_that_is_not_there_ends_the_command_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("id,report\n" + "".join(f"{number},Normal {number}.\n" for number in range(200)))
    server = failing("Normal", error_of(403, "no"))(LlmServer(logprobs=YES))
    with in_thread(server):
        assert label(source, server) == 1
    err = capsys.readouterr().err
    assert "reports went without an answer" in err
    assert "the same command with --resume goes on" in err
    assert not source.with_name("labels.jsonl").exists()


@pytest.mark.parametrize("labeler", ["leavs-fast", "leavs", "maplez", "summary-query"])
def test_each_labeler_can_be_asked_for(reports: Path, labeler: str) -> None:
    with engine(answer=lambda _: "no", max_model_len=16_384) as server:
        assert label(reports, server, labeler=labeler) == 0
        server.forget()
        assert label(reports, server, "--resume", labeler=labeler) == 0
        assert asked_about(server, *OF_REPORTS) == []


def test_options_of_the_labeler_reach_it_and_its_manifest(reports: Path) -> None:
    with engine() as server:
        assert label(reports, server, "--config", "threshold=3.5") == 0
    entry = json.loads(reports.with_name("labels.jsonl").read_text().splitlines()[0])
    # The two logits are 3 apart: below the threshold.
    assert {cell["value"] for cell in entry["cells"].values()} == {"absent"}
    assert {cell["logit_difference"] for cell in entry["cells"].values()} == {3.0}
    assert manifest_of(reports)["method"]["labeler"]["switches"]["threshold"] == 3.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labeler", "direct-query", "--model", "m"], "--url is needed"),
        (["--labeler", "direct-query", "--url", "http://h"], "--model is needed"),
        (["--labeler", "direct-query", "--url", "ftp://h", "--model", "m"], "--url: the address"),
        (["--labeler", "direct-query", "--workers", "2"], "--workers is not for the labeler direct-query"),
        (["--labeler", "direct-query", "--config", "help"], "  threshold=0.0  (a number)"),
        (["--labeler", "leavs", "--config", "use_cot=maybe"], "expected is true or false"),
        (["--labeler", "leavs", "--config", "targets=heart"], "no target 'heart'"),
        (
            ["--labeler", "direct-query", "--url", "http://h", "--model", "m", "--calls", "reports.csv"],
            "different files",
        ),
        (["--labeler", "rules", "--url", "http://h"], "--url is not for the labeler rules"),
        (["--labeler", "rules", "--resume"], "--resume is not for the labeler rules"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_needed(
    reports: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(reports.parent)
    assert main(["label", "--schema", "spine-mri", "--in", "reports.csv", "--out", "out.csv", *options]) == 2
    assert message in capsys.readouterr().err
    assert {"out.csv"}.isdisjoint(os.listdir(reports.parent))


@pytest.mark.parametrize("number", ["0", "-1", "many", "5000"])
def test_concurrency_is_a_number_of_calls(reports: Path, number: str) -> None:
    with pytest.raises(SystemExit) as caught:
        label(reports, LlmServer(), "--concurrency", number)
    assert caught.value.code == 2


def test_unknown_model_says_which_there_are(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with engine(model="other") as server:
        assert label(reports, server) == 1
    assert "other" in capsys.readouterr().err
    assert not reports.with_name("labels.jsonl").exists()


def test_input_that_cannot_be_read_asks_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reports.csv"
    source.write_bytes(b"%PDF-1.7")
    with engine() as server:
        assert label(source, server) == 1
        assert server.requests == []
    assert str(source) in capsys.readouterr().err


def test_key_comes_from_a_file_and_goes_to_the_server_only(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = reports.with_name("key")
    key.write_text("sk-SECRET\n")
    with engine() as server:
        assert label(reports, server, "--api-key-file", str(key)) == 0
        assert server.requests[-1].headers["authorization"] == "Bearer sk-SECRET"
    written = "".join(path.read_text() for path in reports.parent.iterdir() if path != key)
    assert "SECRET" not in written + capsys.readouterr().err


def test_labels_on_standard_output_leave_no_other_file_unless_one_is_named(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine() as server:
        assert label(reports, server, "--out", "-", "--format", "long") == 0
        captured = capsys.readouterr()
        assert len(list(csv.DictReader(io.StringIO(captured.out, newline="")))) == 3 * N_CELLS
        assert os.listdir(reports.parent) == ["reports.csv"]
        assert label(reports, server, "--out", "-", "--resume") == 2
        calls = reports.with_name("calls.jsonl")
        assert label(reports, server, "--out", "-", "--calls", str(calls), "--resume") == 0
    assert len(calls.read_text().splitlines()) == 1 + 3 * N_CELLS


def command(source: Path, server: LlmServer, *options: str) -> "subprocess.Popen[bytes]":
    """The command in a process of its own."""
    arguments = [
        *("label", "--schema", "spine-mri", "--labeler", "direct-query", "--in", str(source)),
        *("--out", str(source.with_name("labels.jsonl")), "--format", "jsonl"),
        *("--url", server.url, "--model", "tiny", "--concurrency", "4", *WORDS, *options),
    ]
    return subprocess.Popen([sys.executable, "-m", "labeling", *arguments], cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_run_that_is_ended_keeps_what_was_answered_and_asks_the_rest_later(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    source = tmp_path / "reports.csv"
    source.write_text("id,report\n" + "".join(f"{number},Normal spine {number}.\n" for number in range(40)))
    with engine(delay_s=0.02) as server:
        with command(source, server) as process:
            deadline = time.monotonic() + 60
            while len(asked_about(server, "Normal spine")) < 100 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(number)
            assert process.wait(20) == status
            assert process.stderr is not None
            err = process.stderr.read().decode()
        assert "Traceback" not in err
        assert ("the same command with --resume goes on" in err) == (number == signal.SIGINT)
        assert not source.with_name("labels.jsonl").exists()
        first = asked_about(server, "Normal spine")
        kept = source.with_name("labels.jsonl.calls.jsonl").read_text().count('"is_cut"')
        # What was answered but not yet read when the end came is at most what was in flight.
        assert len(first) - 8 <= kept <= len(first)
        server.forget()
        with command(source, server, "--resume", "--quiet") as process:
            assert process.wait(60) == 0
        assert len(asked_about(server, "Normal spine")) == 40 * N_CELLS - kept
    lines = source.with_name("labels.jsonl").read_text().splitlines()
    assert [json.loads(line)["report_id"] for line in lines] == [str(number) for number in range(40)]


def test_busy_server_and_broken_connections_are_no_failures(reports: Path) -> None:
    server = LlmServer(logprobs=YES)
    with in_thread(server):
        first = replace(error_of(429, "busy"), headers={"retry-after": "0"})
        complete, faults = server._completion, deque([first, BREAK, first])

        def sometimes(request: Request) -> Fault:
            is_of_report = any(word in json.dumps(request.body["messages"]) for word in OF_REPORTS)
            return faults.popleft() if is_of_report and faults else complete(request)

        server._completion = sometimes  # type: ignore[method-assign]
        assert label(reports, server, "--concurrency", "1") == 0
    assert not faults
    assert manifest_of(reports)["calls"]["failed"] == 0


def test_progress_shows_calls_as_well(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with engine(delay_s=0.2) as server:
        assert label(reports, server, "--concurrency", "8") == 0
    assert " of 3  " in terminal.getvalue()
    assert " calls, " in terminal.getvalue()
